"""Configurations as people write them."""

import pytest
import yaml

from neurorun.core import ConfigError, NeurorunError, parse_yaml
from neurorun.experiment import experiment_from, experiment_model, load_experiment, resolved_plan

pytestmark = pytest.mark.unit

EARLIER = """
experiment: {name: local, seed: 42, device: auto, output_dir: results, wandb: {enabled: false}}
data:
  dataset: tuh_eeg
  data_dir: data/tusz
  cache_dir: cache/tusz
  sampling_rate: 256
  n_channels: 19
  window_size: 60
  stride: 10
  batch_size: 16
  num_workers: 4
  validation_split: 0.2
  max_samples: 1000
  use_balanced_sampling: true
preprocessing:
  montage: "10-20"
  bandpass: [0.5, 120]
  notch_freq: 60
  normalize: true
  use_mne: true
model:
  encoder: {stages: 4, channels: [64, 128, 256, 512], kernel_size: 5, downsample_factor: 2}
  rescnn: {n_blocks: 3, kernel_sizes: [3, 5, 7], dropout: 0.1}
  mamba: {n_layers: 6, d_model: 512, d_state: 16, conv_kernel: 5, dropout: 0.1}
  decoder: {stages: 4, kernel_size: 4}
training:
  epochs: 5
  learning_rate: 3e-4
  weight_decay: 0.05
  optimizer: adamw
  scheduler: {type: cosine, warmup_ratio: 0.1}
  gradient_clip: 1.0
  mixed_precision: true
  early_stopping: {patience: 3, metric: sensitivity_at_10fa, mode: max}
postprocessing:
  hysteresis: {tau_on: 0.86, tau_off: 0.78}
  morphology: {kernel_size: 5}
  min_duration: 3.0
evaluation:
  metrics: [taes, sensitivity, specificity, auroc]
  fa_rates: [10, 5, 2.5, 1]
  save_predictions: false
  save_plots: true
logging: {log_every_n_steps: 10, log_gradients: false, log_weights: false}
"""


def earlier() -> dict:
    return parse_yaml(EARLIER)


def test_a_configuration_with_the_keys_of_earlier_work_loads_as_it_is(tmp_path):
    path = tmp_path / "local.yaml"
    path.write_text(EARLIER)
    settings = load_experiment(path).settings
    assert settings.training.learning_rate == 3e-4
    assert settings.postprocessing.morphology.opening_kernel == 5
    assert settings.postprocessing.duration.min_duration_s == 3.0
    assert settings.model.mamba.conv_kernel == 5


def test_the_resolved_settings_load_as_what_they_are():
    first = experiment_from(earlier(), source="first")
    again = experiment_from(first.resolved, source="again")
    assert again.resolved == first.resolved


def test_the_plan_ends_with_settings_that_can_be_used_again():
    experiment = experiment_from(earlier(), source="c.yaml")
    text = resolved_plan(experiment).partition("Every setting:")[2]
    assert yaml.safe_load(text) == experiment.resolved


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        ("training", {"early_stopping": {"metric": "sensitivity_at_10.0fa"}}, "does not produce"),
        ("training", {"early_stopping": {"metric": "auroc", "mode": "min"}}, "set it to 'max'"),
        ("evaluation", {"fa_rates": [5]}, "metric is 'sensitivity_at_10fa', which"),
        ("data", {"stride": 0.001}, "a positive whole number is needed"),
        ("data", {"stride": 61}, "at most one window"),
        ("data", {"prediction_stride": 61}, "signal would have no prediction"),
        ("task", "sleep", "task 'sleep' is not known"),
    ],
)
def test_what_could_only_fail_later_is_refused_at_once(section, changes, message):
    settings = earlier()
    if isinstance(changes, dict):
        settings[section] |= changes
    else:
        settings[section] = changes
    with pytest.raises(NeurorunError, match=message):
        experiment_from(settings, source="c.yaml")


def test_another_task_in_the_same_class_is_refused():
    with pytest.raises(ConfigError, match="task 'abnormal' is not known"):
        experiment_model("abnormal")
