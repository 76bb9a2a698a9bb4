"""Minimum-norm inverses with fixed orientations: MNE, dSPM, sLORETA and eLORETA.

All whiten the channels by the noise, give every region a prior variance, and shrink what the noise
would dominate. MNE, dSPM and sLORETA share one prior; dSPM divides the estimate by what noise alone
would give, sLORETA by what noise and activity together would. eLORETA finds the prior with which
single sources are localized without error.

References
----------
.. [1] Hämäläinen, Ilmoniemi, "Interpreting magnetic fields of the brain: minimum norm estimates",
   Medical & Biological Engineering & Computing 32, 1994.
.. [2] Dale et al., "Dynamic statistical parametric mapping", Neuron 26(1), 2000.
.. [3] Pascual-Marqui, "Standardized low-resolution brain electromagnetic tomography (sLORETA):
   technical details", Methods & Findings in Experimental & Clinical Pharmacology 24D, 2002.
.. [4] Pascual-Marqui, "Discrete, 3D distributed, linear imaging methods of electric neuronal
   activity. Part 1: exact, zero error localization", arXiv:0710.3341, 2007.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Float64

from neurorun.core import ScoringError
from neurorun.evaluation.inverse.covariance import whitener

InverseName = Literal["MNE", "dSPM", "sLORETA", "eLORETA"]
INVERSE_METHODS: tuple[InverseName, ...] = get_args(InverseName)
"""All methods, in the order in which they were published."""

_CONVERGED = 1e-6
_MOST_STEPS = 100


@dataclass(frozen=True, eq=False)
class LinearInverse:
    """A matrix from EEG to region activity.

    Parameters
    ----------
    method : what it was made by
    kernel : one row per region, zero where no channel sees it; the mean over channels of the EEG
        has no effect
    """

    method: InverseName
    kernel: Float64[np.ndarray, "regions channels"]

    def __call__(
        self, eeg: Float[np.ndarray, "*batch samples channels"]
    ) -> Float[np.ndarray, "*batch samples regions"]:
        """Estimate region activity, in the precision of the EEG.

        The scale is the method's own: MNE gives activity, the others numbers without a unit.

        Raises
        ------
        ScoringError : the EEG has other channels than the leadfield
        """
        if eeg.shape[-1] != self.kernel.shape[1]:
            raise ScoringError(
                f"The EEG has {eeg.shape[-1]} channels, the leadfield {self.kernel.shape[1]}; the "
                "same channels in the same order are needed."
            )
        found: Float[np.ndarray, "*batch samples regions"] = eeg @ self.kernel.T.astype(eeg.dtype)
        return found


def linear_inverse(
    leadfield: Float64[np.ndarray, "channels regions"],
    method: InverseName,
    *,
    snr_db: float,
    covariance: Float64[np.ndarray, "rows columns"] | None = None,
) -> LinearInverse:
    """Make an inverse for one leadfield and one noise.

    Parameters
    ----------
    leadfield : orientations are fixed, one column per region
    snr_db : power of the activity over that of the noise, in whitened channels; the
        regularization is one over the ratio
    covariance : of the noise over channels; None is white noise of variance 1

    Raises
    ------
    ScoringError : the noise covariance is unusable, or a leadfield is all zero

    Examples
    --------
    >>> inverse = linear_inverse(np.array([[1.0, 0.0], [0.0, 1.0]]), "MNE", snr_db=0.0)
    >>> np.round(inverse(np.array([[1.0, -1.0]])), 3).tolist()
    [[0.5, -0.5]]
    """
    n_channels = len(leadfield)
    noise = np.eye(n_channels) if covariance is None else covariance
    if noise.shape != (n_channels, n_channels):
        raise ScoringError(
            f"The noise covariance has shape {noise.shape}, the leadfield {n_channels} channels; "
            "one row and one column per channel are needed."
        )
    whitening = whitener(noise)
    gain = whitening @ leadfield
    if not np.isfinite(gain).all() or not gain.any():
        raise ScoringError(
            "The leadfield is all zero or not finite once the mean over channels is taken out; "
            "check the file that it was read from."
        )
    weakness = 10.0 ** (-snr_db / 10.0)
    prior = _exact_prior(gain, weakness) if method == "eLORETA" else _flat_prior(gain)
    kernel = _kernel(gain, prior, weakness, method) @ whitening
    kernel[~leadfield.any(axis=0)] = 0.0
    return LinearInverse(method, kernel)


def _flat_prior(gain: Float64[np.ndarray, "axes regions"]) -> Float64[np.ndarray, " regions"]:
    """The same variance for every region, such that the axes have a mean variance of 1."""
    n_axes, n_regions = gain.shape
    return np.full(n_regions, n_axes / np.sum(gain**2))


def _exact_prior(
    gain: Float64[np.ndarray, "axes regions"], weakness: float
) -> Float64[np.ndarray, " regions"]:
    """The variances of eLORETA: each is one over the root of what the others leave of its column.

    Raises
    ------
    ScoringError : they do not settle
    """
    n_axes = len(gain)
    prior = _flat_prior(gain)
    for _ in range(_MOST_STEPS):
        before = prior
        mixed = (gain * prior) @ gain.T + weakness * np.eye(n_axes)
        left = np.sum(gain * np.linalg.solve(mixed, gain), axis=0)
        with np.errstate(divide="ignore"):
            prior = np.where(left > 0, 1.0 / np.sqrt(left), 0.0)
        prior *= n_axes / np.sum(gain**2 * prior)
        if np.linalg.norm(prior - before) < _CONVERGED * np.linalg.norm(before):
            return prior
    raise ScoringError(
        f"The prior of eLORETA did not settle within {_MOST_STEPS} steps; raise the assumed noise "
        "(lower snr_db)."
    )


def _kernel(
    gain: Float64[np.ndarray, "axes regions"],
    prior: Float64[np.ndarray, " regions"],
    weakness: float,
    method: InverseName,
) -> Float64[np.ndarray, "regions axes"]:
    """Kernel for whitened channels."""
    spread = np.sqrt(prior)
    fields, strengths, leads = np.linalg.svd(gain * spread, full_matrices=False)
    shrunk = strengths / (strengths**2 + weakness)
    kernel: Float64[np.ndarray, "regions axes"] = spread[:, None] * (leads.T * shrunk) @ fields.T
    if method == "dSPM":
        kernel /= _norms(spread[:, None] * leads.T * shrunk)
    if method == "sLORETA":
        activity_and_noise = shrunk * np.sqrt(1.0 + strengths**2 / weakness)
        kernel /= _norms(spread[:, None] * leads.T * activity_and_noise)
    return kernel


def _norms(rows: Float64[np.ndarray, "regions axes"]) -> Float64[np.ndarray, "regions 1"]:
    """Length of every row; 1 for a row of zeros, which stays one."""
    found = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(found > 0, found, 1.0)
