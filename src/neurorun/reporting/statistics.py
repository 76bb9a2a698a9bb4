"""What a comparison needs of the statistics that are handed over to it."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class Estimated(Protocol):
    """A value with its interval, NaN where there is none, and how much it rests on."""

    @property
    def value(self) -> float:
        """The value itself."""
        ...

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        ...

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        ...

    @property
    def n(self) -> int:
        """Groups, or trainings, that it rests on."""
        ...


@runtime_checkable
class Tested(Protocol):
    """A paired test of a difference."""

    @property
    def difference(self) -> float:
        """Second minus first."""
        ...

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        ...

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        ...

    @property
    def p_value(self) -> float:
        """Two-sided; NaN where there are not enough data."""
        ...

    @property
    def n_items(self) -> int:
        """Items that both were scored on."""
        ...

    @property
    def n_groups(self) -> int:
        """Groups of items."""
        ...

    @property
    def n_swaps(self) -> int:
        """Ways to swap that were tried."""
        ...

    @property
    def exact(self) -> bool:
        """Whether these are all there are."""
        ...


@runtime_checkable
class Pair(Protocol):
    """A test of two settings in one metric; the difference is second minus first."""

    @property
    def metric(self) -> str:
        """Name of the metric."""
        ...

    @property
    def first(self) -> str:
        """Letter of the first settings."""
        ...

    @property
    def second(self) -> str:
        """Letter of the second settings."""
        ...

    @property
    def test(self) -> Tested:
        """What was found."""
        ...

    @property
    def p_adjusted(self) -> float:
        """Adjusted for all tests of the comparison."""
        ...


@runtime_checkable
class Statistics(Protocol):
    """What was computed of a lineup; `neurorun.evaluation.SideBySide` is it."""

    @property
    def of_models(self) -> Mapping[str, Mapping[str, Estimated]]:
        """By run and metric, with an interval over groups of items."""
        ...

    @property
    def of_settings(self) -> Mapping[str, Mapping[str, Estimated]]:
        """By settings that were trained again, and metric: mean over trainings."""
        ...

    @property
    def pairs(self) -> Sequence[Pair]:
        """Tests of differences."""
        ...

    @property
    def untested(self) -> Mapping[str, str]:
        """Metrics without a test, with the reason."""
        ...

    @property
    def n_draws(self) -> int:
        """Draws behind an interval."""
        ...

    @property
    def level(self) -> float:
        """Share of them inside it."""
        ...
