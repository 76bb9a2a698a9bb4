"""Seizure times of the CHB-MIT corpus: ``chbNN-summary.txt``, seconds from the start of each file.

Starts and ends are paired by position, because the numbers printed with them are not always
right: in ``chb09-summary.txt`` the second seizure of ``chb09_08`` ends as "Seizure 1". The clock
times are not read; ``24:22:17`` occurs among them.

References
----------
.. [1] Shoeb, "Application of Machine Learning to Epileptic Seizure Onset Detection and
   Treatment", MIT 2009; https://doi.org/10.13026/C2K01R
"""

import re
from pathlib import Path

from neurorun.core import SEIZURE, Event, FormatError

_FILE = re.compile(r"file name:\s*(\S.*?)\s*$", re.IGNORECASE)
_COUNT = re.compile(r"number of seizures in file:\s*(\d+)\s*$", re.IGNORECASE)
_TIME = re.compile(
    r"seizure(?:\s+\d+)?\s+(start|end) time:\s*(\d+(?:\.\d+)?)\s*(?:seconds|secs?)?\s*$",
    re.IGNORECASE,
)


def read_chb_mit_summary(path: Path) -> dict[str, tuple[Event, ...]]:
    """Read the seizures of every file that a summary names.

    Parameters
    ----------
    path : ``chbNN-summary.txt``

    Returns
    -------
    For each EDF name its seizures, an empty tuple where it has none

    Raises
    ------
    FormatError : the file cannot be read, a count and its times disagree, or a time is malformed
    """
    seizures: dict[str, tuple[Event, ...]] = {}
    for name, lines in _sections(path).items():
        seizures[name] = _seizures_of(path, name, lines)
    if not seizures:
        raise FormatError(
            f"'{path}' names no file; a CHB-MIT summary has lines 'File Name: chb01_01.edf'. "
            "Download it again."
        )
    return seizures


def _sections(path: Path) -> dict[str, list[str]]:
    try:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise FormatError(f"'{path}' cannot be read: {error.strerror}. Check the path.") from error
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if found := _FILE.match(line):
            name = found[1]
            if name in sections:
                raise FormatError(f"'{path}' describes '{name}' twice; keep one description.")
            lines = sections[name] = []
        else:
            lines.append(line)
    return sections


def _seizures_of(path: Path, name: str, lines: list[str]) -> tuple[Event, ...]:
    counts = [int(found[1]) for line in lines if (found := _COUNT.match(line))]
    times: dict[str, list[float]] = {"start": [], "end": []}
    for line in lines:
        if line.lower().startswith("seizure"):
            found = _TIME.match(line)
            if not found:
                raise FormatError(
                    f"'{path}', file '{name}': cannot read '{line}'; a line such as "
                    "'Seizure Start Time: 417 seconds' is expected. Correct it."
                )
            times[found[1].lower()].append(float(found[2]))
    if len(counts) != 1 or not counts[0] == len(times["start"]) == len(times["end"]):
        raise FormatError(
            f"'{path}', file '{name}': counts {counts} seizures, {len(times['start'])} start and "
            f"{len(times['end'])} end times; one count and as many of each are expected. "
            "Correct the summary."
        )
    return tuple(
        Event(onset_s, offset_s, SEIZURE)
        for onset_s, offset_s in zip(times["start"], times["end"], strict=True)
    )
