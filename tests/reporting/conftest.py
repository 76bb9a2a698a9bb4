import functools
import shutil
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from neurorun.core import Event, Metric, Timeline
from neurorun.reporting.facts import read_facts
from neurorun.runs import (
    ChosenPoint,
    ClassDistribution,
    ConfusionMatrix,
    FaCurve,
    RunWriter,
    Splits,
    Strip,
    create_run,
    environment,
    open_run,
)

NAN = float("nan")
METHOD = "overlap (NEDC EEG Eval 6.0.0)"
SENSITIVITY = Metric("sensitivity", "higher", "1", "Found share of the seizures.")
ALARMS = Metric("false_alarms_per_24h", "lower", "per 24 h", "False alarms per 24 h with EEG.")
AUROC = Metric("auroc", "higher", "1", "Area under the ROC curve.")
AT_10 = Metric("sensitivity_at_10fa", "higher", "1", "Found share at 10 false alarms per 24 h.")
ALARMS_AT_10 = Metric("false_alarms_per_24h_at_10fa", "lower", "per 24 h", "False alarms there.")
METRICS = (SENSITIVITY, ALARMS, AUROC, AT_10, ALARMS_AT_10)
CONFIG = {
    "task": "seizure_detection",
    "experiment": {"name": "night", "description": "Are seizures found at night?"},
    "data": {"sampling_rate": 256.0},
    "training": {"epochs": 3},
    "postprocessing": {"hysteresis": {"tau_on": 0.86, "tau_off": 0.78}},
    "evaluation": {"save_plots": True},
}
VALUES = {
    "train_loss": 0.5,
    "val_loss": 0.6,
    "learning_rate": 3e-4,
    "sensitivity": 0.75,
    "false_alarms_per_24h": 6.0,
    "auroc": 0.9,
    "sensitivity_at_10fa": 0.5,
    "false_alarms_per_24h_at_10fa": 8.0,
}


@pytest.fixture(autouse=True, scope="session")
def packages_are_listed_once():
    """Listing all installed packages takes a tenth of a second each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment, "_packages", functools.cache(environment._packages))
        yield


def begin_run(folder: Path, **changes) -> RunWriter:
    settings = {
        "config": CONFIG,
        "metrics": METRICS,
        "monitor": "auroc",
        "seed": 7,
        "command": ["neurorun", "train", "night.yaml"],
        "source_dir": folder,
    }
    experiment = changes.pop("experiment", "night")
    return create_run(folder / "runs", experiment, **(settings | changes))


def row_of(recording_id: str, *, seizures: int, found: int, alarms: int, **changes):
    """One row of the table of scored recordings, an hour long."""
    missed = seizures - found
    return {
        "recording_id": recording_id,
        "patient": recording_id.partition("_")[0],
        "duration_s": 3600.0,
        "observed_s": 3600.0,
        "taes_overlap_misses": missed + 0.25 * found,
        "taes_overlap_false_alarms": float(alarms),
        "overlap_targets": seizures,
        "overlap_hits": found,
        "overlap_misses": missed,
        "overlap_false_alarms": alarms,
        **changes,
    }


def strip_of(recording_id: str, **changes) -> Strip:
    """Ninety seconds of two channels, from 100 s on."""
    rng = np.random.default_rng(0)
    parts = {
        "channels": ("Fp1", "Fp2"),
        "rate_hz": 32.0,
        "onset_s": 100.0,
        "signal_uv": rng.normal(scale=20, size=(2, 90 * 32)).astype(np.float32),
        "probabilities": np.linspace(0, 1, 720, dtype=np.float32),
        "probability_rate_hz": 8.0,
        "reference": (Event(120, 150),),
        "detected": (Event(125, 155),),
    }
    return Strip(recording_id=recording_id, **(parts | changes))


def point(fa_rate: float = 10.0, *, reached: bool = True) -> ChosenPoint:
    return ChosenPoint(
        metric=f"sensitivity_at_{fa_rate:g}fa",
        fa_rate=fa_rate,
        reached=reached,
        tau_on=0.9 if reached else NAN,
        tau_off=0.82 if reached else NAN,
        sensitivity=0.5 if reached else NAN,
        false_alarms_per_day=8.0 if reached else NAN,
        method=METHOD,
    )


def curve() -> FaCurve:
    return FaCurve("validation", METHOD, (0.9, 0.5, 0.1), (0.0, 8.0, 240.0), (0.0, 0.5, 1.0))


ROWS = (
    row_of("ann_1", seizures=2, found=1, alarms=3),
    row_of("bob_1", seizures=3, found=3, alarms=0),
    row_of("cid_1", seizures=0, found=0, alarms=0),
)


def fill(run: RunWriter, *, rows=ROWS, strips=None, points=None) -> None:
    """Write everything that a seizure run keeps."""
    run.write_splits(Splits({"dan_1": "dan"}, {str(r["recording_id"]): "p" for r in rows}))
    run.write_class_distributions([ClassDistribution("train", {"full": 3, "partial": 0}, 3, "t")])
    run.write_predictions(rows)
    counts = ((256 * 3600, 256 * 60), (256 * 90, 256 * 270))
    labels = ("background", "seizure")
    run.write_confusion_matrices([ConfusionMatrix("validation", labels, counts, "t", 2)])
    run.write_operating_points([point()] if points is None else points)
    run.write_fa_curves([curve()])
    for strip in [strip_of("ann_1"), strip_of("bob_1")] if strips is None else strips:
        run.write_strip(strip)
        run.write_events(Timeline(strip.recording_id, 3600.0, strip.detected))


def finished_run(folder: Path, *, before=lambda run: None, **changes) -> Path:
    """Folder of a completed run of three epochs, the second of which is the best."""
    with begin_run(folder, **changes) as run:
        for epoch, auroc in enumerate((None, 0.9, 0.8), start=1):
            run.log_epoch(epoch, VALUES | {"auroc": auroc})
        fill(run)
        before(run)
    return run.folder


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory) -> Path:
    return finished_run(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def finished(finished_once, tmp_path) -> Path:
    """A completed run that a test may change."""
    return Path(shutil.copytree(finished_once, tmp_path / finished_once.name))


@pytest.fixture
def facts_of():
    return lambda folder: read_facts(open_run(folder))


VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """A page, checked while it is parsed: tags that close, identifiers, what it would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            self.ids += [value] if name == "id" else []
            self.targets += [value] if name in {"href", "src", "srcset", "action"} else []

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "svg"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="session")
def make():
    """The builders of this file, for tests to use."""
    return SimpleNamespace(
        begin=begin_run,
        fill=fill,
        finished=finished_run,
        row=row_of,
        strip_of=strip_of,
        point=point,
        curve=curve,
        page=Page,
        values=VALUES,
        metrics=METRICS,
        config=CONFIG,
    )
