"""Observers of seizure detection: corpora of a minute or two, and what is seen of them."""

import shutil
import sys
import types
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neurorun.core import Event, Recording, Timeline, whole_recording
from neurorun.data import TEN_TWENTY, Corpus, builder
from neurorun.formats import write_events, write_recording
from neurorun.models import build_network
from neurorun.simulation import CorpusPlan, simulate_corpus
from neurorun.tasks.seizure_detection import task as task_module

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


@pytest.fixture(scope="session")
def handed_over() -> type[HandedOverError]:
    """Ends what is done where something was handed over, which its first argument holds."""
    return HandedOverError


@pytest.fixture(scope="session")
def played() -> Callable[..., types.ModuleType]:
    """Make a module that holds these names."""

    def play(name: str, **content: Any) -> types.ModuleType:
        module = types.ModuleType(name)
        vars(module).update(content)
        return module

    return play


@pytest.fixture(scope="session")
def seen_of_runs(fields_of_all_tasks) -> set[str]:
    """Settings whose effect shows in a run folder, or on the way there."""
    return fields_of_all_tasks | {"evaluation.save_predictions", "evaluation.save_plots"}


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
def division(prepared, monkeypatch, handed_over):
    """Which recordings of which patients are in which split, before any is prepared."""

    def observe(settings):
        with monkeypatch.context() as patch:
            patch.setattr(Corpus, "cache_of", lambda *_, **__: None)
            patch.setattr(task_module, "PreparedSeizureDetection", handed_over.with_these)
            with pytest.raises(handed_over) as ended:
                prepared(settings)
        found = ended.value.args[0]
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
def build(experiment_of, monkeypatch, played):
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
