"""Abnormality: both levels with intervals, gaze beside its baselines, pages that people judge."""

import base64
import importlib.util
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neurorun.core import DataError, Metric, RunError
from neurorun.reporting.facts import Facts
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


@dataclass(frozen=True, slots=True)
class IntervalLine:
    """A measure of one level with its interval, in words."""

    measure: str
    value: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class ReviewedWindow:
    """Pictures of one window inside the page: address and caption."""

    name: str
    title: str
    pictures: tuple[tuple[str, str], ...]


def contents(facts: Facts) -> dict[str, Any]:
    """Tables and pictures of this task."""
    moments = _rows(facts, "hottest_moments")
    return {
        "levels": {level: _intervals(facts, level) for level in ("recording", "window")},
        "agreement": _agreement(facts),
        "measure_names": list(_MEASURES.values()),
        "guidance": [_words(row) for row in _rows(facts, "gaze_guidance")],
        "explanation": _explanation(facts),
        "reviews": _reviews(facts),
        "moments": [_words(row) for row in _hottest(moments)],
        "recordings": [_words(row) for row in facts.predictions[:_MOST_LINES]],
        "more_recordings": max(0, len(facts.predictions) - _MOST_LINES),
    }


def _rows(facts: Facts, name: str) -> Sequence[Mapping[str, Cell]]:
    table = facts.tables.get(name)
    return () if table is None else table.rows


def _words(row: Mapping[str, Cell]) -> dict[str, str]:
    return {name: _word(value) for name, value in row.items()}


def _word(value: Cell) -> str:
    if isinstance(value, float):
        return number_in_words(value)
    return "" if value is None else str(value)


def _number(value: Cell) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _intervals(facts: Facts, level: str) -> list[IntervalLine]:
    return [
        IntervalLine(
            str(row["measure"]).replace("_", " "),
            *(number_in_words(_number(row[name])) for name in ("value", "low", "high")),
        )
        for row in _rows(facts, "intervals")
        if row["level"] == level
    ]


def _agreement(facts: Facts) -> list[tuple[str, list[str]]]:
    return [
        (
            _SOURCES.get(str(row["source"]), str(row["source"])),
            [number_in_words(_number(row[name])) for name in _MEASURES],
        )
        for row in _rows(facts, "gaze_agreement")
    ]


def _explanation(facts: Facts) -> list[dict[str, str]]:
    return [_words(row) for row in _rows(facts, "explanation")]


def _hottest(rows: Sequence[Mapping[str, Cell]]) -> list[Mapping[str, Cell]]:
    """Moments of all windows, those that stand out most from their window first."""
    return sorted(rows, key=lambda row: -_number(row["times_mean"]))[:_MOMENTS]


def _reviews(facts: Facts) -> list[ReviewedWindow]:
    """Pictures of some windows as far as there is room; what cannot be read is left out."""
    left, shown = PICTURES_LIMIT_BYTES, []
    head = importlib.util.find_spec("mne") is not None
    for name in list(facts.run.gaze_reviews)[:_MOST_REVIEWS]:
        try:
            review = facts.run.gaze_reviews[name]
        except (DataError, RunError):
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
    """On how much was validated, how much of it was right, and what gaze says."""
    rows = facts.predictions
    if not rows or "prob_abnormal" not in rows[0]:
        return []
    n_right = sum(bool(row["correct"]) for row in rows)
    n_abnormal = sum(row["true_label"] == 1 for row in rows)
    extent = (
        f"The network was validated on {count_in_words(len(rows), 'recording')}, "
        f"{n_abnormal} of them abnormal; it called {n_right} ({percent(n_right / len(rows))}) "
        "rightly."
    )
    return [extent, _gaze_sentence(facts)]


def _gaze_sentence(facts: Facts) -> str:
    nss = {str(row["source"]): _number(row["nss"]) for row in _rows(facts, "gaze_agreement")}
    if "model" not in nss or math.isnan(nss["model"]):
        return "Nobody's gaze was recorded on validation, so attention is compared with none."
    baselines = [nss.get(name, math.nan) for name in ("other_gaze", "mean_gaze", "envelope")]
    floor = max((value for value in baselines if not math.isnan(value)), default=math.nan)
    return (
        f"At the reader's fixations its attention lies {number_in_words(nss['model'])} standard "
        f"deviations above its mean (NSS); the best baseline reaches {number_in_words(floor)}, one "
        f"half of the gaze against the other {number_in_words(nss['ceiling'])}."
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
    contents=contents,
    sentences=sentences,
    remark=remark,
)
