"""The report of a run: one HTML file that opens anywhere, made from the run folder alone.

What a run does not have is said to be missing; nothing is guessed in its place. The same folder
gives the same bytes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from neurorun.core import require, write_text
from neurorun.reporting.facts import Facts, read_facts
from neurorun.reporting.figures import draw_fa_curve
from neurorun.reporting.pictures import inline_svg, training_curves
from neurorun.reporting.recordings import ScoredRecording, rank_in_words, scored_recordings
from neurorun.reporting.stories import Story, story_of
from neurorun.reporting.strip_drawing import LONGEST_AS_LINES_S, Drawing, draw_strip
from neurorun.reporting.summary import headlines, status_sentence, summary_sentences
from neurorun.reporting.tables import (
    confusion_table,
    left_out_recordings,
    origin_lines,
    point_definition,
    point_lines,
    score_lines,
    split_lines,
    window_sentences,
)
from neurorun.runs import Run, Strip, open_run

STRIPS_LIMIT_BYTES = 850_000
"""Room for EEG in a page that stays below a megabyte."""

_TEMPLATE = "report.html.jinja"
_MOST_LINES = 200
_DETAIL_S = 10.0
_BEFORE_MOMENT_S = 2.0


def write_report(folder: Path, output: Path) -> Path:
    """Write the report of a run and return where.

    Parameters
    ----------
    folder : of the run; it may be running, interrupted, failed or in part damaged
    output : the HTML file

    Raises
    ------
    RunError : the folder is not a run
    MissingExtraError : matplotlib or Jinja2 is not installed
    """
    write_text(output, render_report(open_run(folder)))
    return output


def render_report(run: Run) -> str:
    """The page as text."""
    jinja2 = require("jinja2", extra="report")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("neurorun.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page: str = environment.get_template(_TEMPLATE).render(contents(read_facts(run)))
    return page


def contents(facts: Facts) -> dict[str, Any]:
    """Everything that the page shows, as plain values and pictures."""
    recordings = scored_recordings(facts.predictions)
    curves = training_curves(facts)
    return {
        "facts": facts,
        "record": facts.record,
        "best_epoch": None if facts.best is None else facts.best.epoch,
        "description": facts.setting("experiment.description") or "",
        "status_sentence": status_sentence(facts),
        "sentences": summary_sentences(facts, recordings),
        "headlines": headlines(facts, recordings),
        "split_names": ["validation", *facts.scores],
        "scores": score_lines(facts),
        "points": point_lines(facts),
        "point_definition": point_definition(facts) if facts.points else "",
        "fa_curve": _fa_curve(facts),
        "confusion": confusion_table(facts),
        "strips": pictured_strips(facts, recordings),
        "recordings": recordings[:_MOST_LINES],
        "more_recordings": max(0, len(recordings) - _MOST_LINES),
        "training_curves": None if curves is None else inline_svg(curves, "curves"),
        "splits": split_lines(facts),
        "windows": window_sentences(facts),
        "left_out": left_out_recordings(facts)[:_MOST_LINES],
        "origin": origin_lines(facts),
        "config": yaml.safe_dump(dict(facts.config), sort_keys=False, allow_unicode=True),
    }


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


def pictured_strips(facts: Facts, recordings: Sequence[ScoredRecording]) -> list[PicturedStrip]:
    """Draw the strips, those of the worst recordings first, as long as there is room.

    Every strip is drawn as a whole before any detail is.
    """
    ids = [one.recording_id for one in recordings]
    places = {name: place for place, name in enumerate(ids)}
    strips = sorted(facts.strips, key=lambda one: places.get(one.recording_id, math.inf))
    stories = [story_of(strip, facts.detected.get(strip.recording_id)) for strip in strips]
    room = _Room(STRIPS_LIMIT_BYTES)
    wholes = [room.take(draw_strip(strip, threshold=facts.threshold)) for strip in strips]
    details = [
        room.take(_detail(strip, story, facts.threshold))
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
