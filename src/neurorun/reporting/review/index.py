"""The list of the review pages in a folder, those with most faults first."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

from neurorun.core import write_text
from neurorun.reporting.review.page import embed_style, template
from neurorun.runs import Run

FOLDER = "review"
"""Where the pages of a run lie in its folder."""

INDEX = "index.html"
SUMMARY = "neurorun-review"
"""Name of the element, in the head of a page, that holds what the list tells of it."""

_HEAD_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """What the list tells of a page.

    Parameters
    ----------
    file : its name
    words : what was missed, found and falsely raised
    faults : misses and false alarms
    """

    file: str
    recording_id: str
    patient: str
    duration_s: float
    words: str
    faults: int


def write_review_index(run: Run, folder: Path) -> Path:
    """List the review pages of a folder in a page of its own, and return where.

    Other files of the folder are left alone.
    """
    pages = sorted(review_pages(folder), key=lambda one: (-one.faults, one.recording_id))
    output = folder / INDEX
    write_text(output, template("index.html.jinja").render(run=run, pages=pages, **embed_style()))
    return output


def review_links(run_folder: Path, *, seen_from: Path | None = None) -> dict[str, str]:
    """Addresses of the review pages in a run folder, by recording_id.

    Parameters
    ----------
    seen_from : folder to which they are relative; None for the run folder
    """
    folder = run_folder / FOLDER
    place = Path(os.path.relpath(folder, seen_from or run_folder)).as_posix()
    return {one.recording_id: quote(f"{place}/{one.file}") for one in review_pages(folder)}


def review_pages(folder: Path) -> Iterator[ReviewPage]:
    """Read what every review page of a folder tells of itself."""
    for path in sorted(folder.glob("*_review.html")):
        with path.open(encoding="utf-8", errors="replace") as stream:
            summary = _summary_in(stream.read(_HEAD_BYTES))
        if summary is not None:
            yield ReviewPage(file=path.name, **json.loads(summary))


class _Head(HTMLParser):
    """Looks for the element that tells of a page."""

    summary: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "meta" and named.get("name") == SUMMARY:
            self.summary = named["content"]


def _summary_in(text: str) -> str | None:
    head = _Head()
    head.feed(text)
    return head.summary
