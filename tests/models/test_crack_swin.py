import pytest
import torch

from neurorun.core import ConfigError
from neurorun.models import (
    CrackNetworkConfig,
    CrackSwin,
    CrackSwinConfig,
    build_crack_network,
    count_parameters,
)

pytestmark = pytest.mark.unit

transformers = pytest.importorskip("transformers")

SMALL = {
    "image_size": 64,
    "window_size": 4,
    "embed_dim": 12,
    "depths": (1, 1, 1, 1),
    "num_heads": (1, 2, 3, 6),
    "aspp_channels": 16,
    "aspp_dilations": (1, 2),
    "decoder_channels": (12, 8, 8),
}


def small(**changes):
    return CrackSwin(CrackSwinConfig(**{**SMALL, **changes}))


@pytest.mark.parametrize("size", [(64, 64), (70, 33), (31, 100), (5, 5)])
@pytest.mark.parametrize("attention", [True, False])
def test_logits_have_the_size_of_the_pictures(size, attention):
    network = small(attention=attention).eval()
    assert network(torch.rand(2, 3, *size)).shape == (2, *size)


def test_the_default_has_the_parameters_of_the_tiny_swinv2_and_of_the_original_pyramid():
    network = CrackSwin()
    assert round(count_parameters(network.encoder) / 1e6, 2) == 27.58
    assert round(count_parameters(network.pyramid) / 1e6, 2) == 7.87


def test_every_parameter_of_pyramid_and_decoder_gets_a_gradient():
    network = small()
    network(torch.rand(2, 3, 64, 64)).square().mean().backward()
    silent = [
        name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum()
    ]
    assert [name for name in silent if not name.startswith("encoder.")] == []


def test_nothing_random_is_left_in_evaluation():
    network = small().eval()
    picture = torch.rand(1, 3, 40, 40)
    assert torch.equal(network(picture), network(picture))


@pytest.fixture
def stored(tmp_path):
    torch.manual_seed(7)
    trained = small()
    weights = {f"swinv2.{k}": v for k, v in trained.encoder.state_dict().items()}
    save = pytest.importorskip("safetensors.torch").save_file
    save({**weights, "classifier.weight": torch.zeros(2, 2)}, tmp_path / "model.safetensors")
    return trained, tmp_path / "model.safetensors"


def test_trained_weights_of_the_encoder_are_loaded_from_a_file(stored):
    trained, path = stored
    loaded = small(weights=path)
    for name, tensor in trained.encoder.state_dict().items():
        assert torch.equal(loaded.encoder.state_dict()[name], tensor)


def test_a_finished_run_is_opened_without_the_file(stored):
    config = CrackNetworkConfig(
        name="swinv2", swinv2=CrackSwinConfig(**SMALL, weights=stored[1].with_name("gone"))
    )
    build_crack_network(config, trained=False).load_state_dict(stored[0].state_dict())
    with pytest.raises(ConfigError, match=r"gone', which cannot be read"):
        build_crack_network(config)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"embed_dim": 24}, r"first is 'embeddings.*' of shape \(12, 3, 4, 4\) instead of \(24"),
        ({"depths": (1, 1, 2, 1)}, r"19 of 108 parts, .* which is missing"),
    ],
)
def test_weights_of_other_sizes_are_refused(stored, changes, fault):
    with pytest.raises(ConfigError, match=rf"does not fit: .*{fault}"):
        small(**changes, weights=stored[1])


def test_a_file_that_is_no_safetensors_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"not weights at all")
    with pytest.raises(ConfigError, match=r"model.swinv2.weights is .*, which cannot be read"):
        small(weights=path)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises((ConfigError, ValueError), match="stage 3 7 heads for a width of 48"):
        CrackSwinConfig(**{**SMALL, "num_heads": (1, 2, 7, 6)})
