"""``estimates/``: region activity of some examples, so that a report can draw it on the cortex.

One file per example holds what was true and what each method estimated, as a map over all regions
and as courses near each source. ``estimates/cortex.npz`` holds the surface to draw on, once.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int32, Int64

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

ESTIMATES = "estimates"
CORTEX = f"{ESTIMATES}/cortex.npz"
SUFFIX = "_estimate.npz"
_ESTIMATE = HeadedFormat("neurorun-estimate", 1, item="estimate")
_CORTEX = HeadedFormat("neurorun-cortex", 1, item="cortex")


@dataclass(frozen=True, eq=False)
class Cortex:
    """A surface of triangles, each of whose corners belongs to a region.

    Parameters
    ----------
    vertices_mm : right, front, top
    triangles : three vertices each, from 0
    region_of_vertex : from 0
    centre_mm : of the regions, on this surface

    Raises
    ------
    RunError : triangles or regions do not exist, or a place is not finite
    """

    vertices_mm: Float32[np.ndarray, "vertices 3"]
    triangles: Int32[np.ndarray, "triangles 3"]
    region_of_vertex: Int32[np.ndarray, " vertices"]
    centre_mm: Float32[np.ndarray, "regions 3"]

    def __post_init__(self) -> None:
        n_vertices, n_regions = len(self.vertices_mm), len(self.centre_mm)
        if not (_within(self.triangles, n_vertices) and _within(self.region_of_vertex, n_regions)):
            raise RunError(
                f"The cortex has {n_vertices} vertices and {n_regions} regions, but its triangles "
                "or its regions name others; numbers from 0 are needed. Check the surface."
            )
        if not (np.isfinite(self.vertices_mm).all() and np.isfinite(self.centre_mm).all()):
            raise RunError("The cortex holds places that are not finite; check the surface.")


def _within(numbers: Int32[np.ndarray, "*any"], limit: int) -> bool:
    return bool(numbers.size) and int(numbers.min()) >= 0 and int(numbers.max()) < limit


@dataclass(frozen=True, eq=False)
class MethodEstimate:
    """What one method made of an example.

    Parameters
    ----------
    method : the model, or a linear inverse
    strengths : largest deviation of every region from its mean in time
    at_centre, at_peak : course at the true centre, and where the estimate is strongest near it
    peaks : per source, the region of `at_peak`
    error_mm : distance of peak and centre, mean over sources
    """

    method: str
    strengths: Float32[np.ndarray, " regions"]
    at_centre: Float32[np.ndarray, "sources samples"]
    at_peak: Float32[np.ndarray, "sources samples"]
    peaks: Int64[np.ndarray, " sources"]
    error_mm: float


@dataclass(frozen=True, eq=False)
class KeptEstimate:
    """One example with its truth and every method's estimate.

    Parameters
    ----------
    example : its name
    snr_db : of its EEG
    rate_hz : samples per second of the courses
    centres : region of every source's centre
    active : regions that belong to a source
    strengths, at_centre : of the true activity
    methods : estimates, the model's first

    Raises
    ------
    RunError : the parts do not fit each other, or a value is not finite
    """

    example: str
    snr_db: float
    rate_hz: float
    centres: Int64[np.ndarray, " centres"]
    active: Int64[np.ndarray, " active"]
    strengths: Float32[np.ndarray, " regions"]
    at_centre: Float32[np.ndarray, "sources samples"]
    methods: tuple[MethodEstimate, ...]

    def __post_init__(self) -> None:
        shapes = {(self.strengths.shape, self.at_centre.shape)}
        shapes |= {(one.strengths.shape, one.at_centre.shape) for one in self.methods}
        if len(shapes) > 1 or len(self.centres) != len(self.at_centre) or not self.rate_hz > 0:
            raise RunError(
                f"The estimates of '{self.example}' have the shapes {sorted(shapes)} for "
                f"{len(self.centres)} sources at {self.rate_hz:g} Hz; one shape for all methods, "
                "one course per source and a rate above 0 are needed."
            )
        if not all(np.isfinite(part).all() for part in _numbers(self)):
            raise RunError(
                f"The estimates of '{self.example}' hold values that are not finite; only finite "
                "ones are allowed. Leave this example out."
            )


def _numbers(kept: KeptEstimate) -> list[np.ndarray]:
    of_methods = [
        part for one in kept.methods for part in (one.strengths, one.at_centre, one.at_peak)
    ]
    return [kept.strengths, kept.at_centre, *of_methods]


def estimate_path(example: str) -> str:
    """Path of an example's estimates, relative to the run folder.

    >>> estimate_path("row 3")
    'estimates/row 3_estimate.npz'
    """
    return f"{ESTIMATES}/{file_stem(example)}{SUFFIX}"


def write_estimate(folder: Path, kept: KeptEstimate) -> None:
    """Write one example, whole or not at all; ``np.load(..., allow_pickle=False)`` opens it."""
    header = {
        "example": kept.example,
        "snr_db": kept.snr_db,
        "rate_hz": kept.rate_hz,
        "methods": [one.method for one in kept.methods],
        "error_mm": [one.error_mm for one in kept.methods],
    }
    of_methods = {
        f"{name}_{place}": getattr(one, name)
        for place, one in enumerate(kept.methods)
        for name in _OF_METHOD
    }
    arrays = {name: getattr(kept, name) for name in _OF_EXAMPLE} | of_methods
    write_headed_npz(folder / estimate_path(kept.example), _ESTIMATE, header, arrays)


_OF_EXAMPLE = ("centres", "active", "strengths", "at_centre")
_OF_METHOD = ("strengths", "at_centre", "at_peak", "peaks")
_OF_CORTEX = ("vertices_mm", "triangles", "region_of_vertex", "centre_mm")


def read_estimate(path: Path) -> KeptEstimate:
    """Read one example.

    Raises
    ------
    FormatError : it is damaged, or of a version that we do not know
    """
    return read_headed_npz(path, _ESTIMATE, _estimate)


def _estimate(header: Header, arrays: Arrays) -> KeptEstimate:
    methods = enumerate(zip(header["methods"], header["error_mm"], strict=True))
    return KeptEstimate(
        example=header["example"],
        snr_db=header["snr_db"],
        rate_hz=header["rate_hz"],
        **{name: arrays[name] for name in _OF_EXAMPLE},
        methods=tuple(
            MethodEstimate(
                method=method,
                error_mm=error_mm,
                **{name: arrays[f"{name}_{place}"] for name in _OF_METHOD},
            )
            for place, (method, error_mm) in methods
        ),
    )


def write_cortex(folder: Path, cortex: Cortex) -> None:
    """Write the surface, whole or not at all."""
    arrays = {name: getattr(cortex, name) for name in _OF_CORTEX}
    write_headed_npz(folder / CORTEX, _CORTEX, {}, arrays)


def read_cortex(folder: Path) -> Cortex:
    """Read the surface.

    Raises
    ------
    FormatError : absent, damaged, or of a version that we do not know
    """
    return read_headed_npz(folder / CORTEX, _CORTEX, _cortex)


def _cortex(_: Header, arrays: Arrays) -> Cortex:
    return Cortex(**{name: arrays[name] for name in _OF_CORTEX})


def estimates_of(folder: Path) -> ByRecording[KeptEstimate]:
    """Estimates of a run by example, each read when it is asked for."""
    return ByRecording(folder / ESTIMATES, SUFFIX, read_estimate)
