import pytest
import torch

from neurorun.models.unet import Convolution, DecoderStage, EncoderStage, Lengthening

pytestmark = pytest.mark.unit


def reach(layer, n_steps, changed):
    """Output steps that a change of one input step moves."""
    layer = layer.double().eval()
    x = torch.randn(1, 2, n_steps, dtype=torch.float64)
    other = x.clone()
    other[..., changed] += 1
    moved = (layer(x) - layer(other)).abs().amax(dim=(0, 1)) > 0
    return moved.nonzero().flatten().tolist()


@pytest.mark.parametrize(
    ("causal", "kernel_size", "expected"),
    [
        pytest.param(False, 3, [9, 10, 11], id="both-sides"),
        pytest.param(True, 3, [10, 11, 12], id="only-later"),
        pytest.param(False, 7, list(range(7, 14)), id="long"),
    ],
)
def test_convolution_keeps_the_length_and_reaches_its_kernel(causal, kernel_size, expected):
    layer = Convolution(2, 64, kernel_size, causal=causal)
    assert layer(torch.randn(3, 2, 20)).shape == (3, 64, 20)
    assert reach(layer, 20, 10) == expected


@pytest.mark.parametrize(
    ("kernel_size", "factor"), [(2, 2), (3, 2), (4, 2), (5, 2), (8, 2), (3, 3), (4, 3), (7, 3)]
)
@pytest.mark.parametrize("causal", [False, True])
def test_lengthening_is_exact_and_stays_near_its_step(kernel_size, factor, causal):
    layer = Lengthening(2, 3, kernel_size=kernel_size, factor=factor, causal=causal)
    reached = reach(layer, 10, 5)
    first = 5 * factor - (0 if causal else (kernel_size - factor) // 2)
    assert layer(torch.randn(1, 2, 10).double()).shape == (1, 3, 10 * factor)
    assert reached == list(range(first, first + kernel_size))


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_decoder_stage_gives_back_the_length_that_the_encoder_took(factor):
    options = {"kernel_size": 3, "factor": factor, "causal": False}
    encoder = EncoderStage(2, 4, **options)
    decoder = DecoderStage(4, 4, 5, up_kernel_size=factor, **options)
    copy, shorter = encoder(torch.randn(2, 2, 12 * factor))
    assert (copy.shape, shorter.shape) == ((2, 4, 12 * factor), (2, 4, 12))
    assert decoder(shorter, copy).shape == (2, 5, 12 * factor)
