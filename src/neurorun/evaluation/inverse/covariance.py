"""What is known of the noise: its covariance over channels, and the axes that it leaves usable."""

import numpy as np
from jaxtyping import Float, Float64

from neurorun.core import ScoringError

_SMALLEST_SHARE = 1e-10
"""Variance of an axis, as a share of the largest, below which it holds no signal either."""


def noise_covariance(
    recorded: Float[np.ndarray, "samples channels"],
) -> Float64[np.ndarray, "channels channels"]:
    """Covariance over channels of recorded noise, around its mean in time.

    Parameters
    ----------
    recorded : noise without the activity that is looked for, in the unit of the EEG

    Raises
    ------
    ScoringError : fewer samples than channels, which cannot tell all axes apart

    Examples
    --------
    >>> noise_covariance(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    n_samples, n_channels = recorded.shape
    if n_samples <= n_channels:
        raise ScoringError(
            f"{n_samples} samples of noise from {n_channels} channels; more samples than channels "
            "are needed for a covariance. Give a longer recording."
        )
    deviation = recorded.astype(np.float64) - recorded.mean(axis=0, dtype=np.float64)
    found: Float64[np.ndarray, "channels channels"] = deviation.T @ deviation / (n_samples - 1)
    return found


def average_reference(n_channels: int) -> Float64[np.ndarray, "channels channels"]:
    """Matrix that takes the mean over channels from every sample.

    >>> average_reference(2).tolist()
    [[0.5, -0.5], [-0.5, 0.5]]
    """
    return np.eye(n_channels) - 1.0 / n_channels


def whitener(
    covariance: Float64[np.ndarray, "channels channels"],
) -> Float64[np.ndarray, "axes channels"]:
    """Matrix after which average-referenced noise has variance 1 on every axis, and nowhere else.

    Raises
    ------
    ScoringError : not symmetric or not finite, or no axis has any variance

    Examples
    --------
    >>> np.round(np.abs(whitener(np.diag([2.0, 2.0]))), 3).tolist()
    [[0.5, 0.5]]
    """
    if not (np.isfinite(covariance).all() and np.allclose(covariance, covariance.T)):
        raise ScoringError(
            f"The noise covariance of {len(covariance)} channels is not symmetric or not finite; "
            "give the covariance of recorded noise."
        )
    reference = average_reference(len(covariance))
    variances, axes = np.linalg.eigh(reference @ covariance @ reference)
    usable = variances > _SMALLEST_SHARE * max(float(variances[-1]), 0.0)
    if not usable.any():
        raise ScoringError(
            "The noise covariance holds no variance besides the mean over channels; give the "
            "covariance of recorded noise, or one of white noise."
        )
    found: Float64[np.ndarray, "axes channels"] = (
        axes[:, usable] / np.sqrt(variances[usable])
    ).T @ reference
    return found
