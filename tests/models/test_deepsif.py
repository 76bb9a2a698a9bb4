import numpy as np
import pytest
import torch

from neurorun.models import DeepSIFConfig, DeepSIFNet, count_parameters

pytestmark = pytest.mark.unit

LAYERS = ("fc11", "fc12", "fc21", "fc22", "fc23", "value")
PUBLISHED_NAMES = {
    *(f"spatial.{layer}.{part}" for layer in LAYERS for part in ("weight", "bias")),
    *(
        f"temporal.rnns.0.{part}_{way}_l{layer}"
        for part in ("weight", "bias")
        for way in ("ih", "hh")
        for layer in range(3)
    ),
}
"""Weights of TemporalInverseNet with three recurrent layers, from network.py of bfinl/DeepSIF."""

SMALL = DeepSIFConfig(spatial_size=6, recurrent_layers=2)


def test_published_size_has_the_published_number_of_parameters():
    net = DeepSIFNet(DeepSIFConfig(), n_channels=75, n_regions=994)
    assert count_parameters(net) == 22_360_976
    assert count_parameters(net.spatial) == 588_400
    assert count_parameters(net.temporal) == 21_772_576


def test_weights_are_called_as_published():
    net = DeepSIFNet(DeepSIFConfig(), n_channels=75, n_regions=994)
    assert set(net.state_dict()) == PUBLISHED_NAMES


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(weights, eeg, n_layers):
    """The equations of network.py in NumPy, sample after sample."""

    def layer(name, x):
        return x @ weights[f"spatial.{name}.weight"].T + weights[f"spatial.{name}.bias"]

    x = elu(layer("fc12", elu(layer("fc11", eeg))) + eeg)
    x = elu(layer("value", elu(layer("fc22", elu(layer("fc21", x))) + layer("fc23", x))))
    for number in range(n_layers):
        own = {
            name: weights[f"temporal.rnns.0.{name}_l{number}"]
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        size = own["weight_hh"].shape[1]
        h, c, states = np.zeros(size), np.zeros(size), []
        for sample in x:
            gates = own["weight_ih"] @ sample + own["bias_ih"]
            gates = gates + own["weight_hh"] @ h + own["bias_hh"]
            enter, forget, new, leave = np.split(gates, 4)
            c = sigmoid(forget) * c + sigmoid(enter) * np.tanh(new)
            h = sigmoid(leave) * np.tanh(c)
            states.append(h)
        x = np.array(states)
    return x


def test_estimate_follows_the_published_equations():
    torch.manual_seed(0)
    net = DeepSIFNet(SMALL, n_channels=4, n_regions=9).double()
    eeg = torch.randn(2, 30, 4, dtype=torch.float64)
    found = net(eeg).detach().numpy()
    weights = {name: value.numpy() for name, value in net.state_dict().items()}
    for example, expected in zip(found, eeg.numpy(), strict=True):
        np.testing.assert_allclose(example, by_hand(weights, expected, 2), atol=1e-12)


def test_other_recurrent_sizes_are_brought_to_the_regions():
    config = DeepSIFConfig(spatial_size=6, recurrent_layers=1, recurrent_size=5)
    net = DeepSIFNet(config, n_channels=4, n_regions=9)
    assert net(torch.zeros(1, 3, 4)).shape == (1, 3, 9)
    assert net.temporal.rnns[0].hidden_size == 5


def test_no_sample_knows_the_later_ones():
    net = DeepSIFNet(SMALL, n_channels=4, n_regions=9)
    eeg = torch.randn(1, 20, 4)
    later = eeg.clone()
    later[:, 12:] += 1
    assert torch.equal(net(eeg)[:, :12], net(later)[:, :12])
