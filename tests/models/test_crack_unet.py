import pytest
import torch

from neurorun.models import (
    CrackNetworkConfig,
    CrackUNet,
    CrackUNetConfig,
    build_crack_network,
    count_parameters,
)

pytestmark = pytest.mark.unit

SMALL = CrackUNetConfig(channels=(8, 16, 12), dropout=0.5)


@pytest.mark.parametrize("size", [(32, 32), (33, 20), (4, 7), (1, 1), (17, 64)])
def test_logits_have_the_size_of_the_pictures(size):
    network = CrackUNet(SMALL).eval()
    assert network(torch.rand(2, 3, *size)).shape == (2, *size)


def test_a_new_network_calls_few_pixels_positive():
    torch.manual_seed(0)
    with torch.no_grad():
        probabilities = torch.sigmoid(CrackUNet().eval()(torch.rand(1, 3, 64, 64)))
    assert float(probabilities.mean()) < 0.2


def test_a_picture_is_predicted_alike_alone_and_in_a_batch():
    network = CrackUNet(SMALL).eval()
    pictures = torch.rand(3, 3, 32, 24)
    torch.testing.assert_close(network(pictures)[1:2], network(pictures[1:2]))


def test_padding_changes_nothing_far_from_the_border():
    torch.manual_seed(1)
    network = CrackUNet(CrackUNetConfig(channels=(8,))).eval()
    picture = torch.rand(1, 3, 21, 21)
    longer = torch.nn.functional.pad(picture, (0, 3, 0, 3), mode="replicate")
    with torch.no_grad():
        statistics_differ = network(longer)[:, :5, :5] - network(picture)[:, :5, :5]
    assert float(statistics_differ.abs().max()) < 0.5


def test_every_parameter_gets_a_gradient():
    network = CrackUNet(SMALL)
    network(torch.rand(2, 3, 16, 16)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_dropout_works_in_training_alone():
    network = CrackUNet(SMALL)
    picture = torch.rand(1, 3, 16, 16)
    assert not torch.equal(network(picture), network(picture))
    network.eval()
    assert torch.equal(network(picture), network(picture))


def test_a_small_network_can_learn_a_line():
    torch.manual_seed(0)
    network = CrackUNet(CrackUNetConfig(channels=(8, 16), dropout=0))
    pictures, target = torch.rand(1, 3, 16, 16) * 0.2 + 0.6, torch.zeros(1, 16, 16)
    target[0, 7] = 1
    pictures[0, :, 7] = 0.1
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(40):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(pictures), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert torch.equal(network.eval()(pictures) > 0, target > 0)


def test_the_name_chooses_the_network():
    network = build_crack_network(CrackNetworkConfig(unet=SMALL))
    assert isinstance(network, CrackUNet)
    assert count_parameters(build_crack_network(CrackNetworkConfig())) == 482_737
