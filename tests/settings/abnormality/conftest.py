"""Observers of abnormality: ten recordings of half a minute, read by a simulated eye."""

import json
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurorun.core import Recording
from neurorun.formats import read_recording, write_recording
from neurorun.reporting import page as page_module
from neurorun.runs import create_run, open_run
from neurorun.simulation import GazeCorpusPlan, simulate_gaze_corpus

cache_module = import_module("neurorun.data.abnormality.cache")
examples_module = import_module("neurorun.data.abnormality.examples")

TINY = {
    "task": "abnormality",
    "experiment.device": "cpu",
    "experiment.run_name": "run",
    "data.data_dir": "read",
    "data.window_size": 10,
    "data.batch_size": 4,
    "data.validation_split": 0.3,
    "data.num_workers": 0,
    "training.epochs": 1,
    "evaluation.n_resamples": 10,
    "evaluation.n_explained": 0,
    "evaluation.n_reviewed": 0,
    "evaluation.export_attention": False,
}


@pytest.fixture(scope="session")
def tiny() -> dict[str, Any]:
    return TINY


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of recordings with gaze, by name; tests must not change them."""
    folder = tmp_path_factory.mktemp("gaze-corpora")
    plan = GazeCorpusPlan(n_train=8, n_eval=2, minutes=0.5, events_per_minute=10, seed=1)
    simulate_gaze_corpus(folder / "read", plan)
    simulate_gaze_corpus(folder / "read_twice", plan.model_copy(update={"seed": 2}))
    simulate_gaze_corpus(folder / "more", plan.model_copy(update={"n_train": 10}))
    shutil.copytree(folder / "read/edf/train", folder / "unsplit/data")
    shutil.copytree(folder / "read", folder / "incomplete")
    for path in sorted((folder / "incomplete/edf/train/abnormal").iterdir())[:2]:
        _without_last_electrode(path)
    shutil.copytree(folder / "read", folder / "astray")
    for path in (folder / "astray/gaze").iterdir():
        content = json.loads(path.read_text())
        for fixation in content["fixations"][::2]:
            fixation["channel"] = ["ECG"]
        path.write_text(json.dumps(content))
    return folder


def _without_last_electrode(path: Path) -> None:
    whole = read_recording(path)
    kept = [row for row, name in enumerate(whole.channels) if name.upper() != "T6"]
    part = Recording(
        whole.recording_id, whole.patient, tuple(whole.channels[row] for row in kept),
        whole.rate_hz, np.ascontiguousarray(whole.signal_uv[kept]), whole.stretches,
    )  # fmt: skip
    assert len(part.channels) == len(whole.channels) - 1
    write_recording(path, part)


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of caches, by the settings that may decide what is in them."""
    return {}


@pytest.fixture
def prepared(place, corpora, caches, experiment_of, tmp_path_factory):
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
def division(prepared):
    """Which recordings of which patients are in which split."""
    return lambda settings: prepared(settings).members()


@pytest.fixture
def cache_folders(prepared):
    """Where prepared windows were written."""

    def observe(settings):
        prepared(settings)
        return sorted(str(path.parent) for path in Path().glob("*/windows.json"))

    return observe


@pytest.fixture
def threads(prepared, monkeypatch):
    """Threads that prepare windows, and batches begun when the first is handed over."""

    def observe(settings):
        asked, begun = [], []

        class Preparing(cache_module.ThreadPoolExecutor):
            def __init__(self, n_threads, *arguments):
                asked.append(n_threads)
                super().__init__(n_threads, *arguments)

        class Reading(examples_module.ThreadPoolExecutor):
            def submit(self, *arguments):
                begun.append(1)
                return super().submit(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(cache_module, "ThreadPoolExecutor", Preparing)
            patch.setattr(examples_module, "ThreadPoolExecutor", Reading)
            batches = prepared({**settings, "data.cache_dir": "cache"}).batches(1)
            next(batches)
            n_begun = len(begun)
            batches.close()
        return asked, n_begun

    return observe


@pytest.fixture
def network(prepared, bits_of):
    """Weights, decision with and without the map, and the map."""

    def observe(settings):
        torch.manual_seed(0)
        model = prepared(settings).build_model().eval()
        windows = torch.randn(2, 22, 500, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            plain, mapped = model(windows), model(windows, True)
        return bits_of([list(model.state_dict().values()), plain, list(mapped.values())])

    return observe


@pytest.fixture
def losses(prepared):
    """Parts of the loss of the first batch, with weights that settings do not change."""

    def observe(settings):
        task = prepared(settings)
        torch.manual_seed(0)
        model = task.build_model().eval()
        inputs, targets = next(task.batches(1))
        tensors = {name: torch.from_numpy(np.array(one)) for name, one in targets.items()}
        with torch.no_grad():
            figures = task.loss(model, torch.from_numpy(np.array(inputs)), tensors, None)
        return {name: float(figures[name]) for name in ("loss", "cls_loss", "gaze_loss")}

    return observe


@pytest.fixture
def scores(prepared):
    """Metrics, and intervals of both levels, of a network that has learned nothing."""

    def observe(settings):
        task = prepared(settings)
        torch.manual_seed(0)
        found = task.results(task.build_model().eval())
        intervals = [(row["low"], row["high"]) for row in found.intervals]
        return repr((found.metrics, intervals))  # NaN equals NaN here

    return observe


@pytest.fixture
def grids(prepared):
    """Channels and bins of the grids on which attention is compared with gaze."""

    def observe(settings):
        task = prepared(settings)
        torch.manual_seed(0)
        return [grid.shape for grid in task.results(task.build_model().eval()).found.grids]

    return observe


@pytest.fixture
def kept(prepared, experiment_of):
    """Keep what a network that has learned nothing gives, in a run folder of its own."""

    def keep(settings):
        task = prepared(settings)
        torch.manual_seed(0)
        results = task.results(task.build_model().eval())
        with create_run(
            "runs", "tiny", config=experiment_of(settings).resolved, metrics=task.metrics,
            monitor="val_loss", run_name="run", seed=0,
        ) as record:  # fmt: skip
            record.log_epoch(1, {"train_loss": 1.0, **results.metrics})
            results.keep(record, epoch=1)
        return record.folder

    return keep


def names_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def files(kept):
    """Names of the kept files."""
    return lambda settings: names_in(kept(settings))


@pytest.fixture
def figures(kept, monkeypatch):
    """Names of the kept files with the figures that follow training."""

    def observe(settings):
        folder = kept(settings)
        with monkeypatch.context() as patch:
            patch.setattr(page_module, "write_report", lambda _, path: path)  # no question here
            page_module.write_pages(folder)
        return names_in(folder)

    return observe


@pytest.fixture
def tables(kept):
    """Names of the kept tables, with the number of their rows."""

    def observe(settings):
        return {name: len(table.rows) for name, table in open_run(kept(settings)).tables.items()}

    return observe
