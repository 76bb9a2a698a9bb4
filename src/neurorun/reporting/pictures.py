"""Figures as pictures: inside a page, or as files."""

import io
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from neurorun.core import atomic_write
from neurorun.reporting.figures import FIRST, INK, QUIET, SECOND, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110
"""Dots per inch of pictures, unless a task asks for others."""

_COLOURS = {INK: "--ink", QUIET: "--quiet", FIRST: "--first", SECOND: "--second"}
_FONTS = re.compile(r"'DejaVu Sans'[^;\"]*")
_NOT_FOR_PAGES = re.compile(
    r"^.*?(?=<svg)|\s*<metadata>.*?</metadata>|\s*<style.*?</style>|\s+xmlns(:\w+)?=\"[^\"]*\"",
    re.DOTALL,
)
_IDENTIFIER = re.compile(r'\s+id="([^"]*)"')
_REFERENCE = re.compile(r'(?:url\(|href=")#([^")]*)')


def save_picture(figure: "Figure", path: Path, *, dpi: int = DPI) -> Path:
    """Write a figure as PNG, whole or not at all."""
    with atomic_write(path) as stream:
        stream.write(_bytes_of(figure, "png", dpi=dpi))
    return path


def png_of(figure: "Figure") -> bytes:
    """A figure as the bytes of a PNG file, on white."""
    return _bytes_of(figure, "png")


def _bytes_of(figure: "Figure", form: Literal["png", "svg"], *, dpi: int = DPI) -> bytes:
    """The same figure gives the same bytes: no date, and identifiers that do not change."""
    stream = io.BytesIO()
    svg = form == "svg"
    with style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure.savefig(
            stream,
            format=form,
            dpi=dpi,
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
