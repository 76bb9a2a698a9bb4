"""Abnormality: both levels with intervals, gaze beside its baselines, pages that people judge."""

import base64
import importlib.util
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neurorun.core import DataError, Metric, RunError
from neurorun.reporting.classification_curves import draw_classification_curves
from neurorun.reporting.facts import Facts, SplitFacts
from neurorun.reporting.gaze_pictures import review_pictures
from neurorun.reporting.sections.task_page import TaskPage
from neurorun.reporting.words import count_in_words, number_in_words, percent
from neurorun.runs import Cell

PICTURES_LIMIT_BYTES = 800_000
"""Room for pictures in a page that stays near a megabyte."""

_MOST_REVIEWS, _MOST_LINES, _MOMENTS = 4, 200, 20
_SOURCES = {
    "model": "the model's attention",
    "other_gaze": "gaze of other recordings",
    "mean_gaze": "mean gaze of training",
    "envelope": "envelope of the signal",
    "ceiling": "one half of the gaze against the other",
}
_MEASURES = {
    "cc": "CC",
    "sim": "SIM",
    "kl": "KL",
    "nss": "NSS",
    "auc": "AUC",
    "shuffled_auc": "shuffled AUC",
    "information_gain": "information gain (bit)",
    "cc_time": "CC over time",
    "cc_channels": "CC over channels",
}


logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IntervalLine:
    """A measure on every split, each with its interval, in words."""

    measure: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Guidance:
    """Gains by the gaze loss in words, by measure."""

    caption: str
    by_measure: Mapping[str, Sequence[Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class ReviewedWindow:
    """Pictures of one window inside the page: address and caption."""

    name: str
    title: str
    pictures: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ShownSplit:
    """What the page tells of one split, in words.

    Parameters
    ----------
    agreement : per source the measures of agreement with the gaze
    explanation, moments, recordings : rows of tables
    more_recordings : how many there are besides
    rows_file : where all of them stand
    """

    name: str
    agreement: Sequence[tuple[str, Sequence[str]]]
    explanation: Sequence[Mapping[str, str]]
    moments: Sequence[Mapping[str, str]]
    recordings: Sequence[Mapping[str, str]]
    more_recordings: int
    rows_file: str


def contents(facts: Facts) -> dict[str, Any]:
    """Tables and pictures of this task; pictures of the split that is shown first."""
    return {
        "interval_splits": [one.split for one in _with_intervals(facts)],
        "levels": {level: _intervals(facts, level) for level in ("recording", "window")},
        "measure_names": list(_MEASURES.values()),
        "guidance": _guidance(facts),
        "shown_splits": [_shown(one) for one in facts.shown],
        "gaze_pages": _pages(facts, facts.shown[0].split),
    }


def _shown(split: SplitFacts) -> ShownSplit:
    rows = split.predictions
    return ShownSplit(
        name=split.split,
        agreement=[_agreement_line(row) for row in _rows(split, "gaze_agreement")],
        explanation=[_words(row) for row in _rows(split, "explanation")],
        moments=[_words(row) for row in _hottest(_rows(split, "hottest_moments"))],
        recordings=[_words(row) for row in rows[:_MOST_LINES] if "prob_abnormal" in row],
        more_recordings=max(0, len(rows) - _MOST_LINES),
        rows_file=split.rows_file,
    )


def _rows(split: SplitFacts, name: str) -> Sequence[Mapping[str, Cell]]:
    table = split.tables.get(name)
    return () if table is None else table.rows


def _words(row: Mapping[str, Cell]) -> dict[str, str]:
    return {name: _word(value) for name, value in row.items()}


def _word(value: Cell) -> str:
    if isinstance(value, float):
        return number_in_words(value)
    return "" if value is None else str(value)


def _number(value: Cell) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _with_intervals(facts: Facts) -> list[SplitFacts]:
    """Splits in the order in which scores stand side by side."""
    splits = [facts.kept[name] for name in ("validation", "test")]
    return [one for one in splits if "intervals" in one.tables]


def _intervals(facts: Facts, level: str) -> list[IntervalLine]:
    by_split = [
        {str(row["measure"]): row for row in _rows(one, "intervals") if row["level"] == level}
        for one in _with_intervals(facts)
    ]
    measures = dict.fromkeys(name for rows in by_split for name in rows)
    return [
        IntervalLine(
            name.replace("_", " "), tuple(_value_and_interval(rows[name]) for rows in by_split)
        )
        for name in measures
        if all(name in rows for rows in by_split)
    ]


def _value_and_interval(row: Mapping[str, Cell]) -> tuple[str, str]:
    value, low, high = (number_in_words(_number(row[name])) for name in ("value", "low", "high"))
    return value, f"{low} to {high}"


def _agreement_line(row: Mapping[str, Cell]) -> tuple[str, list[str]]:
    source = str(row["source"])
    numbers = [number_in_words(_number(row[name])) for name in _MEASURES]
    return _SOURCES.get(source, source), numbers


def _guidance(facts: Facts) -> Guidance | None:
    """What guidance by gaze is worth, if it was measured: by measure, beside everything else."""
    table = facts.tables.get("gaze_guidance")
    if table is None:
        return None
    names = dict.fromkeys(str(row["measure"]) for row in table.rows)
    by_measure = {
        _MEASURES.get(name, name): [_words(row) for row in table.rows if row["measure"] == name]
        for name in names
    }
    for row in (row for rows in by_measure.values() for row in rows):
        row["compared_with"] = _SOURCES.get(row["compared_with"], row["compared_with"])
    return Guidance(table.caption, by_measure)


def _hottest(rows: Sequence[Mapping[str, Cell]]) -> list[Mapping[str, Cell]]:
    """Moments of all windows, those that stand out most from their window first."""
    return sorted(rows, key=lambda row: -_number(row["times_mean"]))[:_MOMENTS]


def _pages(facts: Facts, split: str) -> list[ReviewedWindow]:
    """Pictures of some windows as far as there is room; what cannot be read is left out."""
    left, shown = PICTURES_LIMIT_BYTES, []
    head = importlib.util.find_spec("mne") is not None
    reviews = facts.run.of(split).gaze_reviews
    for name in list(reviews)[:_MOST_REVIEWS]:
        try:
            review = reviews[name]
        except (DataError, RunError) as error:
            logger.warning("The pages of %s are not shown: %s", name, error)
            continue
        pictures = []
        for png, caption in review_pictures(review, topomap=head).values():
            address = f"data:image/png;base64,{base64.b64encode(png).decode()}"
            if len(address) <= left:
                left -= len(address)
                pictures.append((address, caption))
        title = f"{'abnormal' if review.true_label else 'normal'}, {review.prob_abnormal:.2f}"
        shown.append(ReviewedWindow(name, title, tuple(pictures)))
    return shown


def sentences(facts: Facts) -> list[str]:
    """How much was scored, how much of it was right, and what gaze says."""
    extents = [_extent(one) for one in facts.shown if _is_ours(one.predictions)]
    if not extents:
        return []
    return [*extents, *_epochs_sentence(facts), _gaze_sentence(facts.shown[0])]


def _is_ours(rows: Sequence[Mapping[str, Cell]]) -> bool:
    return bool(rows) and "prob_abnormal" in rows[0]


def _extent(split: SplitFacts) -> str:
    rows = split.predictions
    n_right = sum(bool(row["correct"]) for row in rows)
    n_abnormal = sum(row["true_label"] == 1 for row in rows)
    return (
        f"Of {count_in_words(len(rows), 'recording')} of {split.split}, {n_abnormal} of them "
        f"abnormal, the network called {n_right} ({percent(n_right / len(rows))}) rightly."
    )


def _epochs_sentence(facts: Facts) -> list[str]:
    """Accuracy of the checkpoint beside the highest of any epoch, which chooses nothing."""
    accuracy = {row.epoch: row.values.get("val_acc", math.nan) for row in facts.epochs}
    known = {epoch: value for epoch, value in accuracy.items() if not math.isnan(value)}
    if facts.best is None or facts.best.epoch not in known:
        return []
    highest = max(known, key=lambda epoch: known[epoch])
    told = (
        f"On windows of validation the checkpoint that is kept, of epoch {facts.best.epoch}, has "
        f"an accuracy of {known[facts.best.epoch]:.1f} %; the highest of any epoch was "
        f"{known[highest]:.1f} %, in epoch {highest}."
    )
    return [told]


def _gaze_sentence(split: SplitFacts) -> str:
    nss = {str(row["source"]): _number(row["nss"]) for row in _rows(split, "gaze_agreement")}
    if "model" not in nss or math.isnan(nss["model"]):
        return f"Nobody's gaze was recorded on {split.split}, so attention is compared with none."
    baselines = [nss.get(name, math.nan) for name in ("other_gaze", "mean_gaze", "envelope")]
    floor = max((value for value in baselines if not math.isnan(value)), default=math.nan)
    return (
        f"At the reader's fixations in {split.split} its attention lies "
        f"{number_in_words(nss['model'])} standard deviations above its mean (NSS); the best "
        f"baseline reaches {number_in_words(floor)}, one half of the gaze against the other "
        f"{number_in_words(nss['ceiling'])}."
    )


def remark(metric: Metric, facts: Facts) -> str:
    """The counts that a metric is made of, where they are known."""
    rows = facts.predictions
    if metric.name == "val_recording_acc" and rows:
        return f"{sum(bool(row['correct']) for row in rows)} of {len(rows)} recordings"
    return ""


ABNORMALITY_PAGE = TaskPage(
    template="sections/abnormality.html.jinja",
    item="recording",
    group="patient",
    examples="Windows, by class (0 normal, 1 abnormal)",
    example="window",
    headlines=("val_recording_acc", "val_recording_auroc", "val_gaze_nss", "val_gaze_cc"),
    curves=draw_classification_curves,
    confusion_in=(8.0, 6.0),
    dpi=150,
    contents=contents,
    sentences=sentences,
    remark=remark,
)
