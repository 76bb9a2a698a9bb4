"""The review page of one recording: one HTML file in which a reader scrolls through all of it.

It holds its data, its style and its own small program, asks no host for anything, and opens from
a disk. The program cannot be changed by what the data say: the page forbids every script but the
one whose hash it names.
"""

import base64
import hashlib
from importlib import resources
from pathlib import Path
from typing import Any

from neurorun.core import DataError, require, to_json, write_text
from neurorun.reporting.review.material import Material
from neurorun.reporting.review.moments import Judgement, Moment, judge
from neurorun.reporting.review.packing import Packed, pack
from neurorun.reporting.review.settings import thresholds_of
from neurorun.reporting.review.statements import statements
from neurorun.reporting.words import duration_in_words
from neurorun.runs import Run, file_stem

LARGEST_BYTES = 24_000_000
"""Limit of a page; it fits into a mail."""

SCRIPTS = (
    "codec", "track", "palette", "view", "layout", "traces", "events", "probability", "overview",
    "gestures", "keys", "list", "main",
)  # fmt: skip
"""Modules of the program, each after those that it uses."""

_PACKAGE = "neurorun.reporting.review"


def review_page_name(recording_id: str) -> str:
    """File name of a recording's page, beside which the list may be called ``index.html``.

    >>> review_page_name("a/b")
    'a%2Fb_review.html'
    """
    return f"{file_stem(recording_id)}_review.html"


def write_review(
    run: Run, material: Material, output: Path, *, largest_bytes: int = LARGEST_BYTES
) -> Path:
    """Write the review page of one recording and return where.

    Parameters
    ----------
    run : by which the recording was judged
    material : what is known of the recording
    output : the HTML file
    largest_bytes : its limit; a long recording is kept at full resolution only where it is of
        interest, and the page says where

    Raises
    ------
    DataError : the limit is too low for the recording
    MissingExtraError : Jinja2 is not installed
    """
    write_text(output, render_review(run, material, largest_bytes=largest_bytes))
    return output


def render_review(run: Run, material: Material, *, largest_bytes: int = LARGEST_BYTES) -> str:
    """The page as text; the same recording gives the same text."""
    judged = judge(material.reference, material.detected)
    shell = _render(run, material, judged, Packed())
    room_bytes = largest_bytes - len(shell.encode()) - 1024
    if room_bytes <= 0:
        raise DataError(
            f"A review page of at most {largest_bytes:,} bytes has no room for any EEG of "
            f"'{material.recording_id}'; allow at least {len(shell) + 1_000_000:,}."
        )
    events = [moment.event for moment in judged.moments]
    return _render(run, material, judged, pack(material, events, room_bytes=room_bytes))


def _render(run: Run, material: Material, judged: Judgement, packed: Packed) -> str:
    script = program()
    page: str = template("review.html.jinja").render(
        run=run,
        material=material,
        judged=judged,
        thresholds=thresholds_of(run),
        summary=to_json(summary_of(material, judged)),
        statements=statements(run, material, judged, packed.contents),
        script=script,
        script_hash=_hash_of(script),
        **embed_style(),
        facts=embedded_json(_facts(run, material, judged) | packed.contents),
        payload=packed.payload,
    )
    return page


def summary_of(material: Material, judged: Judgement) -> dict[str, Any]:
    """What an index tells of a page, kept in the head of the page."""
    return {
        "recording_id": material.recording_id,
        "patient": material.patient,
        "duration_s": material.duration_s,
        "words": judged.in_words,
        "faults": judged.count("missed") + judged.count("false alarm"),
    }


def _facts(run: Run, material: Material, judged: Judgement) -> dict[str, Any]:
    """What the program of the page knows beside the arrays."""
    return {
        "recording_id": material.recording_id,
        "duration_s": material.duration_s,
        "gaps": material.gaps,
        "reference": [_event(one) for one in judged.reference],
        "detected": [_event(one) for one in judged.detected],
        "moments": [_event(one) for one in judged.moments],
        "thresholds": thresholds_of(run),
    }


def _event(moment: Moment) -> dict[str, Any]:
    event = moment.event
    return {
        "kind": moment.kind,
        "onset_s": event.onset_s,
        "offset_s": event.offset_s,
        "label": event.label,
        "confidence": event.confidence,
    }


def embedded_json(value: Any) -> str:
    r"""JSON that may stand in a script element, whatever names are in it.

    >>> embedded_json({"name": "</script>"})
    '{"name": "\\u003c/script>"}'
    """
    return to_json(value).replace("<", "\\u003c").replace("\u2028", "\\u2028")


def program() -> str:
    """The program of the page: its modules in one scope, which nothing else can enter."""
    modules = "\n".join(_text(f"{name}.js") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{modules}}})();\n'


def embed_style() -> dict[str, str]:
    """The style sheet and its hash, as the templates want them."""
    style = _text("review.css")
    return {"style": style, "style_hash": _hash_of(style)}


def _text(name: str) -> str:
    return (resources.files(_PACKAGE) / "templates" / name).read_text(encoding="utf-8")


def _hash_of(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def template(name: str) -> Any:
    """A template of this room, in which every value is escaped.

    Raises
    ------
    MissingExtraError : Jinja2 is not installed
    """
    jinja2 = require("jinja2", extra="report")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = duration_in_words
    return environment.get_template(name)
