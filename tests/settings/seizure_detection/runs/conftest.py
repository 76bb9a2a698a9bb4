"""Observers of whole runs: one epoch of two steps, and what is found in the run folder."""

import re
import sys
import types
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
import torch

from neurorun.core import TrainingError
from neurorun.reporting import page as page_module
from neurorun.reporting.facts import read_facts
from neurorun.runs import open_run
from neurorun.tasks.seizure_detection.prepared import PreparedSeizureDetection
from neurorun.training import devices

train_module = import_module("neurorun.experiment.train")  # the name is a function, too


@pytest.fixture(scope="session")
def runs() -> dict[str, Any]:
    """Runs so far, by their settings."""
    return {}


@pytest.fixture
def trained_once(trained, runs):
    """Train, unless a run of these settings is there."""

    def train(settings):
        key = repr(sorted(settings.items()))
        if key not in runs:
            runs[key] = trained(settings)
        return runs[key]

    return train


@pytest.fixture
def trained(train_here, corpora, caches, monkeypatch, tmp_path_factory, bits_of):
    """Train, and tell what `fit` was given and told, and what was written in which order."""

    def train(settings, *, finish=False):
        settings = {
            "data.data_dir": str(corpora / "three"), "data.max_samples": 8,
            **{key: value for key, value in settings.items() if key != "data.data_dir"},
        }  # fmt: skip
        caches.setdefault("runs", tmp_path_factory.mktemp("cache"))
        settings["data.cache_dir"] = str(caches["runs"])
        seen = types.SimpleNamespace(saved=[], seeds=[])
        fit, save = train_module.fit, train_module.RunWriter.save_checkpoint
        loss = PreparedSeizureDetection.loss

        def watched_fit(task, model, *arguments, **options):
            seen.first_weights = bits_of(model.state_dict())
            seen.result = fit(task, model, *arguments, **options)
            return seen.result

        def watched_loss(*arguments):
            seen.seeds.append(torch.initial_seed())
            return loss(*arguments)

        def watched_save(writer, name, content):
            seen.saved.append(name)
            return save(writer, name, content)

        with monkeypatch.context() as patch:
            patch.setattr(train_module, "fit", watched_fit)
            patch.setattr(PreparedSeizureDetection, "loss", watched_loss)
            patch.setattr(train_module.RunWriter, "save_checkpoint", watched_save)
            if not finish:
                patch.setattr(train_module, "_finish", lambda *_: None)
            folder = train_here(settings)
        seen.name, seen.folder = str(folder), folder.resolve()
        seen.run = open_run(seen.folder)
        return seen

    return train


@pytest.fixture
def weights(trained_once, bits_of):
    """Weights after the last step, and those of the best epoch."""

    def observe(settings):
        run = trained_once(settings).run
        return [bits_of(run.checkpoint(name)["model_state_dict"]) for name in ("last", "best")]

    return observe


@pytest.fixture
def first_weights(trained_once):
    """Weights before the first step."""
    return lambda settings: trained_once(settings).first_weights


@pytest.fixture
def draws(trained_once):
    """Seeds of the generator from which each batch draws its dropout."""
    return lambda settings: trained_once(settings).seeds


@pytest.fixture
def learning_rates(trained_once):
    """Learning rate at the end of every epoch."""
    return lambda settings: [
        row.values["learning_rate"] for row in trained_once(settings).run.epoch_rows
    ]


@pytest.fixture
def epochs(trained_once):
    """How many epochs were trained, which was the best, and what it was the best by."""

    def observe(settings):
        result = trained_once(settings).result
        return result.epochs_run, result.best_epoch, result.best_value

    return observe


@pytest.fixture
def checkpoints(trained_once):
    """Checkpoints in the order in which they were written."""
    return lambda settings: trained_once(settings).saved


