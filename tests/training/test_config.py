import pytest
from pydantic import ValidationError

from neurorun.core import ConfigError
from neurorun.training import LoggingConfig, TrainingConfig, check_plan, count_steps

pytestmark = pytest.mark.unit

SEED_002 = {
    "epochs": 5,
    "learning_rate": 3e-4,
    "weight_decay": 0.05,
    "optimizer": "adamw",
    "scheduler": {"type": "cosine", "warmup_ratio": 0.1},
    "gradient_clip": 1.0,
    "mixed_precision": True,
    "early_stopping": {"patience": 3, "metric": "sensitivity_at_10fa", "mode": "max"},
}


def test_the_section_of_the_seed_is_read_as_it_is():
    config = TrainingConfig.model_validate(SEED_002)
    assert config.early_stopping.metric == "sensitivity_at_10fa"
    assert LoggingConfig(log_every_n_steps=100, log_gradients=False, log_weights=False)


def test_settings_survive_json():
    config = TrainingConfig(devices="auto", ema_decay=0.99, loss="focal")
    assert TrainingConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"devices": 0}, r"training\.devices is 0; give a number from 1 on"),
        (
            {"loss": "focal", "focal_alpha": 0.25, "positive_weight": "sqrt"},
            r"focal_alpha is 0\.25 and training\.positive_weight is 'sqrt': both weigh",
        ),
        ({"ema_decay": 0.9, "strategy": "fsdp"}, r"ema_decay is 0\.9 with strategy 'fsdp'"),
        ({"epochs": 0}, "greater than or equal to 1"),
        ({"learning_rate": 0.0}, "greater than 0"),
        ({"learning_rat": 1e-3}, "Extra inputs are not permitted"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        TrainingConfig(**settings)


@pytest.mark.parametrize(
    ("accumulation", "n_processes", "steps"),
    [(1, 1, 14), (2, 1, 8), (4, 1, 4), (1, 2, 6), (2, 2, 4)],
)
def test_steps_are_counted_over_batches_processes_and_accumulation(
    toy, accumulation, n_processes, steps
):
    config = TrainingConfig(epochs=2, gradient_accumulation_steps=accumulation)
    assert count_steps(toy.ToyTask(n_batches=7), config, n_processes=n_processes) == steps


class WithoutCriterion:
    metrics = ()
    uses_criterion = False

    def __init__(self, toy):
        self.n_batches, self.batches = toy.ToyTask().n_batches, toy.ToyTask().batches
        self.loss, self.evaluate = toy.ToyTask().loss, toy.ToyTask().evaluate
        self.positive_fraction = toy.ToyTask().positive_fraction


def test_a_loss_setting_without_effect_is_refused(toy):
    check_plan(WithoutCriterion(toy), TrainingConfig())
    with pytest.raises(ConfigError, match=r"training\.loss = 'focal' has no effect"):
        check_plan(WithoutCriterion(toy), TrainingConfig(loss="focal"))


def test_positives_cannot_be_weighed_where_there_are_none(toy, monkeypatch):
    monkeypatch.setattr(toy.ToyTask, "positive_fraction", lambda self: 0.0)
    check_plan(toy.ToyTask(), TrainingConfig())
    with pytest.raises(ConfigError, match=r"'dataset', but 0% of the training samples"):
        check_plan(toy.ToyTask(), TrainingConfig(positive_weight="dataset"))


def test_fewer_batches_than_processes_are_refused(toy):
    with pytest.raises(ConfigError, match=r"1 batch\(es\) for 2 process\(es\)"):
        check_plan(toy.ToyTask(n_batches=1), TrainingConfig(), n_processes=2)
