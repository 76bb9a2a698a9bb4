"""``operating_points.json``: thresholds chosen on validation and then frozen.

``fa_curve.json`` holds the curves they were read from.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from neurorun.core import RunError
from neurorun.runs.document import Measured, read_document, write_document

OPERATING_POINTS = "operating_points.json"
FA_CURVE = "fa_curve.json"


@dataclass(frozen=True, slots=True)
class ChosenPoint:
    """The thresholds for one stated false-alarm rate.

    Parameters
    ----------
    metric : key of the sensitivity at this point, ``sensitivity_at_10fa``
    fa_rate : stated false alarms per 24 h
    reached : whether any threshold keeps the stated rate; if not, the numbers below are NaN
    tau_on, tau_off : thresholds of the hysteresis
    sensitivity : share of reference events found there, 0 to 1
    false_alarms_per_day : measured there, at most ``fa_rate``
    method : scoring method and version by which events were counted
    chosen_on : the split

    Raises
    ------
    RunError : the point is said to be reached but has no threshold, or the other way round
    """

    metric: str
    fa_rate: float
    reached: bool
    tau_on: Measured
    tau_off: Measured
    sensitivity: Measured
    false_alarms_per_day: Measured
    method: str
    chosen_on: str = "validation"

    def __post_init__(self) -> None:
        if self.reached == math.isnan(self.tau_on):
            raise RunError(
                f"The operating point {self.metric} is {'' if self.reached else 'not '}reached and "
                f"has the threshold {self.tau_on}; only a reached point has one. Give NaN or the "
                "threshold."
            )


@dataclass(frozen=True, slots=True)
class FaCurve:
    """Sensitivity against false alarms over all thresholds, for one split and method.

    Parameters
    ----------
    thresholds : falling
    false_alarms_per_day, sensitivity : one number per threshold
    """

    split: str
    method: str
    thresholds: tuple[Measured, ...]
    false_alarms_per_day: tuple[Measured, ...]
    sensitivity: tuple[Measured, ...]

    def __post_init__(self) -> None:
        lengths = {len(self.thresholds), len(self.false_alarms_per_day), len(self.sensitivity)}
        if len(lengths) != 1:
            raise RunError(
                f"The curve of '{self.split}' has {len(self.thresholds)} thresholds, "
                f"{len(self.false_alarms_per_day)} rates and {len(self.sensitivity)} "
                "sensitivities; one of each per point is needed."
            )


def write_operating_points(folder: Path, points: Sequence[ChosenPoint]) -> None:
    """Write the thresholds, whole or not at all."""
    write_document(folder / OPERATING_POINTS, list(points))


def read_operating_points(folder: Path) -> tuple[ChosenPoint, ...]:
    """Read the thresholds.

    Raises
    ------
    DataError : absent or damaged
    """
    return read_document(
        folder / OPERATING_POINTS, TypeAdapter(tuple[ChosenPoint, ...]).validate_json
    )


def write_fa_curves(folder: Path, curves: Sequence[FaCurve]) -> None:
    """Write the curves, whole or not at all."""
    write_document(folder / FA_CURVE, list(curves))


def add_fa_curves(folder: Path, curves: Sequence[FaCurve]) -> None:
    """Write curves beside the others; one of the same split and method is replaced in place.

    Raises
    ------
    FormatError : what is there is damaged
    """
    there = read_fa_curves(folder) if (folder / FA_CURVE).exists() else ()
    by_origin = {(one.split, one.method): one for one in (*there, *curves)}
    write_fa_curves(folder, list(by_origin.values()))


def read_fa_curves(folder: Path) -> tuple[FaCurve, ...]:
    """Read the curves.

    Raises
    ------
    DataError : absent or damaged
    """
    return read_document(folder / FA_CURVE, TypeAdapter(tuple[FaCurve, ...]).validate_json)
