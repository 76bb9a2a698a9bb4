"""Clips: one second of the potentials of all regions, with one spike in the region they belong to.

On disk a clip is ``a{region}/nmm_{number}.mat``, samples by regions; here it is regions by samples.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from neurorun.core import ConfigError, DataError, FormatError
from neurorun.simulation.source.mat_file import load_mat

CLIP_PATH = "a{centre}/nmm_{clip}.mat"
CLIP_NAMES = ("data", "nmm_data", "nmm", "spike_data")
N_SAMPLES = 500
RATE_HZ = 500.0

REPLACED_COLUMNS = {7: 994, 325: 997, 921: 996, 949: 995}
"""Regions without vertices, and the nodes of the 998-node network that stand for them."""

ClipKey = tuple[int, int]
"""Region and number of a clip."""

ClipPath = str | Callable[[int, int], Path | str]
"""Template with ``{centre}`` and ``{clip}``, or a function of both, giving a file name."""


def clip_file(folder: Path, clip_path: ClipPath, key: ClipKey) -> Path:
    """File of a clip.

    >>> clip_file(Path("nmm_spikes"), CLIP_PATH, (7, 2)).as_posix()
    'nmm_spikes/a7/nmm_2.mat'
    """
    centre, clip = key
    if not isinstance(clip_path, str):
        return folder / clip_path(centre, clip)
    try:
        return folder / clip_path.format(centre=centre, clip=clip)
    except (KeyError, IndexError, ValueError) as error:
        raise ConfigError(
            f"clip_path is '{clip_path}'; it may use {{centre}} and {{clip}} only."
        ) from error


def find_clips(folder: Path, clip_path: str = CLIP_PATH) -> Mapping[ClipKey, Path]:
    """Find all clips of a folder, in natural order: nmm_2 before nmm_10.

    Raises
    ------
    DataError : the folder is absent or holds no clip
    """
    clip_file(folder, clip_path, (0, 1))
    pattern = re.escape(clip_path)
    for name in ("centre", "clip"):
        pattern = pattern.replace(re.escape(f"{{{name}}}"), f"(?P<{name}>\\d+)", 1)
    depth = clip_path.count("/")
    if not folder.is_dir():
        raise DataError(
            f"Folder '{folder}' does not exist; set nmm_spikes_dir to the folder that holds "
            "a0/nmm_1.mat and so on, or make one with 'neurorun simulate spikes'."
        )
    found: dict[ClipKey, Path] = {}
    for path in folder.glob("/".join(["*"] * (depth + 1))):
        match = re.fullmatch(pattern, path.relative_to(folder).as_posix())
        if match:
            found[int(match["centre"]), int(match["clip"])] = path
    if not found:
        raise DataError(
            f"Folder '{folder}' holds no clip named as '{clip_path}'; check nmm_spikes_dir and "
            "clip_path, or make clips with 'neurorun simulate spikes'."
        )
    return dict(sorted(found.items()))


def read_clip(
    path: Path, *, n_regions: int, n_samples: int = N_SAMPLES
) -> Float32[np.ndarray, "regions samples"]:
    """Read one clip.

    Parameters
    ----------
    path : the file; the matrix is called ``data``, ``nmm_data``, ``nmm`` or ``spike_data``
    n_regions : regions that it must have; 998 nodes become 994 regions as in the published mapping
    n_samples : a clip of another length is interpolated linearly over its whole length

    Raises
    ------
    DataError : the file is absent
    FormatError : it is damaged, holds no such matrix, one of another shape, or values that are not
        finite
    """
    fields = load_mat(path)
    name = next((name for name in CLIP_NAMES if name in fields), None)
    if name is None:
        raise FormatError(
            f"'{path}' holds {', '.join(sorted(fields)) or 'nothing'}; a clip is called "
            f"{', '.join(CLIP_NAMES)}. Rename the variable."
        )
    clip = _regions_by_samples(fields[name], f"'{name}' of '{path}'", n_regions)
    if not np.isfinite(clip).all():
        raise FormatError(f"'{path}' holds values that are not finite; simulate this clip again.")
    return _resampled(clip, n_samples)


def _regions_by_samples(matrix: Any, what: str, n_regions: int) -> np.ndarray:
    array = np.asarray(matrix)
    if array.ndim != 2 or array.dtype.kind not in "fiu" or min(array.shape) < 2:
        raise FormatError(
            f"{what} has the shape {array.shape} and type {array.dtype}; a clip is a real "
            "matrix of samples and regions."
        )
    n_nodes = max(REPLACED_COLUMNS.values()) + 1
    if array.shape[1] == n_regions:
        return array.T.astype(np.float32)
    if array.shape[1] == n_nodes and n_regions == n_nodes - len(REPLACED_COLUMNS):
        columns = np.arange(n_regions)
        columns[list(REPLACED_COLUMNS)] = list(REPLACED_COLUMNS.values())
        return array[:, columns].T.astype(np.float32)
    rows, columns_found = array.shape
    raise FormatError(
        f"{what} is {rows} x {columns_found}; samples x {n_regions} regions are needed. Give the "
        "clips that belong to the leadfield."
    )


def _resampled(clip: np.ndarray, n_samples: int) -> Float32[np.ndarray, "regions samples"]:
    """Interpolate linearly so that first and last sample stay; equal lengths are copied."""
    length = clip.shape[1]
    if length == n_samples:
        return np.ascontiguousarray(clip)
    place = np.linspace(0, length - 1, n_samples)
    before = np.minimum(place.astype(np.int64), length - 2)
    share = (place - before).astype(np.float32)
    return np.ascontiguousarray(clip[:, before] * (1 - share) + clip[:, before + 1] * share)
