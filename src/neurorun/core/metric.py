"""What a metric is called, what it means, and which direction is better."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """A named number measured on one split.

    Parameters
    ----------
    name : the key in every file, log and configuration
    better : which direction is better
    unit : ``1`` for ratios, ``per 24 h``, ``s``, ...
    definition : one sentence with the scoring method and its version
    """

    name: str
    better: Literal["higher", "lower"]
    unit: str
    definition: str

    def improves(self, value: float, on: float | None) -> bool:
        """Whether ``value`` is strictly better; NaN never is, any number beats None.

        >>> Metric("auroc", "higher", "1", "").improves(0.9, on=0.8)
        True
        """
        if math.isnan(value):
            return False
        if on is None:
            return True
        return value > on if self.better == "higher" else value < on
