"""Figures as pictures: inside a page, or as files of the run folder."""

import io
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from neurorun.core import atomic_write
from neurorun.reporting.facts import Facts, read_facts
from neurorun.reporting.figures import (
    FIRST,
    INK,
    QUIET,
    SECOND,
    draw_confusion_matrix,
    draw_training_curves,
    style,
)
from neurorun.runs import open_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRAINING_CURVES = "training_curves.png"
CONFUSION_MATRIX = "confusion_matrix.png"
_DPI = 110

_COLOURS = {INK: "--ink", QUIET: "--quiet", FIRST: "--first", SECOND: "--second"}
_FONTS = re.compile(r"'DejaVu Sans'[^;\"]*")
_NOT_FOR_PAGES = re.compile(
    r"^.*?(?=<svg)|\s*<metadata>.*?</metadata>|\s*<style.*?</style>|\s+xmlns(:\w+)?=\"[^\"]*\"",
    re.DOTALL,
)
_IDENTIFIER = re.compile(r'\s+id="([^"]*)"')
_REFERENCE = re.compile(r'(?:url\(|href=")#([^")]*)')


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
    written = []
    curves = training_curves(facts)
    if curves is not None:
        written.append(save_picture(curves, folder / TRAINING_CURVES))
    if facts.confusions:
        confusion = draw_confusion_matrix(facts.confusions[0])
        written.append(save_picture(confusion, folder / CONFUSION_MATRIX))
    return written


def training_curves(facts: Facts) -> "Figure | None":
    """Curves over the epochs of a run; None if it has none."""
    best = facts.best
    return draw_training_curves(
        facts.epochs, facts.record.monitored, best_epoch=None if best is None else best.epoch
    )


def save_picture(figure: "Figure", path: Path) -> Path:
    """Write a figure as PNG, whole or not at all."""
    with atomic_write(path) as stream:
        stream.write(_bytes_of(figure, "png"))
    return path


def png_of(figure: "Figure") -> bytes:
    """A figure as the bytes of a PNG file, on white."""
    return _bytes_of(figure, "png")


def _bytes_of(figure: "Figure", form: Literal["png", "svg"]) -> bytes:
    """The same figure gives the same bytes: no date, and identifiers that do not change."""
    stream = io.BytesIO()
    svg = form == "svg"
    with style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure.savefig(
            stream,
            format=form,
            dpi=_DPI,
            facecolor="none" if svg else "white",
            metadata={"Date": None} if svg else {"Software": None},
        )
    return stream.getvalue()


def inline_svg(figure: "Figure", name: str) -> str:
    """A figure as an SVG element for a page: text as text, colours of the page, no address.

    Parameters
    ----------
    name : of letters, unique in the page; identifiers inside begin with it
    """
    text = _NOT_FOR_PAGES.sub("", _bytes_of(figure, "svg").decode("utf-8")).strip()
    for colour, variable in _COLOURS.items():
        text = text.replace(colour, f"var({variable})")
    return _own_identifiers(_FONTS.sub("var(--sans)", text).replace("xlink:href", "href"), name)


def _own_identifiers(svg: str, name: str) -> str:
    """Prefix the identifiers that are referred to, and drop the others."""
    used = set(_REFERENCE.findall(svg))

    def renamed(match: re.Match[str]) -> str:
        return f' id="{name}-{match[1]}"' if match[1] in used else ""

    svg = _IDENTIFIER.sub(renamed, svg)
    return _REFERENCE.sub(lambda match: match[0].replace("#", f"#{name}-"), svg)
