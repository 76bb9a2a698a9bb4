"""Observers of seizure detection: corpora of a minute or two, and what is seen of them."""

import re
import shutil
import sys
import types
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
from torch import nn

from neurorun.cli import outcome as outcome_module
from neurorun.core import Event, Recording, Timeline, TrainingError, whole_recording
from neurorun.data import TEN_TWENTY, Corpus, builder
from neurorun.formats import write_events, write_recording
from neurorun.models import build_network
from neurorun.reporting import page as page_module
from neurorun.reporting.facts import read_facts
from neurorun.runs import open_run
from neurorun.simulation import CorpusPlan, simulate_corpus
from neurorun.tasks.seizure_detection import task as task_module
from neurorun.tasks.seizure_detection.prepared import PreparedSeizureDetection
from neurorun.training import devices

train_module = import_module("neurorun.experiment.train")  # the name is a function, too

CHANNELS = ["C3", "C4", "O1", "O2"]
LATERAL = tuple(name for name in TEN_TWENTY if name not in ("Fz", "Pz"))
RATE_HZ, SCRIPT_S = 256, 90

TINY = {
    "experiment.name": "tiny",
    "experiment.device": "cpu",
    "experiment.run_name": "run",
    "data.dataset": "tuh_eeg",
    "data.data_dir": "three",
    "data.split_policy": "official_tusz",
    "data.cache_workers": 1,
    "data.window_size": 5,
    "data.stride": 2.5,
    "data.prediction_stride": 5,
    "data.num_workers": 0,
    "data.batch_size": 4,
    "preprocessing.montage": CHANNELS,
    "model.preset": "small",
    "model.encoder": {"channels": [4, 8], "downsample_factor": 4},
    "model.mamba": {"d_model": 16, "n_layers": 1, "head_dim": 8},
    "model.decoder": {"kernel_size": 4},
    "training.epochs": 1,
    "training.early_stopping.metric": "auroc",
    "evaluation.fa_rates": [10, 2.5],
}
"""Settings that train in a part of a second; cases add to them."""


@pytest.fixture(scope="session")
def tiny() -> dict[str, Any]:
    return TINY


# corpora


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders with a corpus each, by name; tests must not change them."""
    folder = tmp_path_factory.mktemp("corpora")
    simulate_corpus(folder / "three", CorpusPlan(n_patients=3, recordings_per_patient=1, minutes=1))
    simulate_corpus(folder / "eight", CorpusPlan(n_patients=8, recordings_per_patient=2, minutes=1))
    for doubled in (folder / "eight/train").rglob("simuaaa[bd]_s001_t001.*"):
        doubled.unlink()  # so that patients differ in how many recordings they have
    shutil.copytree(folder / "three", folder / "unannotated")
    for annotation in (folder / "unannotated/train").rglob("*.[ct]s*"):
        annotation.unlink()
    shutil.copytree(folder / "three", folder / "two_readers")
    for annotation in (folder / "two_readers/train").rglob("*.csv_bi"):
        lines = annotation.read_text().splitlines()
        lines.append("TERM,3.0000,4.5000,odd,1.0000")
        annotation.write_text("\n".join(lines) + "\n")
    _write_scripted(folder / "without_midline", _noise(), LATERAL)
    _write_scripted(folder / "scripted", _script())
    return folder


def _write_scripted(
    folder: Path, trace_uv: np.ndarray, channels: tuple[str, ...] = ("C3", "C4")
) -> None:
    """One recording per split, the same trace in all channels, with two seizures."""
    events = (Event(10.0, 25.0, "seiz"), Event(50.0, 70.0, "seiz"))
    for name, split in (("patienta", "train"), ("patientb", "dev"), ("patientc", "eval")):
        recording_id = f"{name}_s001_t000"
        recording = Recording(
            recording_id, name, channels, float(RATE_HZ), np.tile(trace_uv, (len(channels), 1)),
            whole_recording(trace_uv.size), start=datetime(2025, 1, 1),
        )  # fmt: skip
        path = folder / split / name / "s001" / "01_tcp_ar" / f"{recording_id}.edf"
        path.parent.mkdir(parents=True)
        write_recording(path, recording)
        write_events(
            path.with_suffix(".csv_bi"), Timeline(recording_id, SCRIPT_S, events), format="csv_bi"
        )


def _noise() -> np.ndarray:
    rng = np.random.default_rng(3)
    return (20 * rng.standard_normal(SCRIPT_S * RATE_HZ)).astype(np.float32)


SCRIPT = (
    (5, 10),
    *((4, 95), (5, 10)),  # clear and long enough
    *((4, 88), (5, 10)),  # barely
    *((4, 95), (4, 70), (5, 10)),  # fades
    *((1, 95), (4, 82), (5, 10)),  # begins with a second
    *((4, 95), (0.5, 10), (4, 95), (5, 10)),  # flickers
    *((3.5, 95), (5, 10)),  # short
    *((4, 95), (3, 10), (4, 95), (11, 10)),  # two, with a pause between them
)
"""Seconds, and hundredths of a probability."""


def _script() -> np.ndarray:
    pieces = [np.full(round(s * RATE_HZ), level, np.float32) for s, level in SCRIPT]
    return np.concatenate(pieces)


class ReadsTheScript(nn.Module):
    """Takes the first channel for its probabilities, a little higher towards a window's end."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(1.0))

    def forward(self, eeg: torch.Tensor) -> torch.Tensor:
        ramp = self.slope * torch.linspace(-1, 1, eeg.shape[-1])
        return torch.logit(((eeg[:, 0] + ramp) / 100).clamp(0.001, 0.999))


