import math
import sys
import time
from types import SimpleNamespace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from neurorun.core import MissingExtraError, TrainingError
from neurorun.runs import tracker_export
from neurorun.training import (
    LoggingConfig,
    MlflowConfig,
    TrainingConfig,
    WandbConfig,
    fit,
    launch,
    trackers,
)
from neurorun.training.tracking import open_trackers

pytestmark = pytest.mark.unit


def events_in(folder):
    events = EventAccumulator(str(folder / "logs/tensorboard"), size_guidance={"histograms": 0})
    events.Reload()
    return events


def train(toy, record, **logging):
    config = TrainingConfig(epochs=2, learning_rate=1e-2)
    fit(
        toy.ToyTask(), toy.ToyModel(), config, fabric=launch(config, device="cpu"), seed=1,
        record=record, logging=LoggingConfig(**logging),
    )  # fmt: skip


def test_tensorboard_gets_steps_and_epochs_under_the_keys_of_the_record(toy, record):
    train(toy, record, log_every_n_steps=4)
    events = events_in(record.folder)
    scalars = set(events.Tags()["scalars"])
    assert scalars == {"epoch", *record.rows[1]} | {
        "step/train_loss", "step/train_accuracy", "step/learning_rate", "step/gradient_norm",
        "step/positive_weight", "step/data_wait_share",
    }  # fmt: skip
    assert [event.step for event in events.Scalars("step/train_loss")] == [4, 8, 12]
    losses = [(event.step, event.value) for event in events.Scalars("train_loss")]
    assert losses == [
        (6, pytest.approx(record.rows[1]["train_loss"])),
        (12, pytest.approx(record.rows[2]["train_loss"])),
    ]
    assert events.Tags()["histograms"] == []


def test_histograms_are_drawn_when_asked_for(toy, record):
    train(toy, record, log_every_n_steps=5, log_gradients=True, log_weights=True)
    events = events_in(record.folder)
    assert [e.step for e in events.Histograms("gradients/layers.0.weight")] == [5, 10]
    assert [e.step for e in events.Histograms("weights/layers.0.weight")] == [6, 12]


@pytest.mark.parametrize("first_step", [1, 4])
def test_what_an_earlier_process_logged_after_the_checkpoint_is_not_shown(
    tmp_path, first_step, monkeypatch
):
    with open_trackers(tmp_path, run_id="7") as trackers:
        for step in range(1, 7):
            trackers.log({"train_loss": float(step)}, step=step)
    # Event files of one second and one process are in the order of a counter, as text: 10 before 9.
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 2)
    with open_trackers(tmp_path, run_id="7", first_step=first_step) as trackers:
        trackers.log({"train_loss": 40.0}, step=first_step)
    shown = [(e.step, e.value) for e in events_in(tmp_path).Scalars("train_loss")]
    kept = [(step, float(step)) for step in range(1, first_step)]
    assert shown == [*kept, (first_step, 40.0)]


def test_curves_have_a_name_of_the_user_too(tmp_path):
    with open_trackers(tmp_path, run_id="7", tensorboard_tags={"val_loss": "Loss/val"}) as trackers:
        trackers.log({"val_loss": 1.0, "mae": 2.0}, step=1)
    assert set(events_in(tmp_path).Tags()["scalars"]) == {"val_loss", "Loss/val", "mae"}


def test_undefined_figures_are_left_out(tmp_path):
    with open_trackers(tmp_path, run_id="7") as trackers:
        trackers.log({"auroc": math.nan, "val_loss": 1.0}, step=1)
    assert events_in(tmp_path).Tags()["scalars"] == ["val_loss"]


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("wandb", {"wandb": WandbConfig(enabled=True)}),
        ("mlflow", {"mlflow": MlflowConfig(enabled=True)}),
    ],
)
def test_a_tracker_that_is_not_installed_names_its_command(
    tmp_path, monkeypatch, module, arguments
):
    monkeypatch.setitem(sys.modules, module, None)
    with (
        pytest.raises(MissingExtraError, match=rf"'{module}'.*neurorun\[{module}\]"),
        open_trackers(tmp_path, run_id="7", **arguments),
    ):
        pass


class FakeWandb:
    """Takes what the real one would be sent."""

    class Error(Exception):
        pass

    def __init__(self, refusal=None):
        self.logged, self.exit_code, self.refusal = [], None, refusal

    def init(self, **arguments):
        if self.refusal is not None:
            raise self.Error(self.refusal)
        self.arguments = arguments
        return self

    def log(self, values, *, step):
        self.logged.append((step, values))

    def Histogram(self, values):
        return ("histogram", values.tolist())

    def finish(self, *, exit_code):
        self.exit_code = exit_code


