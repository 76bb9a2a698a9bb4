import math

import pytest

from neurorun.core import RunError
from neurorun.runs import (
    SplitScores,
    amend_run,
    export_to_mlflow,
    export_to_wandb,
    open_run,
    tracker_export,
)

pytestmark = pytest.mark.integration


@pytest.fixture
def scored(finished):
    with amend_run(finished) as run:
        run.write_scores(SplitScores("test", 2, {"taes": 0.5, "other": math.nan}, {}))
        run.write_scores(SplitScores("siena (2)", 2, {"taes": 0.25}, {}))
    return finished


class FakeWandb:
    def __init__(self):
        self.logged, self.summary, self.ended = [], {}, False

    def init(self, **arguments):
        self.arguments, self.id = arguments, arguments["id"]
        return self

    def log(self, values, *, step):
        self.logged.append((step, values))

    def finish(self):
        self.ended = True


def test_wandb_gets_every_epoch_under_the_keys_of_the_rows(scored, monkeypatch):
    fake = FakeWandb()
    monkeypatch.setattr(tracker_export, "require", lambda name, extra: fake)
    identity = export_to_wandb(scored, entity="lab")
    run = open_run(scored)
    assert identity == run.record.run_id
    assert (fake.arguments["project"], fake.arguments["entity"]) == ("neurorun", "lab")
    assert fake.arguments["config"]["training"]["epochs"] == 3
    assert [step for step, _ in fake.logged] == [1, 2, 3]
    assert "sensitivity_at_10fa" not in fake.logged[0][1]
    assert fake.logged[1][1]["sensitivity_at_10fa"] == 0.75
    assert all(values["epoch"] == step for step, values in fake.logged)
    assert fake.summary == {"test/taes": 0.5, "siena (2)/taes": 0.25}
    assert fake.ended


@pytest.mark.filterwarnings("default")
def test_wandb_takes_a_run_offline(scored, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    export_to_wandb(scored)
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))


@pytest.mark.filterwarnings("default")
def test_mlflow_takes_a_run_into_a_database_file(scored, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path / 'tracked.db'}"
    identity = export_to_mlflow(scored, tracking_uri=uri, experiment="mine")
    client = mlflow.MlflowClient(uri)
    found = client.get_run(identity)
    assert found.info.status == "FINISHED"
    assert found.data.params["training.batch_size"] == "4"
    assert found.data.metrics["test/taes"] == 0.5
    assert found.data.metrics["siena _2_/taes"] == 0.25
    history = client.get_metric_history(identity, "train_loss")
    assert [(one.step, one.value) for one in history] == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert history[0].timestamp == pytest.approx(found.info.start_time, abs=60_000)
    with pytest.raises(
        RunError, match=r"MLflow has the run '.*' already .*figures would stand twice"
    ):
        export_to_mlflow(scored, tracking_uri=uri, experiment="mine")


@pytest.mark.filterwarnings("default")
def test_axis_is_the_steps_that_the_event_files_tell(scored):
    torch = pytest.importorskip("torch.utils.tensorboard")
    writer = torch.SummaryWriter(str(scored / "logs/tensorboard"))
    for epoch in (1, 2, 3):
        writer.add_scalar("epoch", epoch, 100 * epoch)
    writer.close()
    assert tracker_export._steps(open_run(scored)) == {1: 100, 2: 200, 3: 300}


def test_event_files_of_something_else_leave_epochs_as_axis(scored):
    folder = scored / "logs/tensorboard"
    folder.mkdir(parents=True)
    (folder / "events.out.tfevents.1").write_bytes(b"")
    assert tracker_export._steps(open_run(scored)) == {1: 1, 2: 2, 3: 3}


def test_runs_that_have_not_ended_or_have_no_epoch_are_refused(new_run):
    run = new_run()
    for export in (export_to_wandb, export_to_mlflow):
        with pytest.raises(
            RunError, match="is running and has 0 epochs; only a run that has ended"
        ):
            export(run.folder)
    run.finish()
    with pytest.raises(RunError, match="is completed and has 0 epochs"):
        export_to_wandb(run.folder)