class HandedOverError(Exception):
    """Ends what is done where something was handed over."""

    @classmethod
    def with_these(cls, *_: Any, **handed_over: Any) -> None:
        raise cls(handed_over)


def played(name: str, **content: Any) -> types.ModuleType:
    """A module that holds these names."""
    module = types.ModuleType(name)
    vars(module).update(content)
    return module


# data


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of caches, by the settings that may decide what is in them."""
    return {}


@pytest.fixture
def prepared(place, corpora, caches, experiment_of, tmp_path_factory) -> Callable[..., Any]:
    """Prepare the data of settings in an empty folder beside the corpora."""

    def prepare(settings):
        folder = place()
        for corpus in corpora.iterdir():
            (folder / corpus.name).symlink_to(corpus)
        if "data.cache_dir" not in settings:
            about = ("data.", "preprocessing.")
            key = repr({key: settings[key] for key in settings if key.startswith(about)})
            caches.setdefault(key, tmp_path_factory.mktemp("cache"))
            settings = {**settings, "data.cache_dir": str(caches[key])}
        checked = experiment_of(settings)
        return checked.task.prepare(checked.settings)

    return prepare


@pytest.fixture
def division(prepared, monkeypatch):
    """Which recordings of which patients are in which split, before any is prepared."""

    def observe(settings):
        with monkeypatch.context() as patch:
            patch.setattr(Corpus, "cache_of", lambda *_, **__: None)
            patch.setattr(task_module, "PreparedSeizureDetection", HandedOverError.with_these)
            with pytest.raises(HandedOverError) as handed_over:
                prepared(settings)
        found = handed_over.value.args[0]
        splits = found["splits"]
        return splits.train, splits.validation, splits.test, found["patients"]

    return observe


@pytest.fixture
def signals(prepared, bits_of):
    """Channels and microvolts of prepared recordings, to the bit."""

    def observe(settings):
        return [
            (one.channels, one.rate_hz, bits_of([one.signal, one.scale, one.offset]))
            for one in prepared(settings)._train
        ]

    return observe


@pytest.fixture
def probabilities(prepared, bits_of):
    """What a network with weights of its own says about whole recordings of validation."""

    def observe(settings):
        task = prepared({**settings, "evaluation.save_predictions": True})
        torch.manual_seed(0)
        found = task.results(task.build_model().eval())
        return [
            (p.recording_id, bits_of([piece for _, piece in p.pieces])) for p in found.predictions
        ]

    return observe


@pytest.fixture
def workers(prepared, monkeypatch):
    """Processes that are asked to prepare recordings."""

    def observe(settings):
        asked = []
        here = builder.run_jobs

        def run_jobs(function, jobs, *, n_workers, cluster):
            asked.append(n_workers)
            return here(function, jobs, n_workers=1, cluster=cluster)

        with monkeypatch.context() as patch:
            patch.setattr(builder, "run_jobs", run_jobs)
            prepared(settings)
        return asked

    return observe


@pytest.fixture
def cache_folders(prepared):
    """Where caches were written."""

    def observe(settings):
        prepared(settings)
        return sorted(str(path.parent) for path in Path().glob("*/*/cache.json"))

    return observe


@pytest.fixture
def refused_data(division, refusal):
    """Whether the settings, or the corpus that they ask for, are refused."""
    return lambda settings: refusal(lambda: division(settings))


# networks


@pytest.fixture
def build(experiment_of, monkeypatch):
    """Make the network of settings; libraries that bring networks are played."""

    def make(settings):
        with monkeypatch.context() as patch:
            networks = {network.__name__: network for network in (Narrow, Wide)}
            for name, content in {
                "mamba_ssm": {"Mamba2": ForeignMamba},
                "braindecode.models": networks,
                "braindecode.models.util": {"models_dict": networks},
            }.items():
                patch.setitem(sys.modules, name, played(name, **content))
            config = experiment_of(settings).settings
            torch.manual_seed(0)
            return build_network(
                config.model, CHANNELS, rate_hz=config.data.sampling_rate,
                n_samples=config.data.window_samples,
            )  # fmt: skip

    return make


class ForeignMamba(nn.Linear):
    def __init__(self, *, d_model, **_):
        super().__init__(d_model, d_model)


class Narrow(nn.Module):
    """A network as braindecode has them."""

    width = 2

    def __init__(self, n_chans, n_outputs, n_times, sfreq, chs_info, factor=1):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(n_chans * n_times, factor * self.width),
            nn.Linear(factor * self.width, n_outputs),
        )  # fmt: skip

    def forward(self, segments):
        return self.layers(segments)


class Wide(Narrow):
    width = 3


@pytest.fixture
def layers(build):
    """Kinds of the parts of the network."""
    return lambda settings: {
        name: type(part).__name__ for name, part in build(settings).named_modules()
    }


@pytest.fixture
def network(build, bits_of):
    """Weights, logits in training and after it, and what is kept for the gradient."""

    def observe(settings):
        model, kept = build(settings), []
        windows = torch.randn(2, len(CHANNELS), 1280, generator=torch.Generator().manual_seed(1))

        def keep(tensor):
            kept.append(tuple(tensor.shape))
            return tensor

        torch.manual_seed(2)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            trained = model.train()(windows)
        return {
            "weights": bits_of(model.state_dict()),
            "in training": bits_of(trained),
            "after it": bits_of(model.eval()(windows)),
            "kept": sorted(kept),
        }

    return observe


@pytest.fixture
def metrics_of_the_question(experiment_of):
    """What the task measures that the settings choose."""

    def observe(settings):
        found = experiment_of({"task": settings["task"]})
        return [metric.name for metric in found.task.metrics(found.settings)]

    return observe


# events and scores


@pytest.fixture
def scripted(prepared):
    """Results of a model that reads its probabilities from the recording."""

    def results(settings):
        task = prepared(
            {
                **settings,
                "data.data_dir": "scripted",
                "preprocessing": {
                    "montage": ["C3", "C4"], "bandpass": None, "notch_freq": None,
                    "normalize": False,
                },
            }
        )  # fmt: skip
        return task.results(ReadsTheScript().eval())

    return results


@pytest.fixture
def events(scripted):
    """Detected events with their confidence."""

    def observe(settings):
        (detected,) = scripted(settings).detected
        return [(one.onset_s, one.offset_s, one.confidence) for one in detected.events]

    return observe


@pytest.fixture
def scores(scripted):
    """Metrics, and the points that were chosen for rates of false alarms."""

    def observe(settings):
        found = scripted(settings)
        return repr((found.metrics, found.operating_points))  # NaN equals NaN here

    return observe


# runs


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
            patch.setattr(outcome_module, "write_report", lambda _, path: path)  # no question here
            outcome_module.echo_outcome(folder)
        return names_in(folder)

    return observe


@pytest.fixture
def trackers(trained, monkeypatch):
    """What Weights & Biases and MLflow are told, without the settings of the run."""

    def observe(settings):
        init, client_of, entities = MagicMock(), MagicMock(), MagicMock()
        client = client_of.return_value
        client.get_experiment_by_name.return_value = None
        client.search_runs.return_value = []
        entities = played("mlflow.entities", Param=MagicMock(), Metric=MagicMock())
        mlflow = played(
            "mlflow", MlflowClient=client_of, MlflowException=HandedOverError, entities=entities
        )
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "wandb", played("wandb", init=init, Error=HandedOverError))
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
def fabric(trained, monkeypatch):
    """What Fabric is asked for on a machine with four GPUs."""

    def observe(settings):
        with monkeypatch.context() as patch:
            patch.setattr(devices, "Fabric", HandedOverError.with_these)
            patch.setattr(torch.cuda, "is_available", lambda: True)
            patch.setattr(torch.cuda, "device_count", lambda: 4)
            with pytest.raises(HandedOverError) as handed_over:
                trained(settings)
        asked = dict(handed_over.value.args[0])
        strategy = asked.pop("strategy")
        return {**asked, "strategy": getattr(type(strategy), "__name__", strategy)}

    return observe


@pytest.fixture
def compiled(trained, monkeypatch):
    """How many models are handed to ``torch.compile``."""

    def observe(settings):
        with monkeypatch.context() as patch:
            compile_ = MagicMock(side_effect=lambda model: model)
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
