import pytest
import torch

from neurorun.models.rescnn import ResidualBlock

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("width", "kernel_sizes", "expected"),
    [(512, (3, 5, 7), [170, 170, 172]), (64, (9,), [64]), (3, (3, 5, 7), [1, 1, 1])],
)
def test_width_is_divided_among_the_kernels(width, kernel_sizes, expected):
    block = ResidualBlock(width, kernel_sizes, dropout=0.0, causal=False)
    assert [branch.conv.out_channels for branch in block.branches] == expected
    assert [branch.conv.kernel_size[0] for branch in block.branches] == list(kernel_sizes)


def test_signal_passes_unchanged_where_nothing_is_added():
    block = ResidualBlock(6, (3, 5), dropout=0.5, causal=False)
    torch.nn.init.zeros_(block.mix[1].weight)
    x = torch.rand(2, 6, 30)
    assert torch.equal(block(x), x)


def test_dropout_silences_whole_channels_of_what_is_added():
    torch.manual_seed(0)
    block = ResidualBlock(64, (3,), dropout=0.5, causal=False)
    torch.nn.init.constant_(block.mix[1].bias, 10.0)
    x = torch.zeros(1, 64, 50)
    silent = block(x).amax(dim=2) == 0
    assert 16 < int(silent.sum()) < 48
    assert not (block.eval()(x).amax(dim=2) == 0).any()
