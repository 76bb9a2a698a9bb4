"""A mean over patients and trainings at once: how far it would move with others of both.

Every training was scored on the same patients. Averaging over trainings first would leave out how
far seeds matter, averaging over patients first how far patients do; so both are drawn.

References
----------
.. [1] Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1(2), 2007: rows and columns
   of a table drawn independently; the interval is never too narrow for the mean of random effects
   of both, if there are many of each.
"""

import math

import numpy as np
from jaxtyping import Float64

from neurorun.core import ScoringError
from neurorun.evaluation.paired import LEVEL, N_DRAWS, Estimate


def mean_over_both(
    values: Float64[np.ndarray, "trainings patients"],
    *,
    rng: np.random.Generator,
    n_draws: int = N_DRAWS,
    level: float = LEVEL,
) -> Estimate:
    """Mean of a number of every training and patient, with an interval over draws of both [1]_.

    Patients for whom it is undefined in any training are left out.

    Parameters
    ----------
    values : one row per training, one column per patient; differences of two models, for example
    rng : decides the draws
    level : share of the draws inside the interval

    Returns
    -------
    Without two trainings and two patients the interval is NaN; ``n`` counts patients.

    Raises
    ------
    ScoringError : there are no values

    Examples
    --------
    >>> gains = np.array([[0.1, 0.3, 0.2], [0.2, 0.4, 0.1]])
    >>> one = mean_over_both(gains, rng=np.random.default_rng(0))
    >>> round(one.value, 3), one.low < one.value < one.high, one.n
    (0.217, True, 3)
    """
    if not values.size:
        raise ScoringError(
            f"{values.shape[0]} trainings and {values.shape[1]} patients have no mean; at least "
            "one of each is needed."
        )
    known = values[:, ~np.isnan(values).any(axis=0)]
    n_trainings, n_patients = known.shape
    mean = float(known.mean()) if known.size else math.nan
    if min(known.shape) < 2:
        return Estimate(mean, math.nan, math.nan, n_patients)
    trainings = rng.multinomial(n_trainings, [1 / n_trainings] * n_trainings, size=n_draws)
    patients = rng.multinomial(n_patients, [1 / n_patients] * n_patients, size=n_draws)
    drawn = ((trainings @ known) * patients).sum(axis=1) / known.size
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return Estimate(mean, low, high, n_patients)
