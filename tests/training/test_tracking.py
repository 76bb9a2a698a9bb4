import math
import sys

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from neurorun.core import MissingExtraError
from neurorun.training import (
    LoggingConfig,
    MlflowConfig,
    TrainingConfig,
    WandbConfig,
    fit,
    launch,
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
def test_what_an_earlier_process_logged_after_the_checkpoint_is_not_shown(tmp_path, first_step):
    with open_trackers(tmp_path) as trackers:
        for step in range(1, 7):
            trackers.log({"train_loss": float(step)}, step=step)
    with open_trackers(tmp_path, first_step=first_step) as trackers:
        trackers.log({"train_loss": 40.0}, step=first_step)
    shown = [(e.step, e.value) for e in events_in(tmp_path).Scalars("train_loss")]
    kept = [(step, float(step)) for step in range(1, first_step)]
    assert shown == [*kept, (first_step, 40.0)]


def test_curves_have_a_name_of_the_user_too(tmp_path):
    with open_trackers(tmp_path, tensorboard_tags={"val_loss": "Loss/val"}) as trackers:
        trackers.log({"val_loss": 1.0, "mae": 2.0}, step=1)
    assert set(events_in(tmp_path).Tags()["scalars"]) == {"val_loss", "Loss/val", "mae"}


def test_undefined_figures_are_left_out(tmp_path):
    with open_trackers(tmp_path) as trackers:
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
        open_trackers(tmp_path, **arguments),
    ):
        pass


class FakeWandb:
    """Takes what the real one would be sent."""

    def __init__(self):
        self.logged, self.finished = [], False

    def init(self, **arguments):
        self.arguments = arguments
        return self

    def log(self, values, *, step):
        self.logged.append((step, values))

    def Histogram(self, values):
        return ("histogram", values.tolist())

    def finish(self):
        self.finished = True


def test_weights_and_biases_gets_the_same_keys(tmp_path, monkeypatch, toy):
    fake = FakeWandb()
    monkeypatch.setattr("neurorun.training.trackers.require", lambda name, extra: fake)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    folder = tmp_path / "20260101_120000-toy run"
    config = WandbConfig(enabled=True, project="p", entity="e", tags=("a",))
    with open_trackers(folder, wandb=config, settings={"seed": 1}) as trackers:
        trackers.log({"train_loss": 1.0}, step=3)
        trackers.log_weights(toy.ToyModel().layers[0], step=3)
    assert fake.arguments["id"] == "20260101_120000-toy-run"
    assert fake.arguments["name"] == folder.name
    assert (fake.arguments["project"], fake.arguments["entity"]) == ("p", "e")
    assert fake.arguments["config"] == {"seed": 1}
    assert fake.logged[0] == (3, {"train_loss": 1.0})
    assert list(fake.logged[1][1]) == ["weights/weight"]
    assert fake.finished


class FakeMlflow:
    """A client with one experiment at most."""

    def __init__(self):
        self.runs, self.metrics, self.params, self.ended = {}, [], {}, []
        self.experiment = None

    def MlflowClient(self, tracking_uri):
        self.uri = tracking_uri
        return self

    Metric = staticmethod(lambda key, value, timestamp, step: (key, value, step))
    Param = staticmethod(lambda key, value: (key, value))

    def get_experiment_by_name(self, name):
        return self.experiment

    def create_experiment(self, name):
        self.experiment = type("Experiment", (), {"experiment_id": "1", "name": name})
        return "1"

    def search_runs(self, experiment_ids, condition, max_results):
        return [run for name, run in self.runs.items() if f"'{name}'" in condition]

    def create_run(self, experiment_id, run_name):
        info = type("Info", (), {"run_id": f"id of {run_name}"})
        self.runs[run_name] = type("Run", (), {"info": info})
        return self.runs[run_name]

    def update_run(self, run_id, status):
        self.updated = (run_id, status)

    def log_batch(self, run_id, metrics=(), params=()):
        assert len(params) <= 100
        self.metrics += metrics
        self.params |= dict(params)

    def set_terminated(self, run_id):
        self.ended.append(run_id)


def test_mlflow_gets_the_same_keys_and_a_resumed_run_is_found_again(tmp_path, monkeypatch):
    fake = FakeMlflow()
    monkeypatch.setattr("neurorun.training.trackers.require", lambda name, extra: fake)
    config = MlflowConfig(enabled=True, tracking_uri="somewhere", experiment="x")
    folder = tmp_path / "run"
    settings = {"model": {"name": "tiny"}, **{f"key_{n}": n for n in range(150)}}
    with open_trackers(folder, mlflow=config, settings=settings) as trackers:
        trackers.log({"train_loss": 1.0}, step=3)
    with open_trackers(folder, mlflow=config, settings=settings, first_step=4) as trackers:
        trackers.log({"train_loss": 0.5}, step=4)
    assert fake.uri == "somewhere"
    assert fake.metrics == [("train_loss", 1.0, 3), ("train_loss", 0.5, 4)]
    assert fake.params["model.name"] == "tiny"
    assert len(fake.params) == 151
    assert fake.updated == ("id of run", "RUNNING")
    assert fake.ended == ["id of run", "id of run"]
