"""The report of a run: one HTML file that opens anywhere, made from the run folder alone.

What a run does not have is said to be missing; nothing is guessed in its place. The same folder
gives the same bytes.
"""

from pathlib import Path
from typing import Any

import yaml

from neurorun.core import require, write_text
from neurorun.reporting.facts import Facts, read_facts
from neurorun.reporting.material import material
from neurorun.reporting.pictures import inline_svg
from neurorun.reporting.review import review_links
from neurorun.reporting.run_figures import draw_figures, training_curves
from neurorun.reporting.sections import page_of_task
from neurorun.reporting.summary import headlines, status_sentence, summary_sentences
from neurorun.reporting.tables import (
    confusion_table,
    example_sentences,
    left_out_items,
    origin_lines,
    score_lines,
    split_lines,
)
from neurorun.runs import Run, flat, open_run

_MOST_LINES = 200


def write_pages(folder: Path) -> Path:
    """Draw the figures of a run, unless its settings refuse them, and write its report.

    Returns
    -------
    The report

    Raises
    ------
    RunError : the folder is not a run
    MissingExtraError : what draws or writes them is not installed
    """
    if flat(open_run(folder).config).get("evaluation.save_plots") is not False:
        draw_figures(folder)
    return write_report(folder, folder / "report.html")


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
    write_text(output, render_report(open_run(folder), seen_from=output.parent))
    return output


def render_report(run: Run, *, seen_from: Path | None = None) -> str:
    """The page as text.

    Parameters
    ----------
    seen_from : folder of the page, from which links lead to review pages in the run folder; None
        is the run folder
    """
    jinja2 = require("jinja2", extra="report")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("neurorun.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    facts = read_facts(run)
    page: str = environment.get_template(page_of_task(facts).template).render(
        contents(facts) | {"reviews": review_links(run.path, seen_from=seen_from)}
    )
    return page


def contents(facts: Facts) -> dict[str, Any]:
    """Everything that the page shows but links, as plain values and pictures."""
    task = page_of_task(facts)
    curves = training_curves(facts)
    return {
        "facts": facts,
        "task": task,
        "record": facts.record,
        "best_epoch": None if facts.best is None else facts.best.epoch,
        "description": facts.setting("experiment.description") or "",
        "status_sentence": status_sentence(facts),
        "sentences": summary_sentences(facts, task),
        "headlines": headlines(facts, task),
        "split_names": ["validation", *facts.scores],
        "scores": score_lines(facts),
        "confusion": confusion_table(facts, as_time=task.confusion_as_time),
        "training_curves": None if curves is None else inline_svg(curves, "curves"),
        "splits": split_lines(facts),
        "examples": example_sentences(facts, task.example),
        "left_out": left_out_items(facts)[:_MOST_LINES],
        "origin": origin_lines(facts),
        "config": yaml.safe_dump(dict(facts.config), sort_keys=False, allow_unicode=True),
        "material": material(facts),
        **task.contents(facts),
    }
