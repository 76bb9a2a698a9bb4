"""The signals that an EDF header describes: name, place in the data records, rate and scale.

A scale that cannot be known (physical minimum equal to maximum, digital minimum not below maximum)
is kept as the signal's ``problem`` and refused by whoever wants that signal; the others stay
readable.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from neurorun.core import FormatError
from neurorun.formats.edf_fields import (
    Field,
    FieldReader,
    is_decimal,
    unpadded,
    whole_number,
)
from neurorun.formats.edf_units import is_plain_unit, microvolts_per_unit

FormatName = Literal["EDF", "BDF"]
SignalKind = Literal["voltage", "other", "annotations", "status"]

WIDTHS = {
    "label": 16,
    "transducer": 80,
    "physical dimension": 8,
    "physical minimum": 8,
    "physical maximum": 8,
    "digital minimum": 8,
    "digital maximum": 8,
    "prefiltering": 80,
    "number of samples in each data record": 8,
    "reserved": 32,
}
"""Bytes of each field of a signal, in the order of the header."""

_LARGEST_LIMIT = 1e30
_STARTS = dict(zip(WIDTHS, itertools.accumulate(WIDTHS.values(), initial=0), strict=False))


@dataclass(frozen=True, slots=True)
class EdfSignal:
    """One signal of an EDF file, as its header describes it.

    Parameters
    ----------
    name : unique within the file: the label, from its second occurrence on with ``#2``, ``#3`` ...
    label, transducer, dimension, prefiltering : as written
    kind : ``voltage``, ``other`` unit, EDF+ ``annotations``, or the trigger ``status`` of BDF
    samples_per_record, first_in_record : its length and place, in samples, in each data record
    rate_hz : samples per second; 0 where the data records have no duration
    gain_uv, offset_uv : microvolts = gain * digital value + offset; NaN where unknown
    problem : why its values cannot be known; empty if they can
    notes : what was repaired or assumed about it, and remarks
    remarks : those of the notes that tell of nothing repaired or assumed
    """

    name: str
    label: str
    transducer: str
    dimension: str
    prefiltering: str
    kind: SignalKind
    samples_per_record: int
    first_in_record: int
    rate_hz: float
    gain_uv: float
    offset_uv: float
    problem: str = ""
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _SignalFields:
    """The fields of one signal: a header holds all labels first, then all of the next field."""

    reader: FieldReader
    index: int
    n_signals: int
    name: str = ""
    owner: str = ""

    def place(self, what: str) -> Field:
        first = 256 + _STARTS[what] * self.n_signals + self.index * WIDTHS[what]
        return Field(what, first, WIDTHS[what], self.owner)

    def text(self, what: str) -> str:
        width = WIDTHS[what]
        first = 256 + _STARTS[what] * self.n_signals + self.index * width
        text = unpadded(self.reader.raw[first : first + width])
        return text if text.isascii() else self.reader.text(self.place(what))

    def number(self, what: str) -> float:
        text = self.text(what)
        return float(text) if is_decimal(text) else self.reader.number(self.place(what))

    def whole(self, what: str) -> int:
        number = whole_number(self.text(what))
        return number if number is not None else self.reader.whole(self.place(what))


def read_signals(
    reader: FieldReader, n_signals: int, *, record_duration_s: Fraction, format_name: FormatName
) -> tuple[EdfSignal, ...]:
    """Read the description of every signal.

    Raises
    ------
    FormatError : a signal has no samples, so that the place of all others is doubtful, or there
        are signals but their data records have no duration
    """
    labels = [
        _SignalFields(reader, i, n_signals, owner=f" of signal {i + 1} ''").text("label")
        for i in range(n_signals)
    ]
    signals: list[EdfSignal] = []
    first = 0
    for i, name in enumerate(unique_names(labels)):
        own = FieldReader(reader.path, reader.raw)
        fields = _SignalFields(own, i, n_signals, name, f" of signal {i + 1} '{name}'")
        signal = _read_signal(
            fields,
            labels[i],
            first_in_record=first,
            record_duration_s=record_duration_s,
            format_name=format_name,
        )
        first += signal.samples_per_record
        signals.append(signal)
    _check_duration(reader, signals, record_duration_s)
    return tuple(signals)


def _read_signal(
    fields: _SignalFields,
    label: str,
    *,
    first_in_record: int,
    record_duration_s: Fraction,
    format_name: FormatName,
) -> EdfSignal:
    dimension = fields.text("physical dimension")
    kind = _kind(label, dimension, format_name)
    samples = _samples_per_record(fields)
    gain, offset, problem = _scale(fields) if kind == "voltage" else (math.nan, math.nan, "")
    unit_uv = microvolts_per_unit(dimension) or math.nan
    if kind == "voltage" and not is_plain_unit(dimension):
        fields.reader.notes.append(
            f"'{fields.name}' is in unit '{dimension}'; microvolts were assumed."
        )
    return EdfSignal(
        name=fields.name,
        label=label,
        transducer=fields.text("transducer"),
        dimension=dimension,
        prefiltering=fields.text("prefiltering"),
        kind=kind,
        samples_per_record=samples,
        first_in_record=first_in_record,
        rate_hz=_rate_hz(samples, record_duration_s),
        gain_uv=gain * unit_uv,
        offset_uv=offset * unit_uv,
        problem=problem,
        notes=tuple(fields.reader.notes),
        remarks=tuple(fields.reader.remarks),
    )


def _rate_hz(samples: int, record_duration_s: Fraction) -> float:
    """Samples per second, rounded once; 0 where the data records have no duration."""
    if record_duration_s.numerator <= 0:
        return 0.0
    return samples * record_duration_s.denominator / record_duration_s.numerator


def _kind(label: str, dimension: str, format_name: FormatName) -> SignalKind:
    if label.lower() in ("edf annotations", "bdf annotations"):
        return "annotations"
    if format_name == "BDF" and label.lower() == "status":
        return "status"
    return "other" if microvolts_per_unit(dimension) is None else "voltage"


def _samples_per_record(fields: _SignalFields) -> int:
    samples = fields.whole("number of samples in each data record")
    if samples < 1:
        raise FormatError(
            f"'{fields.reader.path}': signal {fields.index + 1} '{fields.name}' has {samples} "
            "samples in each data record; at least 1 is needed, since the place of every other "
            "signal depends on it. Export the file again."
        )
    return samples


def _scale(fields: _SignalFields) -> tuple[float, float, str]:
    """Units per digital step, offset, and why they cannot be known.

    Physical minimum above maximum is the legal way to store an inverted polarity. Digital minimum
    above maximum is forbidden: it may be an inversion or two swapped fields, and nothing in
    the file tells which, so it is refused rather than guessed.
    """
    try:
        low, high = fields.number("physical minimum"), fields.number("physical maximum")
        first, last = fields.whole("digital minimum"), fields.whole("digital maximum")
    except FormatError as error:
        return math.nan, math.nan, str(error)
    if max(abs(low), abs(high)) > _LARGEST_LIMIT:
        found = f"physical range is {low:g} to {high:g}; no voltage is that large"
    elif low == high:
        found = f"physical minimum and maximum are both {low:g}; they must differ"
    elif first >= last:
        found = f"digital minimum is {first}, its maximum {last}; the minimum must be smaller"
    else:
        gain = (high - low) / (last - first)
        return gain, low - first * gain, ""
    problem = (
        f"'{fields.reader.path}': the scale of channel '{fields.name}' is unknown, its {found}. "
        "Correct the header, or name the channels to read without this one."
    )
    return math.nan, math.nan, problem


def _check_duration(
    reader: FieldReader, signals: Sequence[EdfSignal], record_duration_s: Fraction
) -> None:
    ordinary = [signal.name for signal in signals if signal.kind != "annotations"]
    if record_duration_s < 0 or (record_duration_s == 0 and ordinary):
        raise FormatError(
            f"'{reader.path}': a data record lasts {float(record_duration_s):g} s; it must last "
            f"longer than 0 s, or the rate of its {len(ordinary)} signals is unknown. Export the "
            "file again."
        )


def unique_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Names of signals: the label, from its second occurrence on followed by ``#2``, ``#3`` ...

    A blank label becomes ``unnamed``.

    >>> unique_names(["T8-P8", "Fz-Cz", "T8-P8"])
    ('T8-P8', 'Fz-Cz', 'T8-P8#2')
    """
    names: dict[str, None] = {}
    for label in labels:
        base = name = label or "unnamed"
        n = 1
        while name in names:
            n += 1
            name = f"{base}#{n}"
        names[name] = None
    return tuple(names)
