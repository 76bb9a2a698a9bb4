"""The leadfield: what each channel sees of each region."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from neurorun.core import FormatError
from neurorun.simulation.source.mat_file import load_mat

LEADFIELD_NAMES = ("fwd", "forward", "leadfield", "L", "G")


def load_leadfield(
    path: Path | str, *, n_regions: int | None = None
) -> Float64[np.ndarray, "channels regions"]:
    """Read a leadfield in either orientation.

    Parameters
    ----------
    path : MATLAB or Octave file with a matrix ``fwd``, ``forward``, ``leadfield``, ``L`` or ``G``
    n_regions : regions it must have; None takes the longer side as regions

    Raises
    ------
    FormatError : no such matrix is in the file, no side has ``n_regions``, the matrix is square, or
        a value is not finite

    References
    ----------
    The names are those that published loaders look for.
    """
    fields = load_mat(path)
    name = next((name for name in LEADFIELD_NAMES if name in fields), None)
    if name is None:
        raise FormatError(
            f"'{path}' holds {', '.join(sorted(fields)) or 'nothing'}; a leadfield is called "
            f"{', '.join(LEADFIELD_NAMES)}. Rename the variable."
        )
    return oriented_leadfield(fields[name], f"'{name}' of '{path}'", n_regions=n_regions)


def oriented_leadfield(
    matrix: Any, what: str, *, n_regions: int | None = None
) -> Float64[np.ndarray, "channels regions"]:
    """Turn a matrix so that its columns are regions, and check it.

    Parameters
    ----------
    matrix : channels and regions, in either order
    what : what to call it in messages
    n_regions : regions it must have; None takes the longer side as regions

    Raises
    ------
    FormatError : it is no such matrix

    Examples
    --------
    >>> oriented_leadfield(np.zeros((994, 75)), "fwd").shape
    (75, 994)
    """
    array = np.asarray(matrix)
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise FormatError(
            f"{what} has the shape {array.shape} and type {array.dtype}; a leadfield is a real "
            "matrix of channels and regions."
        )
    rows, columns = array.shape
    expected = max(rows, columns) if n_regions is None else n_regions
    if rows == columns or expected not in (rows, columns):
        raise FormatError(
            f"{what} is {rows} x {columns}; one side, and only one, must have "
            f"{expected} regions. Give the leadfield that belongs to these regions."
        )
    if not np.isfinite(array).all():
        raise FormatError(
            f"{what} has {int((~np.isfinite(array)).sum())} values that are not finite; compute it "
            "again."
        )
    turned = array if columns == expected else array.T
    return np.ascontiguousarray(turned, dtype=np.float64)
