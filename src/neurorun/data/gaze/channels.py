"""The 22 channels of long clinical EEG windows, and which of them show what an electrode sees.

Two montages of 22 channels are in use: derivations of the TCP chains, and the signals of the NMT
files themselves (19 scalp electrodes, two ears, one ECG). A reader looks at electrodes; gaze is
brought to derivations by incidence.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float32

from neurorun.data.channel_names import canonical_name

GazeMontage = Literal["tcp", "referential"]
MidlineRule = Literal["neighbours", "drop"]

HEART = "EKG"
REFERENTIAL = (
    "Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2", "F7",
    "F8", "T3", "T4", "T5", "T6", "Fz", "Cz", "Pz", "A1", "A2", HEART,
)  # fmt: skip
"""Signals of the NMT files in the order that gaze maps use."""

TCP = (
    "Fp1-F7", "Fp1-F3", "Fp2-F4", "Fp2-F8", "F7-T3", "F3-C3", "F4-C4", "F8-T4", "A1-T3", "T3-C3",
    "C3-Cz", "Cz-C4", "C4-T4", "T4-A2", "T3-T5", "C3-P3", "C4-P4", "T4-T6", "T5-O1", "P3-O1",
    "P4-O2", "T6-O2",
)  # fmt: skip
"""The 22 derivations of the TCP montage; Fz and Pz are in none of them."""

_NEIGHBOURS = {"Fz": ("F3", "F4"), "Pz": ("P3", "P4")}
_CHANNELS: dict[GazeMontage, tuple[str, ...]] = {"tcp": TCP, "referential": REFERENTIAL}


def montage_22(montage: GazeMontage) -> tuple[str, ...]:
    """Names of the channels of a montage, in order.

    >>> montage_22("tcp")[0], montage_22("referential")[-1]
    ('Fp1-F7', 'EKG')
    """
    return _CHANNELS[montage]


def electrodes_of(channel: str) -> tuple[str, ...]:
    """Electrodes of a derivation, or the one of a signal.

    >>> electrodes_of("Fp1-F7"), electrodes_of("Cz")
    (('Fp1', 'F7'), ('Cz',))
    """
    return tuple(channel.split("-"))


def electrode_shares(
    electrode: str, channels: Sequence[str], *, midline: MidlineRule = "neighbours"
) -> Float32[np.ndarray, " channels"]:
    """How much of a look at an electrode falls on each channel.

    Every channel that holds the electrode gets 1. Fz and Pz, which no TCP derivation holds, give
    one half to the channels of each neighbour (F3 and F4, P3 and P4), or nothing.

    Parameters
    ----------
    electrode : name as a reader's file writes it, in any case; ECG and EKG are one
    channels : electrodes or derivations
    midline : what becomes of Fz and Pz where no channel holds them

    Returns
    -------
    Zeros where no channel shows the electrode

    Examples
    --------
    >>> shares = electrode_shares("FZ", TCP)
    >>> [(name, share) for name, share in zip(TCP, shares.tolist()) if share]
    [('Fp1-F3', 0.5), ('Fp2-F4', 0.5), ('F3-C3', 0.5), ('F4-C4', 0.5)]
    """
    name = canonical_name(electrode)
    shares = _incidence(name, channels)
    if not shares.any() and midline == "neighbours":
        for neighbour in _NEIGHBOURS.get(name, ()):
            shares += 0.5 * _incidence(neighbour, channels)
    return shares


def _incidence(name: str, channels: Sequence[str]) -> Float32[np.ndarray, " channels"]:
    return np.array([name in electrodes_of(channel) for channel in channels], np.float32)
