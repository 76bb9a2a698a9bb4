import pytest

from neurorun.core import DataError
from neurorun.experiment import experiment_from, inspect_data, load_experiment
from neurorun.simulation import simulate_source_demo

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


def test_source_data_are_looked_at_step_by_step(tmp_path):
    files = simulate_source_demo(
        tmp_path, n_regions=20, n_channels=8, n_clips=4, n_train=60, n_test=8
    )
    asked = {"task": "source_localization", "data": {**files, "batch_size": 4}}
    found = inspect_data(experiment_from(asked, source="test"))
    assert found["leadfield"] == "8 channels, 20 regions, rank 8"
    assert found["fwd_matrix_path"] == files["fwd_matrix_path"]
    asked["data"]["fwd_matrix_path"] = str(tmp_path / "none.mat")
    with pytest.raises(
        DataError, match=r"fwd_matrix_path: .*none.mat' does not exist; set data.fwd"
    ):
        inspect_data(experiment_from(asked, source="test"))
