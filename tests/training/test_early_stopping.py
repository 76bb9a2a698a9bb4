import math

import pytest

from neurorun.core import ConfigError, Metric
from neurorun.training import VAL_LOSS, EarlyStoppingConfig, monitored_metric
from neurorun.training.early_stopping import Selection

pytestmark = pytest.mark.unit

TAES = Metric("taes", "higher", "1", "")
FALSE_ALARMS = Metric("false_alarms_per_day", "lower", "per 24 h", "")


@pytest.mark.parametrize(
    ("metric", "values", "best", "waited"),
    [
        (TAES, [0.1, 0.3, 0.2], 2, 1),
        (VAL_LOSS, [0.5, 0.4, 0.6], 2, 1),
        pytest.param(TAES, [0.3, 0.3, 0.3], 1, 2, id="a tie is no improvement"),
        pytest.param(TAES, [math.nan, 0.1, math.nan], 2, 1, id="undefined is never best"),
        pytest.param(TAES, [math.nan, math.nan], None, 0, id="never defined, never best"),
        pytest.param(TAES, [math.nan, 0.5, 0.4], 2, 1, id="waiting begins with the first value"),
    ],
)
def test_the_best_epoch_is_the_earliest_with_the_best_value(metric, values, best, waited):
    selection = Selection()
    judged = [selection.judge(epoch, value, metric) for epoch, value in enumerate(values, 1)]
    assert selection.epoch == best
    assert selection.epochs_without_improvement == waited
    assert best is None or judged[best - 1]


def test_patience_ends_after_so_many_epochs_without_improvement():
    selection = Selection(epochs_without_improvement=2)
    assert selection.exhausted(2)
    assert not selection.exhausted(3)
    assert not selection.exhausted(None)


@pytest.mark.parametrize(
    ("config", "chosen"),
    [
        ({}, "taes"),
        ({"metric": "false_alarms_per_day"}, "false_alarms_per_day"),
        ({"metric": "val_loss", "mode": "min"}, "val_loss"),
        ({"metric": "taes", "mode": "max"}, "taes"),
    ],
)
def test_the_monitored_metric_is_the_configured_or_the_first(config, chosen):
    metric = monitored_metric((TAES, FALSE_ALARMS), EarlyStoppingConfig(**config))
    assert metric.name == chosen


def test_a_metric_that_the_task_cannot_produce_is_refused_with_the_list():
    with pytest.raises(
        ConfigError,
        match=r"metric is 'sensitivity_at_10\.0fa'.*choose one of taes, false_alarms.*, val_loss",
    ):
        monitored_metric((TAES, FALSE_ALARMS), EarlyStoppingConfig(metric="sensitivity_at_10.0fa"))


@pytest.mark.parametrize(
    ("metric", "mode", "right"), [("taes", "min", "max"), ("val_loss", "max", "min")]
)
def test_a_direction_against_the_metric_is_refused(metric, mode, right):
    with pytest.raises(ConfigError, match=rf"mode is '{mode}'.*set it to '{right}'"):
        monitored_metric((TAES,), EarlyStoppingConfig(metric=metric, mode=mode))
