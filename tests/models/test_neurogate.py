import pytest
import torch
from torch.nn import functional

from neurorun.core import ConfigError
from neurorun.models import (
    NeuroGATE_Gaze_MultiRes,
    NeuroGATE_Gaze_MultiRes_Simple,
    NeuroGateConfig,
    build_neurogate,
    count_parameters,
)

pytestmark = pytest.mark.unit


def network(n_samples=2500, **settings):
    torch.manual_seed(0)
    return NeuroGATE_Gaze_MultiRes(22, 2, n_samples, **settings).eval()


def test_the_original_has_527_250_parameters_in_258_tensors():
    model = NeuroGATE_Gaze_MultiRes(n_chan=22, n_outputs=2, original_time_length=15000)
    assert count_parameters(model) == 527_250
    assert count_parameters(model.attention_layer) == 11_420
    assert len(model.state_dict()) == 258


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("res_conv1.conv1.weight", (8, 44, 5)),
        ("res_conv1.bn2.running_var", (16,)),
        ("gate_dilate1.layers.7.filter.weight", (68, 68, 1)),
        ("gate_dilate2.conv1d.weight", (44, 20, 1)),
        ("conv1.weight", (20, 68, 3)),
        ("bn4.num_batches_tracked", ()),
        ("encoder.layers.1.linear1.weight", (2048, 20)),
        ("attention_layer.temporal_3000.0.weight", (32, 44, 3)),
        ("attention_layer.temporal_120.3.weight", (1, 32, 3)),
        ("attention_layer.spatial_attention.5.weight", (22, 64)),
        ("attention_layer.scale_weights", (3,)),
        ("fc.weight", (2, 20)),
    ],
)
def test_weights_have_the_names_of_the_original(name, shape):
    assert tuple(network().state_dict()[name].shape) == shape


class Functional:
    """The network as its notes describe it, written from a state dict alone."""

    def __init__(self, model):
        self.w = model.state_dict()
        self.encoder = model.encoder

    def conv(self, name, x, **more):
        return functional.conv1d(x, self.w[f"{name}.weight"], self.w[f"{name}.bias"], **more)

    def linear(self, name, x):
        return functional.linear(x, self.w[f"{name}.weight"], self.w[f"{name}.bias"])

    def norm(self, name, x):
        w = self.w
        return functional.batch_norm(
            x, w[f"{name}.running_mean"], w[f"{name}.running_var"],
            w[f"{name}.weight"], w[f"{name}.bias"],
        )  # fmt: skip

    def res_conv(self, name, x):
        new = functional.relu(self.norm(f"{name}.bn1", self.conv(f"{name}.conv1", x, padding=2)))
        x = torch.cat([new, x], 1)
        new = functional.relu(self.norm(f"{name}.bn2", self.conv(f"{name}.conv2", x, padding=2)))
        return torch.cat([new, x], 1)

    def gate_dilate(self, name, x):
        x = self.conv(f"{name}.conv1d", x)
        for i in range(8):
            layer, d = f"{name}.layers.{i}", 2**i
            y = self.conv(f"{layer}.conv", x, padding=2 * d, dilation=d)
            z = torch.tanh(self.conv(f"{layer}.filter", y))
            z = z * torch.sigmoid(self.conv(f"{layer}.gate", y))
            x = x + self.conv(f"{layer}.conv2", z[..., : -2 * d])
        return x

    def head(self, name, x, length):
        x = self.conv(f"attention_layer.{name}.0", x, padding=1)
        x = functional.relu(self.norm(f"attention_layer.{name}.1", x))
        x = torch.sigmoid(self.conv(f"attention_layer.{name}.3", x, padding=1))
        return functional.interpolate(x, size=length, mode="linear", align_corners=False)

    def __call__(self, x):
        length = x.shape[-1]
        f3000 = self.norm(
            "bn1", torch.cat([functional.avg_pool1d(x, 5, 5), functional.max_pool1d(x, 5, 5)], 1)
        )
        x = self.res_conv("res_conv1", f3000) + self.gate_dilate("gate_dilate1", f3000)
        x = functional.max_pool1d(x, 5, 5)
        f600 = functional.relu(self.norm("bn2", self.conv("conv1", x, padding=1)))
        x = self.res_conv("res_conv2", f600) + self.gate_dilate("gate_dilate2", f600)
        x = self.norm("bn3", self.conv("conv2", x, padding=1))
        x = functional.max_pool1d(self.res_conv("res_conv3", x), 5, 5)
        x = self.norm("bn4", self.conv("conv3", x, padding=1))
        f120 = self.encoder(x.permute(0, 2, 1)).permute(0, 2, 1)
        w = torch.softmax(self.w["attention_layer.scale_weights"], 0)
        time = sum(
            w[i] * self.head(name, feature, length)
            for i, (name, feature) in enumerate(
                [("temporal_3000", f3000), ("temporal_600", f600), ("temporal_120", f120)]
            )
        )
        s = "attention_layer.spatial_attention"
        hidden = functional.relu(
            functional.linear(f120.mean(2), self.w[f"{s}.2.weight"], self.w[f"{s}.2.bias"])
        )
        space = torch.sigmoid(
            functional.linear(hidden, self.w[f"{s}.5.weight"], self.w[f"{s}.5.bias"])
        )
        attention = (space[:, :, None] * time).clamp(0, 1)
        weights = functional.avg_pool1d(attention, 125, 125).mean(1, keepdim=True)
        gated, plain = self.linear("fc", (f120 * weights).mean(2)), self.linear("fc", f120.mean(2))
        return gated, plain, attention, f120


