"""A scoring method: its name, version and definition, beside the function that counts.

The table of methods is filled by the files of the methods; to add one, write its file and import it
in the room's ``__init__``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from neurorun.core import ScoringError, nearest_of
from neurorun.evaluation.counts import Counts
from neurorun.evaluation.tiling import ScoringPair


@dataclass(frozen=True, slots=True)
class ScoringMethod:
    """How events are compared, and whose definition it is.

    Parameters
    ----------
    name : short name, as in ``--method``
    version : program and version whose numbers these are
    definition : one sentence
    unit : what is counted: ``events``, ``samples of 0.25 s``, ...
    count : counts of one recording
    observed_time : whether false alarms are spread over the time with EEG only; published methods
        know no gaps and spread them over the whole recording
    mean_over_patients : whether its authors also average its rates over patients
    undefined_is_zero : whether its authors write a ratio without denominator as 0, as NEDC does
    file_key : its name in files of scores; without one, ``name`` with ``_`` for ``-``
    """

    name: str
    version: str
    definition: str
    unit: str
    count: Callable[[ScoringPair], Counts]
    observed_time: bool = False
    mean_over_patients: bool = False
    undefined_is_zero: bool = False
    file_key: str = ""

    @property
    def key(self) -> str:
        """Name in files of scores."""
        return self.file_key or self.name.replace("-", "_")


_methods: dict[str, ScoringMethod] = {}

METHODS: Mapping[str, ScoringMethod] = MappingProxyType(_methods)
"""Every scoring method by name."""


def register(method: ScoringMethod) -> ScoringMethod:
    """Enter a method into the table; its name must be new."""
    assert method.name not in _methods, f"two methods are named {method.name}"
    _methods[method.name] = method
    return method


def method_named(name: str) -> ScoringMethod:
    """Look a method up.

    Raises
    ------
    ScoringError : there is none of this name
    """
    if name not in METHODS:
        raise ScoringError(f"There is no scoring method '{name}'. {nearest_of(name, METHODS)}")
    return METHODS[name]
