from pathlib import Path

import pytest

from neurorun.cli.demos import abnormality
from neurorun.experiment import experiment_from

pytestmark = pytest.mark.unit


def test_settings_of_the_demo_make_an_experiment():
    settings = {"task": "abnormality", **abnormality.settings(Path("demo"))}
    experiment = experiment_from(settings, source="demo")
    assert experiment.task.name == "abnormality"
    assert experiment.settings.data.data_dir == Path("demo/corpus")
    assert len(set(abnormality.SEEDS)) >= 3


def test_what_guidance_is_worth_is_told_measure_by_measure():
    row = {"measure": "nss", "with_gaze": 1.5, "ceiling": 4.5, "gain_low": 0.5, "gain_high": 1.25}
    rows = [
        {**row, "compared_with": "without gaze", "other": 0.0, "gain": 1.5},
        {**row, "compared_with": "mean_gaze", "other": 0.5, "gain": 1.0},
    ]
    assert abnormality._sentence("nss", rows) == (
        "nss: 1.50 with gaze; without gaze 0.00, gain 1.50 (0.50 to 1.25); "
        "mean gaze 0.50, gain 1.00 (0.50 to 1.25); ceiling 4.50"
    )