def test_layers_are_those_of_the_notes():
    model, x = network(), torch.randn(2, 22, 2500)
    with torch.no_grad():
        gated, plain, attention, features = Functional(model)(x)
        found, without = model(x, return_attention=True), model(x)
    torch.testing.assert_close(found["logits"], gated, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found["attention_map"], attention, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found["features"], features, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(without, plain, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.get_attention(x), attention, rtol=1e-4, atol=1e-5)
    assert model.get_features(x).shape == (2, 20, 20)


def test_a_state_dict_loads_and_gives_the_same():
    first, second, x = network(), network(), torch.randn(1, 22, 2500)
    with torch.no_grad():
        for parameter in second.parameters():
            parameter.zero_()
        second.load_state_dict(first.state_dict())
        torch.testing.assert_close(first(x, True)["logits"], second(x, True)["logits"])


def test_the_original_map_is_an_outer_product():
    with torch.no_grad():
        attention = network(1250)(torch.randn(1, 22, 1250), True)["attention_map"][0]
    assert torch.linalg.matrix_rank(attention, rtol=1e-4) == 1


def test_a_map_per_channel_has_full_rank():
    with torch.no_grad():
        attention = network(1250, attention_head="per_channel").get_attention(
            torch.randn(1, 22, 1250)
        )[0]
    assert torch.linalg.matrix_rank(attention, rtol=1e-4) > 5


@pytest.mark.parametrize("gate", ["always", "normalized"])
def test_other_gates_decide_alike_whether_the_map_is_asked_for(gate):
    model, x = network(1250, gate=gate), torch.randn(2, 22, 1250)
    with torch.no_grad():
        torch.testing.assert_close(model(x), model(x, True)["logits"])


def test_the_original_gate_decides_otherwise_when_the_map_is_asked_for():
    model, x = network(1250), torch.randn(2, 22, 1250)
    with torch.no_grad():
        assert not torch.allclose(model(x), model(x, True)["logits"], atol=1e-2)


def test_the_size_of_the_map_cannot_scale_features_away():
    model = network(1250, gate="normalized")
    coarse, attention = torch.randn(1, 20, 10), torch.rand(1, 22, 1250)
    with torch.no_grad():
        large, small = (model.decide(coarse, attention * size) for size in (1.0, 0.01))
    torch.testing.assert_close(large, small, rtol=1e-3, atol=1e-4)


def test_the_simple_one_returns_a_tuple():
    model = NeuroGATE_Gaze_MultiRes_Simple(22, 2, 1250).eval()
    with torch.no_grad():
        logits, attention = model(torch.randn(1, 22, 1250), return_attention=True)
        assert model(torch.randn(1, 22, 1250)).shape == logits.shape == (1, 2)
    assert attention.shape == (1, 22, 1250)


@pytest.mark.parametrize("n_samples", [100, 15001])
def test_windows_that_do_not_divide_are_refused(n_samples):
    with pytest.raises(ConfigError, match=f"A window of {n_samples} samples .* a multiple of it"):
        NeuroGATE_Gaze_MultiRes(22, 2, n_samples)


def test_settings_choose_head_and_gate():
    config = NeuroGateConfig(attention_head="per_channel", gate="always")
    model = build_neurogate(config, n_channels=22, n_samples=1250)
    assert (model.attention_layer.head, model.gate) == ("per_channel", "always")
    assert count_parameters(build_neurogate(config, n_channels=22, n_samples=15000)) == 530_587
