"""Fixations of a reader, in all forms in which they are found.

A file holds ``fixations``, or ``sessions`` with ``fixations`` each, or is a list of either. Where
in the EEG the eye rested is ``x`` alone, in seconds from the start of the recording;
``start_time`` and ``end_time`` are the clock on the wall.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurorun.core import FormatError, read_json

_NAME = re.compile(
    r"(?:fixations_)?(?P<recording>.+?)(?:_P(?P<part>\d+))?(?:_S(?P<window>\d+))?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Fixation:
    """A place at which a reader's eye rested.

    Parameters
    ----------
    x_s : seconds from the start of the recording
    y : vertical position on the page in units of the plot; NaN where not told
    duration_s : seconds for which it was looked at, >= 0
    channels : traces under the gaze as written, in order of first visit; may be empty
    n_points : samples of the eye tracker in it
    started_at : wall clock, Unix seconds; NaN where not told
    word : what was said meanwhile, or None
    """

    x_s: float
    y: float
    duration_s: float
    channels: tuple[str, ...] = ()
    n_points: int = 1
    started_at: float = math.nan
    word: str | None = None


@dataclass(frozen=True, slots=True)
class FixationFile:
    """What a fixation file holds.

    Parameters
    ----------
    path : of the file
    fixations : of all sessions, in order of the file; may be empty
    n_sessions, n_empty_sessions : how many there are, and how many hold no fixation
    edf_file : the recording as the file names it, or None
    n_left_out : entries without a position in time
    """

    path: Path
    fixations: tuple[Fixation, ...]
    n_sessions: int = 1
    n_empty_sessions: int = 0
    edf_file: str | None = None
    n_left_out: int = 0


@dataclass(frozen=True, slots=True)
class GazeName:
    """What the name of a gaze file tells.

    Parameters
    ----------
    recording : stem of the recording, lower case
    window : number of the window that the file belongs to, or None for the whole recording
    """

    recording: str
    window: int | None


def read_fixations(path: Path | str) -> FixationFile:
    """Read a file of fixations.

    ``channel`` may be a list, one name, or be called ``channels``; a missing one is no channel.
    Entries whose ``x`` is null are counted and left out.

    Raises
    ------
    DataError : the file is absent or not JSON
    FormatError : it holds no fixations in a form that is known, or a number is none
    """
    path = Path(path)
    content = read_json(path)
    sessions = list(_sessions(content, path))
    found: list[Fixation] = []
    n_entries = n_empty = 0
    for session in sessions:
        n_entries += len(session)
        n_empty += not session
        found += [
            _fixation(entry, path) for entry in session if entry.get("x", math.nan) is not None
        ]
    return FixationFile(
        path=path,
        fixations=tuple(found),
        n_sessions=len(sessions),
        n_empty_sessions=n_empty,
        edf_file=content.get("edf_file") if isinstance(content, dict) else None,
        n_left_out=n_entries - len(found),
    )


def _sessions(content: Any, path: Path) -> Iterator[list[dict[str, Any]]]:
    if isinstance(content, dict) and isinstance(content.get("sessions"), list):
        content = content["sessions"]
    elif isinstance(content, dict) and isinstance(content.get("fixations"), list):
        content = content["fixations"]
    if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in content):
        raise FormatError(
            f"'{path}' holds no fixations: a list of them, 'fixations' or 'sessions' is needed. "
            "For raw gaze samples use read_raw_gaze and find_fixations."
        )
    if content and all("fixations" in entry for entry in content):
        for entry in content:
            yield list(entry["fixations"] or ())
    else:
        yield content


def _fixation(entry: Mapping[str, Any], path: Path) -> Fixation:
    try:
        started = _number(entry.get("start_time"))
        duration = _number(entry.get("duration"))
        if math.isnan(duration):
            duration = _number(entry.get("end_time")) - started
        fixation = Fixation(
            x_s=float(entry["x"]),
            y=_number(entry.get("y")),
            duration_s=duration,
            channels=_channels(entry),
            n_points=int(entry.get("num_points") or 1),
            started_at=started,
            word=entry.get("word"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(_not_a_fixation(entry, path)) from error
    if not math.isfinite(fixation.x_s) or not 0 <= fixation.duration_s < math.inf:
        raise FormatError(_not_a_fixation(entry, path))
    return fixation


def _not_a_fixation(entry: Mapping[str, Any], path: Path) -> str:
    text = json.dumps(entry, default=str)[:200]
    return (
        f"'{path}' holds the fixation {text}; x in seconds and a duration (or start_time and "
        "end_time) are needed. Correct or delete the entry."
    )


def _channels(entry: Mapping[str, Any]) -> tuple[str, ...]:
    named = entry.get("channel", entry.get("channels"))
    if named is None:
        return ()
    if isinstance(named, str):
        named = [named]
    return tuple(str(name) for name in named if name)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def parse_gaze_name(name: str) -> GazeName:
    """What the name of a gaze file, or of a prepared window, tells.

    >>> parse_gaze_name("fixations_0000005.json"), parse_gaze_name("0000006_P0_S1.json")
    (GazeName(recording='0000005', window=None), GazeName(recording='0000006', window=1))
    """
    stem = name.removesuffix(".json").removesuffix(".npz")
    match = _NAME.fullmatch(stem)
    if match is None:
        return GazeName(stem.lower(), None)
    window = match["window"]
    return GazeName(match["recording"].lower(), None if window is None else int(window))


def find_gaze_files(folder: Path) -> dict[GazeName, Path]:
    """Gaze files of a folder by what their names tell; none where the folder is absent.

    Raises
    ------
    FormatError : two files are for the same window of the same recording
    """
    found: dict[GazeName, Path] = {}
    for path in sorted(folder.glob("*.json")):
        name = parse_gaze_name(path.name)
        if name in found:
            raise FormatError(
                f"'{found[name]}' and '{path}' are both for recording '{name.recording}'"
                + (f", window {name.window}" if name.window is not None else "")
                + "; one file is allowed. Move one of them away."
            )
        found[name] = path
    return found