@pytest.fixture
def curves(trained_once):
    """Names of the curves in TensorBoard, with the steps of their points."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def observe(settings):
        folder = trained_once(settings).folder / "logs/tensorboard"
        events = EventAccumulator(str(folder), size_guidance={"histograms": 0})
        events.Reload()
        tags = events.Tags()
        return {
            **{tag: [e.step for e in events.Scalars(tag)] for tag in tags["scalars"]},
            **{tag: [e.step for e in events.Histograms(tag)] for tag in tags["histograms"]},
        }

    return observe


@pytest.fixture
def run_folder(trained_once):
    """Where the run folder lies, seen from where training was started."""
    return lambda settings: trained_once(settings).name


@pytest.fixture
def log(trained_once):
    """Levels of the lines in the log of the run."""
    return lambda settings: re.findall(r"Z - (\w+) - ", trained_once(settings).run.log)


@pytest.fixture
def page(trained_once, monkeypatch):
    """What the report of the run says above its first table."""

    def observe(settings):
        run = trained_once(settings).run
        with monkeypatch.context() as patch:
            patch.setattr(page_module, "training_curves", lambda _: None)  # takes a second
            return page_module.contents(read_facts(run))["description"]

    return observe


def names_in(folder: Path) -> list[str]:
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return sorted(name for name in names if "tensorboard/" not in name)


@pytest.fixture
def files(trained):
    """Names of the files after training."""
    return lambda settings: names_in(trained(settings, finish=True).folder)


@pytest.fixture
def figures(trained, monkeypatch):
    """Names of the files with the figures that follow training."""

    def observe(settings):
        folder = trained(settings).folder
        with monkeypatch.context() as patch:
            patch.setattr(page_module, "write_report", lambda _, path: path)  # no question here
            page_module.write_pages(folder)
        return names_in(folder)

    return observe


@pytest.fixture
def trackers(trained, monkeypatch, played, handed_over):
    """What Weights & Biases and MLflow are told, without the settings of the run."""

    def observe(settings):
        init, client_of, entities = MagicMock(), MagicMock(), MagicMock()
        client = client_of.return_value
        client.get_experiment_by_name.return_value = None
        client.search_runs.return_value = []
        entities = played("mlflow.entities", Param=MagicMock(), Metric=MagicMock())
        mlflow = played(
            "mlflow", MlflowClient=client_of, MlflowException=handed_over, entities=entities
        )
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "wandb", played("wandb", init=init, Error=handed_over))
            patch.setitem(sys.modules, "mlflow", mlflow)
            patch.setitem(sys.modules, "mlflow.entities", entities)
            trained(settings)
        begun = [call.kwargs for call in init.call_args_list]
        return {
            "wandb": [{key: one[key] for key in ("project", "entity", "tags")} for one in begun],
            "figures of wandb": init.return_value.log.call_count,
            "mlflow": [call.kwargs for call in client_of.call_args_list],
            "experiments": [call.args for call in client.create_experiment.call_args_list],
        }

    return observe


@pytest.fixture
def fabric(trained, monkeypatch, handed_over):
    """What Fabric is asked for on a machine with four GPUs."""

    def observe(settings):
        with monkeypatch.context() as patch:
            patch.setattr(devices, "Fabric", handed_over.with_these)
            patch.setattr(torch.cuda, "is_available", lambda: True)
            patch.setattr(torch.cuda, "device_count", lambda: 4)
            with pytest.raises(handed_over) as ended:
                trained(settings)
        asked = dict(ended.value.args[0])
        strategy = asked.pop("strategy")
        return {**asked, "strategy": getattr(type(strategy), "__name__", strategy)}

    return observe


@pytest.fixture
def compiled(trained, monkeypatch):
    """How many models are handed to ``torch.compile``."""

    def observe(settings):
        with monkeypatch.context() as patch:
            compile_ = MagicMock(side_effect=lambda model, **_: model)
            patch.setattr(torch, "compile", compile_)
            trained(settings)
        return compile_.call_count

    return observe


@pytest.fixture
def bad_steps(trained, monkeypatch):
    """How many steps are tried while every loss is not finite."""

    def observe(settings):
        tried = []
        loss = PreparedSeizureDetection.loss

        def broken(task, *arguments):
            tried.append(1)
            figures = loss(task, *arguments)
            return {**figures, "loss": figures["loss"] * torch.nan}

        with monkeypatch.context() as patch:
            patch.setattr(PreparedSeizureDetection, "loss", broken)
            with pytest.raises(TrainingError, match="in a row"):
                trained(settings)
        return len(tried)

    return observe


@pytest.fixture
def metrics_of_the_question(experiment_of):
    """What the task measures that the settings choose."""

    def observe(settings):
        found = experiment_of({"task": settings["task"]})
        return [metric.name for metric in found.task.metrics(found.settings)]

    return observe
