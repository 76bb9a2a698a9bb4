"""Seconds to samples and back, in one place, so that rounding is decided once."""

from neurorun.core.errors import DataError


def whole_samples(duration_s: float, rate_hz: float) -> int:
    """Count the samples of a duration that must be a whole number of them.

    Parameters
    ----------
    duration_s : seconds, > 0
    rate_hz : samples per second, > 0

    Raises
    ------
    DataError : the duration is not a whole number of samples (to 1e-6 of a sample)

    Examples
    --------
    >>> whole_samples(60, 256)
    15360
    """
    samples = duration_s * rate_hz
    nearest = round(samples)
    if nearest < 1 or abs(samples - nearest) > 1e-6:
        raise DataError(
            f"{duration_s:g} s at {rate_hz:g} Hz is {samples:g} samples; a positive whole number "
            "is needed. Choose a length that is a multiple of one sample."
        )
    return nearest


def nearest_sample(time_s: float, rate_hz: float) -> int:
    """Sample nearest to a time; a time half-way between two samples takes the later one.

    Masks are made with this rule on both ends: ``[onset_s, offset_s)`` covers the samples
    ``nearest_sample(onset_s)`` up to, not including, ``nearest_sample(offset_s)``.

    >>> nearest_sample(1.25, 2), nearest_sample(1.2, 2)
    (3, 2)
    """
    return int(time_s * rate_hz + 0.5) if time_s >= 0 else -int(-time_s * rate_hz + 0.5)
