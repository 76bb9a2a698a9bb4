"""Structural connectivity: how strongly and over which lengths nodes of the cortex are coupled."""

import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from neurorun.core import DataError, FormatError

_NAMES = ("weights", "tract_lengths", "centres")
_SUFFIXES = (".txt", ".txt.bz2", "")


@dataclass(frozen=True, eq=False)
class Connectivity:
    """Coupling between nodes.

    Parameters
    ----------
    weights : row i, column j: what node i receives of node j, >= 0
    length_mm : lengths of the tracts
    """

    weights: Float64[np.ndarray, "receiving sending"]
    length_mm: Float64[np.ndarray, "receiving sending"]

    def __post_init__(self) -> None:
        for name, matrix in (("weights", self.weights), ("tract lengths", self.length_mm)):
            if matrix.shape[0] != matrix.shape[1] or matrix.shape != self.weights.shape:
                raise FormatError(
                    f"The {name} are {matrix.shape[0]} x {matrix.shape[1]}; weights and lengths "
                    "must be square and of one size."
                )
            if not (np.isfinite(matrix).all() and (matrix >= 0).all()):
                raise FormatError(
                    f"The {name} hold values that are negative or not finite; 0 stands for nothing."
                )

    @property
    def n_nodes(self) -> int:
        """How many nodes there are."""
        return len(self.weights)


def load_connectivity(path: Path | str) -> Connectivity:
    """Read a zip file of The Virtual Brain with ``weights.txt`` and ``tract_lengths.txt``.

    Raises
    ------
    DataError : the file is absent
    FormatError : it is no zip file, or lacks one of the two, or they do not fit
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            weights, length_mm = (_matrix(archive, name, path) for name in _NAMES[:2])
    except FileNotFoundError as error:
        raise DataError(f"'{path}' does not exist; check the path.") from error
    except zipfile.BadZipFile as error:
        raise FormatError(
            f"'{path}' is not a zip file ({error}); give a connectivity of The Virtual Brain."
        ) from error
    return Connectivity(weights, length_mm)


def _matrix(archive: zipfile.ZipFile, name: str, path: Path) -> np.ndarray:
    member = next((m for m in archive.namelist() if Path(m).name == f"{name}.txt"), None)
    if member is None:
        raise FormatError(
            f"'{path}' holds {', '.join(sorted(archive.namelist()))}; {name}.txt is needed."
        )
    try:
        return np.loadtxt(BytesIO(archive.read(member)), dtype=np.float64, ndmin=2)
    except ValueError as error:
        raise FormatError(f"'{member}' of '{path}' is no table of numbers ({error}).") from error


def synthetic_connectivity(
    centre_mm: Float64[np.ndarray, "nodes 3"], *, seed: int, mean_input: float = 18.0
) -> Connectivity:
    """Coupling that falls off with distance, with a few long tracts; for demonstrations.

    Parameters
    ----------
    centre_mm : where the nodes lie
    seed : decides which pairs are coupled and how strongly
    mean_input : sum of the weights that each node receives; 17.9 on average in the
        998-node connectivity of The Virtual Brain, with which lone spikes arise
    """
    rng = np.random.default_rng([seed, 998])
    distance = np.linalg.norm(centre_mm[:, None] - centre_mm, axis=2)
    strength = np.exp(-distance / 20) * rng.lognormal(0, 0.5, distance.shape)
    far = rng.random(distance.shape) < 0.005
    strength = np.where(far, strength + 0.05, strength)
    np.fill_diagonal(strength, 0)
    strength[strength < 0.02] = 0
    strength *= mean_input / np.maximum(strength.sum(axis=1, keepdims=True), 1e-12)
    return Connectivity(strength, np.where(strength > 0, 1.2 * distance, 0))
