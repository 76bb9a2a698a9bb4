"""Noise at the channels: how strong it is, and what the stated ratio means.

All models take the power of the clean signal as its mean square over the second, offset included,
as published loaders do; the mean that is removed afterwards takes part of the signal away, so the
true ratio of what a model sees is measured for every example (`SourceExample.true_snr_db`).

========= ============================ ======================================================
model     noise                        ratio of powers before means are removed
========= ============================ ======================================================
global    white, equal in all channels the stated one, over all channels together
deepsif   white, by channel            3.01 dB above the stated one (half the power) [1]_
realistic recorded and white, by       the stated one in every channel
          channel
none      nothing                      infinite
========= ============================ ======================================================

References
----------
.. [1] Sun, Sohrabpour, Worrell, He, "Deep neural networks constrained by neural mass models improve
   electrophysiological source imaging of spatiotemporal brain dynamics", PNAS 119(31), 2022; the
   factor is that of the published loader ``SpikeEEGBuild``.
"""

from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32, Float64

from neurorun.core import FormatError
from neurorun.simulation.source.mat_file import load_mat

NoiseModel = Literal["global", "deepsif", "realistic", "none"]


def noise_power(
    eeg: Float[np.ndarray, "examples channels samples"],
    snr_db: Float64[np.ndarray, " examples"],
    model: NoiseModel,
) -> Float64[np.ndarray, "examples channels"]:
    """Power of the noise in each channel of some examples.

    Parameters
    ----------
    eeg : clean signals
    snr_db : stated levels
    model : which noise

    Examples
    --------
    >>> noise_power(np.full((1, 2, 10), 2.0), np.array([10.0]), "global").tolist()
    [[0.4, 0.4]]
    """
    if model == "none":
        return np.zeros(eeg.shape[:2])
    power = np.einsum("ect,ect->ec", eeg, eeg).astype(np.float64) / eeg.shape[2]
    if model == "global":
        power = np.repeat(power.mean(axis=1, keepdims=True), eeg.shape[1], axis=1)
    share = 0.5 if model == "deepsif" else 1.0
    return np.asarray(power * share * 10 ** (-snr_db[:, None] / 10), np.float64)


def load_recorded_noise(
    path: Path | str, *, n_channels: int, n_samples: int
) -> Float32[np.ndarray, "pieces channels samples"]:
    """Read recorded noise, each channel of each piece scaled to a mean square of 1.

    Parameters
    ----------
    path : file with ``data``, pieces x samples x channels
    n_channels, n_samples : that each piece must have

    Raises
    ------
    FormatError : the file holds something else, or a silent channel
    """
    stored = np.asarray(load_mat(path, ["data"]).get("data", 0.0))
    if stored.ndim != 3 or stored.shape[1:] != (n_samples, n_channels):
        raise FormatError(
            f"'{path}' holds data of shape {stored.shape}; pieces x {n_samples} samples x "
            f"{n_channels} channels are needed. Set realistic_noise_path to such a file."
        )
    pieces = np.ascontiguousarray(np.swapaxes(stored.astype(np.float64), 1, 2))
    power = np.mean(pieces**2, axis=2, keepdims=True)
    if not (power > 0).all():
        raise FormatError(
            f"'{path}' has a silent channel, which cannot be scaled; leave that piece out."
        )
    return np.asarray(pieces / np.sqrt(power), np.float32)
