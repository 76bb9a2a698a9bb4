"""The libraries themselves, in processes of their own: they leave threads and warnings behind."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration

TRACK = """
import json, pathlib, sys
from neurorun.training import MlflowConfig, WandbConfig
from neurorun.training.tracking import open_trackers
folder, tool, uri = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
folder.mkdir(exist_ok=True)
configs = {
    "wandb": {"wandb": WandbConfig(enabled=True)},
    "mlflow": {"mlflow": MlflowConfig(enabled=True, tracking_uri=uri, experiment="toy")},
}
settings = {"training": {"epochs": 2}}
with open_trackers(folder, run_id="7", settings=settings, **configs[tool]) as trackers:
    trackers.log({"train_loss": 1.0, "step/learning_rate": 0.5}, step=1)
    trackers.log({"train_loss": 0.5, "accuracy": float("nan")}, step=2)
if tool == "mlflow":
    import mlflow
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("toy")
    (run,) = client.search_runs([experiment.experiment_id])
    history = client.get_metric_history(run.info.run_id, "train_loss")
    print(json.dumps([run.data.metrics, run.data.params, run.info.status,
                      [(m.step, m.value) for m in history]]))
"""


def track(folder, tool, uri="-"):
    environment = os.environ | {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    done = subprocess.run(
        [sys.executable, "-c", TRACK, folder, tool, uri],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_weights_and_biases_keeps_the_same_keys_off_the_network(tmp_path):
    if importlib.util.find_spec("wandb") is None:
        pytest.skip("needs wandb")
    track(tmp_path / "run1", "wandb")
    (file,) = (tmp_path / "run1/logs/wandb").glob("offline-run-*/run-7.wandb")
    kept = file.read_bytes()
    assert b"train_loss" in kept
    assert b"step/learning_rate" in kept
    assert b"accuracy" not in kept


def test_mlflow_keeps_the_same_keys_in_a_database(tmp_path):
    for library in ("mlflow", "sqlalchemy", "alembic"):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"needs {library}")
    told = track(tmp_path / "run1", "mlflow", f"sqlite:///{tmp_path}/ml.db")
    metrics, params, status, history = json.loads(told.splitlines()[-1])
    assert metrics == {"train_loss": 0.5, "step/learning_rate": 0.5}
    assert params == {"training.epochs": "2"}
    assert status == "FINISHED"
    assert history == [[1, 1.0], [2, 0.5]]
