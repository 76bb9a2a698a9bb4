"""The figures that lie as files in a run folder: training curves and a confusion matrix."""

from pathlib import Path
from typing import TYPE_CHECKING

from neurorun.reporting.facts import Facts, read_facts
from neurorun.reporting.figures import draw_confusion_matrix, draw_training_curves
from neurorun.reporting.pictures import save_picture
from neurorun.reporting.sections import page_of_task
from neurorun.runs import open_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRAINING_CURVES = "training_curves.png"
CONFUSION_MATRIX = "confusion_matrix.png"


def draw_figures(folder: Path) -> list[Path]:
    """Draw the figures that lie as files in a run folder, as far as there are data for them.

    Returns
    -------
    The files written; none before the first epoch has ended

    Raises
    ------
    RunError : the folder is not a run
    MissingExtraError : matplotlib is not installed
    """
    facts = read_facts(open_run(folder))
    page = page_of_task(facts)
    written = []
    curves = training_curves(facts)
    if curves is not None:
        written.append(save_picture(curves, folder / TRAINING_CURVES, dpi=page.dpi))
    if facts.confusions:
        confusion = draw_confusion_matrix(facts.confusions[0], size_in=page.confusion_in)
        written.append(save_picture(confusion, folder / CONFUSION_MATRIX, dpi=page.dpi))
    return written


def training_curves(facts: Facts) -> "Figure | None":
    """Curves over the epochs of a run; None if it has none."""
    best = facts.best
    best_epoch = None if best is None else best.epoch
    draw = page_of_task(facts).curves
    if draw is not None:
        return draw(facts.epochs, best_epoch)
    return draw_training_curves(facts.epochs, facts.record.monitored, best_epoch=best_epoch)
