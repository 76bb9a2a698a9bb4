import pytest
import torch

from neurorun.core import ConfigError, validate_settings
from neurorun.models import (
    SourceModelConfig,
    SourceTransformer,
    SourceTransformerConfig,
    build_source_model,
    count_parameters,
)
from neurorun.models.source_transformer import positions

pytestmark = pytest.mark.unit

SMALL = SourceTransformerConfig(d_model=16, n_heads=2, n_layers=1, dim_feedforward=24, dropout=0.0)


def earlier_table(n_samples, width):
    """``pos_encoder.pe`` of the earlier program, as its loops fill it."""
    table = torch.zeros(n_samples, 1, width)
    for place in range(n_samples):
        for column in range(0, width, 2):
            angle = torch.tensor(place / 10_000 ** (column / width))
            table[place, 0, column] = angle.sin()
            table[place, 0, column + 1] = angle.cos()
    return table


def test_published_size_has_the_published_number_of_parameters():
    net = SourceTransformer(SourceTransformerConfig(), n_channels=75, n_regions=994)
    assert count_parameters(net) == 6_040_034


def test_positions_are_those_of_the_earlier_table():
    expected = earlier_table(60, 8)[:, 0]
    assert torch.allclose(positions(60, 8), expected, atol=1e-5)


def test_weights_of_the_earlier_program_load():
    net = SourceTransformer(SMALL, n_channels=4, n_regions=9)
    state = {**net.state_dict(), "pos_encoder.pe": earlier_table(10, 16)}
    other = SourceTransformer(SMALL, n_channels=4, n_regions=9)
    other.load_state_dict(state)
    eeg = torch.randn(2, 10, 4)
    assert torch.equal(net(eeg), other(eeg))
    assert set(net.state_dict()) >= {
        "input_projection.weight",
        "transformer_encoder.layers.0.self_attn.in_proj_weight",
        "output_projection.3.bias",
    }


def test_every_sample_sees_every_other():
    torch.manual_seed(0)
    net = SourceTransformer(SMALL, n_channels=4, n_regions=9).eval()
    eeg = torch.randn(1, 20, 4)
    later = eeg.clone()
    later[:, 19] += 1
    assert not torch.allclose(net(eeg)[:, 0], net(later)[:, 0])


def test_estimates_in_evaluation_mode_are_those_of_training_without_dropout():
    torch.manual_seed(0)
    net = SourceTransformer(SMALL, n_channels=4, n_regions=9)
    eeg = torch.randn(2, 20, 4)
    trained = net(eeg)
    with torch.no_grad():
        assert torch.allclose(net.eval()(eeg), trained, atol=1e-5)


def test_width_that_the_heads_do_not_divide_is_refused():
    with pytest.raises(ConfigError, match=r"d_model is 30 with 4 heads; an even number"):
        validate_settings(
            {"transformer": {"d_model": 30, "n_heads": 4}}, SourceModelConfig, source="x"
        )


@pytest.mark.parametrize("name", ["deepsif", "transformer"])
def test_small_preset_is_small_and_may_be_overruled(name):
    small = build_source_model(
        SourceModelConfig(name=name, preset="small"), n_channels=75, n_regions=994
    )
    assert count_parameters(small) < 250_000
    config = SourceModelConfig.model_validate(
        {"preset": "small", "transformer": {"n_layers": 3}, "deepsif": {"recurrent_layers": 2}}
    )
    assert (config.transformer.n_layers, config.transformer.d_model) == (3, 64)
    assert (config.deepsif.recurrent_layers, config.deepsif.recurrent_size) == (2, 96)


def test_settings_survive_being_stored():
    config = SourceModelConfig.model_validate({"preset": "small", "transformer": {"n_layers": 3}})
    assert SourceModelConfig.model_validate(config.model_dump(mode="json")) == config
    assert SourceModelConfig(preset="small", transformer=SMALL).transformer == SMALL