def test_weights_and_biases_gets_the_same_keys(tmp_path, monkeypatch, toy):
    fake = FakeWandb()
    monkeypatch.setattr("neurorun.training.trackers.require", lambda name, extra: fake)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    folder = tmp_path / "20260101_120000-toy run"
    config = WandbConfig(enabled=True, project="p", entity="e", tags=("a",))
    with open_trackers(folder, run_id="7", wandb=config, settings={"seed": 1}) as trackers:
        trackers.log({"train_loss": 1.0}, step=3)
        trackers.log_weights(toy.ToyModel().layers[0], step=3)
    assert fake.arguments["id"] == "7"
    assert fake.arguments["name"] == folder.name
    assert (fake.arguments["project"], fake.arguments["entity"]) == ("p", "e")
    assert fake.arguments["config"] == {"seed": 1}
    assert fake.logged[0] == (3, {"train_loss": 1.0})
    assert list(fake.logged[1][1]) == ["weights/weight"]
    assert fake.exit_code == 0


@pytest.mark.parametrize(
    ("stop", "exit_code", "status"),
    [(RuntimeError, 1, "FAILED"), (KeyboardInterrupt, 130, "KILLED"), (SystemExit, 130, "KILLED")],
)
def test_trackers_are_told_how_a_training_ended(tmp_path, monkeypatch, stop, exit_code, status):
    wandb, mlflow, tensorboard = FakeWandb(), FakeMlflow(), object()
    monkeypatch.setattr(
        "neurorun.training.trackers.require",
        lambda name, extra: {"wandb": wandb, "mlflow": mlflow}.get(extra, tensorboard),
    )
    with (
        pytest.raises(stop),
        open_trackers(
            tmp_path, run_id="7", wandb=WandbConfig(enabled=True), mlflow=MlflowConfig(enabled=True)
        ),
    ):
        raise stop
    assert wandb.exit_code == exit_code
    assert mlflow.ended == [("7", status)]


def test_a_tracker_that_cannot_be_closed_hides_nothing(tmp_path, monkeypatch, server, caplog):
    def refuse(*, exit_code):
        raise ConnectionError("gone")

    wandb = FakeWandb()
    wandb.finish = refuse
    tools = {"wandb": wandb, "mlflow": server}
    monkeypatch.setattr(
        "neurorun.training.trackers.require", lambda name, extra: tools.get(extra, object())
    )
    with (
        pytest.raises(RuntimeError, match="the reason"),
        open_trackers(
            tmp_path, run_id="7", wandb=WandbConfig(enabled=True), mlflow=MlflowConfig(enabled=True)
        ),
    ):
        raise RuntimeError("the reason")
    assert server.ended == [("7", "FAILED")]
    assert caplog.messages[0].startswith("Wandb was not closed: gone.")


def test_both_ways_to_mlflow_know_a_run_by_the_same_tag():
    assert tracker_export.RUN_ID_TAG == trackers.RUN_ID_TAG


def test_a_tracker_that_refuses_us_is_one_sentence(tmp_path, monkeypatch):
    fake = FakeWandb(refusal="no API key\nconfigured")
    monkeypatch.setattr("neurorun.training.trackers.require", lambda name, extra: fake)
    with (
        pytest.raises(TrainingError, match=r"Weights & Biases .*used: no API key. Log in with"),
        open_trackers(tmp_path, run_id="7", wandb=WandbConfig(enabled=True)),
    ):
        pass


