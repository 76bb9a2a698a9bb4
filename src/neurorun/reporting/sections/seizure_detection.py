"""Seizure detection: found and missed seizures, alarms, operating points, and pieces of EEG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neurorun.core import Metric
from neurorun.reporting.facts import Facts, SplitFacts
from neurorun.reporting.figures import draw_fa_curve
from neurorun.reporting.pictures import inline_svg
from neurorun.reporting.recordings import (
    ScoredRecording,
    in_total,
    rank_in_words,
    scored_recordings,
)
from neurorun.reporting.sections.task_page import TaskPage
from neurorun.reporting.stories import Story, story_of
from neurorun.reporting.strip_drawing import LONGEST_AS_LINES_S, Drawing, draw_strip
from neurorun.reporting.tables import point_definition, point_lines
from neurorun.reporting.words import (
    count_in_words,
    duration_in_words,
    number_in_words,
    percent,
    whole,
)
from neurorun.runs import Strip

STRIPS_LIMIT_BYTES = 850_000
"""Room for EEG in a page that stays below a megabyte."""

_MOST_LINES = 200
_DETAIL_S = 10.0
_BEFORE_MOMENT_S = 2.0
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class ShownSplit:
    """Recordings of one split, those with most faults first, and pieces of their EEG.

    Parameters
    ----------
    more : how many recordings there are besides
    rows_file : where all of them stand
    """

    name: str
    strips: tuple["PicturedStrip", ...]
    recordings: tuple[ScoredRecording, ...]
    more: int
    rows_file: str


def contents(facts: Facts) -> dict[str, Any]:
    """Operating points, the curve behind them, strips of EEG, and tables of recordings."""
    return {
        "points": point_lines(facts),
        "point_definition": point_definition(facts) if facts.points else "",
        "fa_curve": _fa_curve(facts),
        "shown": _shown_splits(facts),
        "signal": signal_in_words(facts),
    }


def _shown_splits(facts: Facts) -> list[ShownSplit]:
    """Splits in the order of the page; strips of the first take what room they need."""
    room, shown = _Room(STRIPS_LIMIT_BYTES), []
    for place, split in enumerate(facts.shown):
        recordings = scored_recordings(split.predictions)
        strips = _pictured_strips(split, recordings, facts.threshold, room, detailed=place == 0)
        more = max(0, len(recordings) - _MOST_LINES)
        lines = recordings[:_MOST_LINES]
        shown.append(ShownSplit(split.split, tuple(strips), lines, more, split.rows_file))
    return shown


def sentences(facts: Facts) -> list[str]:
    """On what was validated, what was found, and at which threshold."""
    recordings = scored_recordings(facts.predictions)
    if not recordings:
        return []
    told = [_extent(recordings), _outcome(facts, recordings), _chosen_point(facts)]
    return [*(sentence for sentence in told if sentence), *_tested(facts)]


def _tested(facts: Facts) -> list[str]:
    """What was found on test, by which nothing was chosen."""
    recordings = scored_recordings(facts.kept["test"].predictions)
    if not recordings:
        return []
    total = in_total(recordings)
    rate = _measured_on_test(facts, "false_alarms_per_24h")
    per_day = "" if rate is None else f" ({number_in_words(rate)} per 24 hours)"
    scored = count_in_words(len(recordings), "test recording")
    alarms = count_in_words(total.false_alarms, "false alarm")
    outcome = f"it {_found(total)} and raised {alarms}{per_day}"
    return [f"On {scored}, by which nothing was chosen, {outcome}."]


def _measured_on_test(facts: Facts, name: str) -> float | None:
    scores = facts.scores.get("test")
    return None if scores is None else scores.metrics.get(name)


def _extent(recordings: Sequence[ScoredRecording]) -> str:
    total = in_total(recordings)
    n_patients = len({one.patient for one in recordings})
    return (
        f"The detector was validated on {count_in_words(len(recordings), 'recording')} of "
        f"{count_in_words(n_patients, 'patient')}: {duration_in_words(total.observed_s)} of EEG "
        f"with {count_in_words(total.seizures, 'seizure')}."
    )


def _outcome(facts: Facts, recordings: Sequence[ScoredRecording]) -> str:
    total = in_total(recordings)
    alarms = count_in_words(total.false_alarms, "false alarm")
    by_name = {metric.name: value for metric, value in facts.validation.items()}
    rate = by_name.get("false_alarms_per_24h")
    per_day = "" if rate is None else f" ({number_in_words(rate)} per 24 hours)"
    threshold = "" if facts.threshold is None else f" of {facts.threshold:g}"
    return (
        f"It {_found(total)} and raised {alarms}{per_day}, at the configured threshold{threshold}."
    )


def _found(total: ScoredRecording) -> str:
    if total.seizures == 0:
        return "had no seizure to find"
    if total.seizures == 1:
        return "found the only seizure" if total.found else "missed the only seizure"
    return f"found {whole(total.found)} of the {whole(total.seizures)} seizures"


def _chosen_point(facts: Facts) -> str:
    """The strictest operating point that was reached."""
    reached = [point for point in facts.points if point.reached]
    if not facts.points:
        return ""
    if not reached:
        return "No threshold kept to any of the stated rates of false alarms."
    point = min(reached, key=lambda one: one.fa_rate)
    alarms = f"{point.fa_rate:g} false alarm{'' if point.fa_rate == 1 else 's'}"
    chosen = (
        f"With a threshold of {point.tau_on:g} it raises at most {alarms} per 24 hours and finds "
        f"{percent(point.sensitivity)} of the seizures; that threshold was chosen on these same "
        "recordings."
    )
    return f"{chosen} {_resolution(facts, point.fa_rate)}".rstrip()


def _resolution(facts: Facts, fa_rate: float) -> str:
    """What a single alarm amounts to, where stated rates are too low to be told from it."""
    observed_s = in_total(scored_recordings(facts.predictions)).observed_s
    one_alarm = _DAY_S / observed_s
    if one_alarm <= fa_rate:
        return ""
    return (
        f"But these are {duration_in_words(observed_s)} only, in which a single false alarm is "
        f"{number_in_words(one_alarm)} per 24 hours: lower rates cannot be told apart."
    )


def signal_in_words(facts: Facts) -> str:
    """What the traces are: electrodes, reference, filters; empty if the settings do not tell."""
    montage = facts.setting("preprocessing.montage")
    if montage is None:
        return ""
    shown = {
        "10-20": "electrodes against the reference of the recording",
        "double-banana": "neighbouring electrodes against each other (double banana)",
    }.get(str(montage), "channels as the settings list them")
    band = facts.setting("preprocessing.bandpass")
    filters = "no band filter" if band is None else f"{band[0]:g} to {band[1]:g} Hz"
    notch = facts.setting("preprocessing.notch_freq")
    rate_hz = facts.number("data.sampling_rate")
    is_notched = notch is not None and (rate_hz is None or 2 * notch < rate_hz)
    mains = f"notch at {notch:g} Hz" if is_notched else "no notch filter"
    return f"Traces are what the detector is given, in microvolts: {shown}; {filters}, {mains}."


def remark(metric: Metric, facts: Facts) -> str:
    """The counts that a metric is made of, where they are known."""
    recordings = scored_recordings(facts.predictions)
    if not recordings:
        return ""
    total = in_total(recordings)
    if metric.name == "sensitivity":
        return f"{whole(total.found)} of {count_in_words(total.seizures, 'seizure')}"
    if metric.name == "false_alarms_per_24h":
        return f"{whole(total.false_alarms)} in {duration_in_words(total.observed_s)}"
    return ""


def _fa_curve(facts: Facts) -> str | None:
    """Curve of the split on which thresholds were chosen."""
    chosen_on = {point.chosen_on for point in facts.points} or {"validation"}
    curves = [curve for curve in facts.curves if curve.split in chosen_on and curve.thresholds]
    return inline_svg(draw_fa_curve(curves[0], facts.points), "alarms") if curves else None


@dataclass(frozen=True, slots=True)
class PicturedStrip:
    """A strip with its words and its drawings.

    Parameters
    ----------
    rank : where its recording stands among all, and why; empty if it was not scored
    whole : all of it; None if the page had no more room
    detail : some seconds around the event of the title, where the whole is too long for that
    """

    strip: Strip
    story: Story
    rank: str
    whole: Drawing | None
    detail: Drawing | None


def _pictured_strips(
    split: SplitFacts,
    recordings: Sequence[ScoredRecording],
    threshold: float | None,
    room: "_Room",
    *,
    detailed: bool,
) -> list[PicturedStrip]:
    """Draw the strips, those of the worst recordings first, as long as there is room.

    Every strip is drawn as a whole before any detail is.
    """
    ids = [one.recording_id for one in recordings]
    places = {name: place for place, name in enumerate(ids)}
    strips = sorted(split.strips, key=lambda one: places.get(one.recording_id, math.inf))
    stories = [story_of(strip, split.detected.get(strip.recording_id)) for strip in strips]
    wholes = [room.take(draw_strip(strip, threshold=threshold)) for strip in strips]
    details = [
        room.take(_detail(strip, story, threshold)) if detailed else None
        for strip, story in zip(strips, stories, strict=True)
    ]
    return [
        PicturedStrip(strip, story, rank_in_words(strip.recording_id, recordings), whole, detail)
        for strip, story, whole, detail in zip(strips, stories, wholes, details, strict=True)
    ]


class _Room:
    """Bytes that are left for drawings."""

    def __init__(self, n_bytes: int) -> None:
        self._left = n_bytes

    def take(self, drawing: Drawing | None) -> Drawing | None:
        """Return the drawing if there is room for it, which is then less."""
        if drawing is None or drawing.n_bytes > self._left:
            return None
        self._left -= drawing.n_bytes
        return drawing


def _detail(strip: Strip, story: Story, threshold: float | None) -> Drawing | None:
    if strip.duration_s <= LONGEST_AS_LINES_S:
        return None
    onset_s = story.moment_s - _BEFORE_MOMENT_S
    return draw_strip(strip, threshold=threshold, onset_s=onset_s, longest_s=_DETAIL_S)


SEIZURE_DETECTION_PAGE = TaskPage(
    template="sections/seizure_detection.html.jinja",
    item="recording",
    group="patient",
    examples="Windows, by how much seizure they hold",
    example="window",
    headlines=("sensitivity", "false_alarms_per_24h", "precision", "auroc"),
    confusion_as_time=True,
    contents=contents,
    sentences=sentences,
    remark=remark,
)
