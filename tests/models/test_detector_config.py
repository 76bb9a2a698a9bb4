import pytest
from pydantic import ValidationError

from neurorun.models import EncoderConfig, MambaConfig, SeizureDetectorConfig

pytestmark = pytest.mark.unit

FULL_WIDTHS = (64, 128, 256, 512)


def test_full_preset_is_the_default():
    assert SeizureDetectorConfig() == SeizureDetectorConfig(preset="full")
    assert SeizureDetectorConfig().encoder.channels == FULL_WIDTHS
    assert SeizureDetectorConfig().block_samples == 16


def test_keys_of_the_first_yaml_files_are_read():
    config = SeizureDetectorConfig.model_validate(
        {
            "encoder": {
                "stages": 4,
                "channels": [64, 128, 256, 512],
                "kernel_size": 5,
                "downsample_factor": 2,
            },
            "rescnn": {"n_blocks": 3, "kernel_sizes": [3, 5, 7], "dropout": 0.1},
            "mamba": {
                "n_layers": 6,
                "d_model": 512,
                "d_state": 16,
                "conv_kernel": 5,
                "dropout": 0.1,
            },
            "decoder": {"stages": 4, "kernel_size": 4},
        }
    )
    assert (config.mamba.conv_kernel, config.decoder.kernel_size) == (5, 4)


def test_explicit_keys_win_over_the_preset_key_by_key():
    config = SeizureDetectorConfig(preset="small", mamba={"n_layers": 3})
    preset = SeizureDetectorConfig(preset="small")
    assert config.mamba.n_layers == 3
    assert config.mamba.d_model == preset.mamba.d_model != SeizureDetectorConfig().mamba.d_model
    assert config.encoder == preset.encoder


def test_sections_given_as_objects_count_only_where_they_were_set():
    given = SeizureDetectorConfig(preset="small", mamba=MambaConfig(n_layers=3))
    assert given == SeizureDetectorConfig(preset="small", mamba={"n_layers": 3})


@pytest.mark.parametrize("preset", ["full", "medium", "small"])
def test_stored_configuration_is_read_back_unchanged(preset):
    config = SeizureDetectorConfig(preset=preset, rescnn={"dropout": 0.3})
    assert SeizureDetectorConfig.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"encoder": {"stages": 3}}, r"encoder.stages is 3, .* lists 4 widths .*; give one width"),
        ({"encoder": {"kernel_size": 4}}, r"4 is even; kernels that keep the length are odd. Add"),
        ({"rescnn": {"kernel_sizes": [3, 6]}}, r"6 is even; kernels"),
        ({"mamba": {"head_dim": 48}}, r"head_dim is 48, but the inner width is 1024 .* divides it"),
        (
            {"encoder": {"channels": [4] * 5, "downsample_factor": 8}},
            r"5 stages .*factor 8 make one step of 32768 samples; at most 4096",
        ),
        ({"decoder": {"stages": 5}}, r"stages is 5, the encoder has 4; .* Set decoder.stages"),
        (
            {"encoder": {"downsample_factor": 3}},
            r"kernel_size is 2, encoder.downsample_factor 3; the kernel must be at least as long",
        ),
        (
            {"encoder": {"channels": [8, 2]}},
            r"last encoder width is 2, too narrow .* 3 kernels .*; widen it, or list fewer",
        ),
        (
            {"ssm_backend": "mamba_ssm", "mamba": {"conv_kernel": 5}},
            r"conv_kernel 5, 16 heads .* 2 to 4.* or choose ssm_backend 'torch'",
        ),
        (
            {"ssm_backend": "mamba_ssm", "mamba": {"d_model": 128}},
            r"conv_kernel 4, 4 heads .* a multiple of 8 heads",
        ),
        (
            {"ssm_backend": "mamba_ssm", "mamba": {"d_state": 18}},
            r"16 heads and mamba\.d_state 18; .* a multiple of 4 as d_state",
        ),
        ({"preset": "huge"}, r"Input should be 'full', 'medium' or 'small'"),
        ({"preset": "small", "norm_momentum": {}}, r"should be a valid number"),
        ({"encoder": 3}, r"valid dictionary or instance of EncoderConfig"),
        ({"graph": {}}, r"Extra inputs are not permitted"),
        ([], r"valid dictionary or instance of SeizureDetectorConfig"),
    ],
)
def test_what_cannot_be_built_is_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        SeizureDetectorConfig.model_validate(given)


def test_stages_follow_the_widths_where_they_are_not_given():
    assert EncoderConfig(channels=(4, 8)).stages is None
    config = SeizureDetectorConfig(encoder={"channels": (4, 8)})
    assert (config.n_decoder_stages, config.block_samples) == (2, 4)
