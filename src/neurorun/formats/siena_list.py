"""Seizure times of the Siena corpus: ``Seizures-list-PNxx.txt``, wall-clock times typed by hand.

The lists have typing errors. What can be read only one way is read: mixed separators, a blank
within the hour, a letter O for a zero. A seizure without registration times takes those of the
seizure before it. Where two times are given, the electrographic onset is taken, else the first.
One time is corrected by name, see `CORRECTIONS`. All this is noted; anything else is an error.

References
----------
.. [1] Detti, Vatti, Zabalo Manrique de Lara, "EEG Synchronization Analysis for Seizure
   Prediction", Processes 8, 2020; https://doi.org/10.13026/5d4a-j060
"""

import re
from dataclasses import dataclass
from datetime import time
from pathlib import Path

from neurorun.core import SEIZURE, Event, FormatError

CORRECTIONS = {("PN00-3.edf", "end", "19.29.29"): "18.29.29"}
"""Seizure 3 of PN00 would last 61 minutes in a recording that ends at 18.57.13; the patient's
other four last 54 to 74 s. Read as 18.29.29 it lasts 60 s [the published converters agree]."""

_DAY_S = 24 * 3600
_HEADING = re.compile(r"seizure\s+n\s*(\d+)\s*$", re.IGNORECASE)
_FILE = re.compile(r"file name:\s*(\S+)", re.IGNORECASE)
_REGISTRATION = re.compile(r"registration start time:\s*(.*)$", re.IGNORECASE)
_BORDER = re.compile(r"(?:seizure\s+)?(start|end) time:\s*(.*)$", re.IGNORECASE)
_CLOCK = re.compile(r"(?<!\d)(\d\s?\d|\d)[.:](\d\d)[.:](\d\d)(?!\d)")


@dataclass(frozen=True, slots=True)
class ListedSeizure:
    """One seizure as the list has it.

    Parameters
    ----------
    number : the list's own
    file_name : of the EDF file, as written
    registration : wall clock at which the recording began, by the list
    onset, offset : wall clock of the seizure
    notes : how the list had to be read, one sentence each
    """

    number: int
    file_name: str
    registration: time
    onset: time
    offset: time
    notes: tuple[str, ...] = ()

    def event(self, start: time | None = None) -> Event:
        """Seconds from the start of the recording; a seizure before it lies on the next day.

        Parameters
        ----------
        start : wall clock of the first sample where the recording itself tells it; it is
            trusted more than the list, which has it three hours early for PN14-3

        Examples
        --------
        >>> listed = ListedSeizure(1, "a.edf", time(23, 59), time(0, 1), time(0, 2))
        >>> listed.event()
        Event(onset_s=120.0, offset_s=180.0, label='seiz', confidence=None, channels=())
        """
        zero_s = _seconds(start if start is not None else self.registration)
        onset_s = (_seconds(self.onset) - zero_s) % _DAY_S
        duration_s = (_seconds(self.offset) - _seconds(self.onset)) % _DAY_S
        return Event(onset_s, onset_s + duration_s, SEIZURE)


def read_siena_list(path: Path) -> tuple[ListedSeizure, ...]:
    """Read all seizures of a patient.

    Parameters
    ----------
    path : ``Seizures-list-PNxx.txt``

    Raises
    ------
    FormatError : the file cannot be read, lists no seizure, or a time can be read no way or
        several ways
    """
    try:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise FormatError(f"'{path}' cannot be read: {error.strerror}. Check the path.") from error
    reader = _Reader(path)
    for line in map(str.strip, text.splitlines()):
        reader.take(line)
    seizures = reader.finish()
    if not seizures:
        raise FormatError(
            f"'{path}' lists no seizure; a Siena list has headings 'Seizure n 1'. Download it "
            "again."
        )
    return seizures


def same_recording(listed: str, actual: str) -> bool:
    """Whether a name in the list means a file, a letter O typed for a zero forgiven.

    >>> same_recording("PNO6-1.edf", "PN06-1.edf"), same_recording("PN01.edf", "PN01-1.edf")
    (True, False)
    """
    return _plain(listed) == _plain(actual)


def _plain(name: str) -> str:
    return name.strip().casefold().removesuffix(".edf").replace("o", "0")


def _seconds(clock: time) -> float:
    return float(clock.hour * 3600 + clock.minute * 60 + clock.second)


class _Reader:
    """Collects one seizure after the other; the file and its start carry over to the next."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seizures: list[ListedSeizure] = []
        self._number: int | None = None
        self._file_name = ""
        self._registration: time | None = None
        self._has_own_registration = False
        self._borders: dict[str, time] = {}
        self._notes: list[str] = []

    def take(self, line: str) -> None:
        if found := _HEADING.match(line):
            self._close()
            self._number = int(found[1])
        elif found := _FILE.match(line):
            if found[1] != self._file_name:
                self._file_name, self._registration = found[1], None
        elif found := _REGISTRATION.match(line):
            self._registration = self._clock(found[1], "registration")
            self._has_own_registration = True
        elif (found := _BORDER.match(line)) and self._number is not None:
            border = found[1].lower()
            self._borders[border] = self._clock(found[2], border)

    def finish(self) -> tuple[ListedSeizure, ...]:
        self._close()
        return tuple(self._seizures)

    def _close(self) -> None:
        if self._number is None:
            return
        if self._registration is None or set(self._borders) != {"start", "end"}:
            raise FormatError(
                f"'{self._path}', seizure {self._number}: file '{self._file_name}', registration "
                f"{self._registration}, times {sorted(self._borders)}; a file name, its "
                "registration start time, a seizure start and end are needed. Complete the list."
            )
        if not self._has_own_registration:
            self._notes.append("Registration time taken from the seizure before.")
        self._seizures.append(
            ListedSeizure(
                number=self._number,
                file_name=self._file_name,
                registration=self._registration,
                onset=self._borders["start"],
                offset=self._borders["end"],
                notes=tuple(self._notes),
            )
        )
        self._number, self._has_own_registration = None, False
        self._borders, self._notes = {}, []

    def _clock(self, text: str, what: str) -> time:
        clocks = list(_CLOCK.finditer(text))
        chosen = self._chosen(clocks, text, what)
        corrected = CORRECTIONS.get((self._file_name, what, chosen))
        if corrected is not None:
            self._notes.append(f"Seizure {what} {chosen} read as {corrected}, a known error.")
            chosen = corrected
        hour, minute, second = re.split(r"[.:]", chosen)
        try:
            return time(int(hour.replace(" ", "")), int(minute), int(second))
        except ValueError as error:
            raise FormatError(
                f"'{self._path}': {what} time '{text}' is no time of day ({error}). Correct it."
            ) from error

    def _chosen(self, clocks: list[re.Match[str]], text: str, what: str) -> str:
        if not clocks:
            raise FormatError(
                f"'{self._path}': cannot read a time from '{text}' ({what}); HH.MM.SS is "
                "expected. Correct it."
            )
        if len(clocks) == 1:
            return clocks[0][0]
        electric = re.search(r"\(electr", text, re.IGNORECASE)
        before = [clock for clock in clocks if electric and clock.end() <= electric.start()]
        chosen = before[-1][0] if before else clocks[0][0]
        self._notes.append(f"Of the {what} times '{text}', {chosen} is taken.")
        return chosen