class FakeMlflow:
    """A server with one experiment at most; ``away`` makes it refuse."""

    class Refusal(Exception):  # noqa: N818
        pass

    MlflowException = Refusal

    Metric = staticmethod(lambda key, value, timestamp, step: (key, value, step))
    Param = staticmethod(lambda key, value: (key, value))

    def __init__(self):
        self.runs, self.metrics, self.params, self.ended = {}, [], {}, []
        self.experiment, self.away = None, False

    def MlflowClient(self, tracking_uri):
        self.uri = tracking_uri
        return self

    def get_experiment_by_name(self, name):
        self.answer()
        return self.experiment

    def create_experiment(self, name):
        self.experiment = SimpleNamespace(experiment_id="1", name=name)
        return "1"

    def search_runs(self, experiment_ids, condition, max_results):
        found = [info for identity, info in self.runs.items() if f"'{identity}'" in condition]
        data = SimpleNamespace(metrics={name: value for name, value, _ in self.metrics})
        return [SimpleNamespace(info=info, data=data) for info in found]

    def create_run(self, experiment_id, run_name, tags):
        (identity,) = tags.values()
        self.runs[identity] = SimpleNamespace(run_id=identity, name=run_name)
        return SimpleNamespace(info=self.runs[identity])

    def get_metric_history(self, run_id, name):
        return [SimpleNamespace(step=step) for key, _, step in self.metrics if key == name]

    def update_run(self, run_id, status):
        self.updated = (run_id, status)

    def log_batch(self, run_id, metrics=(), params=()):
        self.answer()
        assert len(params) <= 100
        self.metrics += metrics
        self.params |= dict(params)

    def set_terminated(self, run_id, status):
        self.answer()
        self.ended.append((run_id, status))

    def answer(self):
        if self.away:
            raise self.Refusal("gone")


@pytest.fixture
def server(monkeypatch):
    fake = FakeMlflow()
    monkeypatch.setattr("neurorun.training.trackers.require", lambda name, extra: fake)
    return fake


def test_mlflow_gets_the_same_keys(tmp_path, server):
    config = MlflowConfig(enabled=True, tracking_uri="somewhere", experiment="x")
    settings = {"model": {"name": "tiny"}, **{f"key_{n}": n for n in range(150)}}
    with open_trackers(tmp_path / "run", run_id="7", mlflow=config, settings=settings) as trackers:
        trackers.log({"train_loss": 1.0}, step=3)
    assert (server.uri, server.runs["7"].name) == ("somewhere", "run")
    assert server.metrics == [("train_loss", 1.0, 3)]
    assert server.params["model.name"] == "tiny"
    assert len(server.params) == 151
    assert server.ended == [("7", "FINISHED")]


def test_mlflow_finds_a_resumed_run_again_and_takes_no_figure_twice(tmp_path, server):
    config = MlflowConfig(enabled=True)
    for first_step in (1, 3):
        with open_trackers(
            tmp_path / "run", run_id="7", mlflow=config, first_step=first_step
        ) as trackers:
            for step in range(first_step, first_step + 4):
                trackers.log({"train_loss": 1 / step}, step=step)
    assert [step for _, _, step in server.metrics] == [1, 2, 3, 4, 5, 6]
    assert server.updated == ("7", "RUNNING")


def test_two_runs_of_one_folder_name_stay_two_in_mlflow(tmp_path, server):
    for run_id in ("7", "8"):
        with open_trackers(tmp_path / "run", run_id=run_id, mlflow=MlflowConfig(enabled=True)):
            pass
    assert list(server.runs) == ["7", "8"]


def test_a_server_that_is_away_for_a_while_stops_no_training(tmp_path, server, monkeypatch, caplog):
    now_s = 0.0
    monkeypatch.setattr("neurorun.training.trackers.time.monotonic", lambda: now_s)
    with open_trackers(tmp_path, run_id="7", mlflow=MlflowConfig(enabled=True)) as trackers:
        server.away = True
        trackers.log({"train_loss": 1.0}, step=1)
        server.away = False
        trackers.log({"train_loss": 0.5}, step=2)
        assert server.metrics == []
        now_s = 301.0
        trackers.log({"train_loss": 0.25}, step=3)
        assert [step for _, _, step in server.metrics] == [1, 2, 3]
        trackers.log({"train_loss": 0.125}, step=4)
        server.away = True
        trackers.log({"train_loss": 0.1}, step=5)
    *kept, last = caplog.messages
    assert kept == [
        "MLflow does not take figures (gone); 1 kept, to be sent later.",
        "MLflow does not take figures (gone); 1 kept, to be sent later.",
        "MLflow does not take figures (gone); 1 kept, to be sent later.",
        "MLflow was not told that the run is completed: gone.",
    ]
    assert last.startswith("1 figure(s) never reached MLflow; delete the run there")


def test_a_server_that_is_away_from_the_start_is_one_sentence(tmp_path, server):
    server.away = True
    with (
        pytest.raises(
            TrainingError, match=r"MLflow cannot be used: gone\. Look at .* .the default"
        ),
        open_trackers(tmp_path, run_id="7", mlflow=MlflowConfig(enabled=True)),
    ):
        pass
