"""Prepared windows on disk: one NPZ each, mapped in place, with the names that earlier readers use.

``data`` (channels, samples) in microvolts and ``label`` (one-hot) are what earlier pipelines wrote;
the rest says what they left to convention.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64

from neurorun.core import atomic_write
from neurorun.data.abnormality.segments import PreparedWindow, WindowPlace
from neurorun.data.aligned_npz import (
    AlignedNpzWriter,
    Member,
    locate_members,
    map_once,
    read_member,
    state_of,
)

PIPELINE = "P0"


def window_id(recording_id: str, number: int) -> str:
    """Name of a window, as gaze files and attention maps use it.

    >>> window_id("0000006", 1)
    '0000006_P0_S1'
    """
    return f"{recording_id}_{PIPELINE}_S{number}"


@dataclass(frozen=True, slots=True)
class WindowRow:
    """A prepared window as the table of a cache lists it.

    Parameters
    ----------
    window_id, recording_id, patient : names
    label : 0 normal, 1 abnormal
    number, onset_s, n_valid : see `WindowPlace` and `PreparedWindow`
    file : its name in the folder of the cache
    flat, missing : channels without EEG, and channels that the recording lacks
    """

    window_id: str
    recording_id: str
    patient: str
    label: int
    number: int
    onset_s: float
    n_valid: int
    file: str
    flat: tuple[str, ...]
    missing: tuple[str, ...]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "WindowRow":
        """Build it from plain values."""
        lists = {key: tuple(values[key]) for key in ("flat", "missing")}
        return cls(**{**values, **lists})


def write_window(
    path: Path, prepared: PreparedWindow, place: WindowPlace, *, label: int, rate_hz: float
) -> None:
    """Write a window, whole or not at all."""
    with atomic_write(path) as stream:
        writer = AlignedNpzWriter(stream)
        writer.add("data", prepared.signal_uv)
        writer.add("label", np.eye(2, dtype=np.int64)[label])
        writer.add("center", prepared.center)
        writer.add("spread", prepared.spread)
        writer.add("channel_names", np.array(prepared.channels))
        writer.add("onset_s", np.array(place.onset_s))
        writer.add("n_valid", np.array(prepared.n_valid))
        writer.add("sampling_rate", np.array(rate_hz))
        writer.close()


class StoredWindow:
    """One window in its file; the signal is read when it is asked for.

    Raises
    ------
    FormatError : the file is no whole NPZ
    """

    def __init__(self, path: Path, row: WindowRow) -> None:
        self.path, self.row = path, row
        self._members: dict[str, Member] = locate_members(path)
        self._state = state_of(path)
        self._center = self._small("center")
        self._spread = self._small("spread")

    def _small(self, name: str) -> Float64[np.ndarray, " channels"]:
        return read_member(self.path, self._members[name])

    @property
    def shape(self) -> tuple[int, int]:
        """Channels and samples."""
        n_channels, n_samples = self._members["data"].shape
        return n_channels, n_samples

    @property
    def signal_uv(self) -> Float32[np.ndarray, "channels samples"]:
        """Microvolts, mapped read-only for as long as they are held."""
        return map_once(self.path, self._members["data"], self._state).array

    def standardized(
        self, out: Float32[np.ndarray, "channels samples"] | None = None
    ) -> Float32[np.ndarray, "channels samples"]:
        """Zero mean and unit deviation per channel over the recorded samples; padding is zero."""
        out = np.empty(self.shape, np.float32) if out is None else out
        np.subtract(self.signal_uv, self._center[:, None].astype(np.float32), out=out)
        out *= (1 / self._spread[:, None]).astype(np.float32)
        out[:, self.row.n_valid :] = 0
        return out
