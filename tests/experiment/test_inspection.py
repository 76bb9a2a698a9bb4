import pytest

from neurorun.core import DataError
from neurorun.experiment import inspect_data, load_experiment

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("experiment")]


def test_data_are_told_by_split_kind_and_batch(config):
    found = inspect_data(load_experiment(config))
    assert found["split train"].endswith("groups")
    assert found["inputs"].startswith("(8, 19, 2560) float32")
    assert found["targets"].startswith("(8, 2560) ")
    assert found["batches"].endswith("per second over 1 batches")
    assert "full" in found["examples train"]
    assert any("fingerprint" in name for name in found)


def test_data_that_are_not_there_are_named(config, tmp_path):
    experiment = load_experiment(config, [f"data.data_dir={tmp_path / 'nothing'}"])
    with pytest.raises(DataError, match="nothing"):
        inspect_data(experiment)
