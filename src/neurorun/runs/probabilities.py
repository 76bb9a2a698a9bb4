"""``predictions/``: what the model said about every scored recording, one file each.

Written only if the configuration asks for it: they allow other thresholds and other scores later,
without the model and without the recordings.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from neurorun.core import RunError
from neurorun.runs.by_recording import ByRecording
from neurorun.runs.headed_npz import (
    Arrays,
    HeadedFormat,
    Header,
    read_headed_npz,
    write_headed_npz,
)
from neurorun.runs.names import file_stem

PREDICTIONS_FOLDER = "predictions"
_FORMAT = HeadedFormat("neurorun-probabilities", 1, item="file of probabilities")


@dataclass(frozen=True, eq=False)
class Probabilities:
    """Predictions of one recording, before any threshold.

    Parameters
    ----------
    recording_id : the recording
    rate_hz : probabilities per second, > 0
    pieces : ``(onset_s, probabilities)`` of every stretch that was predicted, in order of time

    Raises
    ------
    RunError : the rate is not positive
    """

    recording_id: str
    rate_hz: float
    pieces: tuple[tuple[float, Float32[np.ndarray, " _"]], ...]

    def __post_init__(self) -> None:
        if not self.rate_hz > 0:
            raise RunError(
                f"Probabilities of '{self.recording_id}' have a rate of {self.rate_hz} Hz; it must "
                "be above 0. Give the samples per second of the prediction."
            )


def probabilities_path(recording_id: str) -> str:
    """Path of a recording's probabilities, relative to the run folder."""
    return f"{PREDICTIONS_FOLDER}/{file_stem(recording_id)}.npz"


def write_probabilities(folder: Path, probabilities: Probabilities) -> None:
    """Write the pieces one after the other, with their lengths and onsets; compressed.

    Members: ``header`` (JSON text), ``onset_s`` and ``n_samples`` (one per piece),
    ``probabilities`` (all pieces, float32).
    """
    header = {"recording_id": probabilities.recording_id, "rate_hz": probabilities.rate_hz}
    values = [values for _, values in probabilities.pieces]
    arrays = {
        "onset_s": np.array([onset_s for onset_s, _ in probabilities.pieces], dtype=np.float64),
        "n_samples": np.array([piece.size for piece in values], dtype=np.int64),
        "probabilities": np.concatenate([np.empty(0, np.float32), *values]),
    }
    path = folder / probabilities_path(probabilities.recording_id)
    write_headed_npz(path, _FORMAT, header, arrays)


def read_probabilities(path: Path) -> Probabilities:
    """Read the probabilities of one recording.

    Raises
    ------
    FormatError : the file is damaged, or of a version that we do not know
    """
    return read_headed_npz(path, _FORMAT, _probabilities)


def _probabilities(header: Header, arrays: Arrays) -> Probabilities:
    pieces = np.split(arrays["probabilities"], np.cumsum(arrays["n_samples"])[:-1])
    onsets_s = arrays["onset_s"].tolist()
    return Probabilities(
        header["recording_id"],
        header["rate_hz"],
        tuple(zip(onsets_s, pieces if onsets_s else [], strict=True)),
    )


def probabilities_of(folder: Path) -> ByRecording[Probabilities]:
    """Probabilities of a run by recording_id, each read when it is asked for."""
    return ByRecording(folder / PREDICTIONS_FOLDER, ".npz", read_probabilities)
