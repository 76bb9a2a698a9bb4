"""``gaze_reviews/``: what a reader of the report needs to judge an attention map.

For some windows: the whole of it on a grid of seconds, and its most attended pages with their EEG,
the map at the rate of the EEG, and where the reader's eye rested. No substitute for the recording.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64

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

REVIEWS = "gaze_reviews"
_FORMAT = HeadedFormat("neurorun-gaze-review", 1, item="review")
SUFFIX = ".npz"


@dataclass(frozen=True, slots=True)
class SeenFixation:
    """Where the reader's eye rested.

    Parameters
    ----------
    onset_s : seconds from the start of the recording
    duration_s : of looking
    channels : names of the traces as the reader's file has them
    rows : places of the channels of the map that it falls on; may be empty
    """

    onset_s: float
    duration_s: float
    channels: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class GazePage:
    """Some seconds of a window as on a screen.

    Parameters
    ----------
    onset_s : from the start of the recording
    signal_uv : microvolts
    attention : on the same grid
    """

    onset_s: float
    signal_uv: Float32[np.ndarray, "channels samples"]
    attention: Float32[np.ndarray, "channels samples"]


@dataclass(frozen=True, eq=False)
class GazeReview:
    """One window for the eye.

    Parameters
    ----------
    window_id, recording_id : names
    channels : of all rows
    rate_hz, bin_s : samples per second of the pages; seconds per column of the grids
    onset_s : where the window begins in its recording
    true_label, prob_abnormal : class, and what the model said
    attention, gaze : on the coarse grid; gaze is all zero where ``has_gaze`` is false
    has_gaze : whether a reader's gaze was recorded
    fixations : in the window
    pages : the most attended first

    Raises
    ------
    RunError : the parts contradict each other
    """

    window_id: str
    recording_id: str
    channels: tuple[str, ...]
    rate_hz: float
    bin_s: float
    onset_s: float
    true_label: int
    prob_abnormal: float
    has_gaze: bool
    attention: Float64[np.ndarray, "channels bins"]
    gaze: Float64[np.ndarray, "channels bins"]
    fixations: tuple[SeenFixation, ...]
    pages: tuple[GazePage, ...]

    def __post_init__(self) -> None:
        n = len(self.channels)
        rows = {len(self.attention), len(self.gaze), *(len(page.signal_uv) for page in self.pages)}
        if rows != {n} or self.attention.shape != self.gaze.shape:
            raise RunError(
                f"The review of '{self.window_id}' has {n} channels, and maps of "
                f"{self.attention.shape} and {self.gaze.shape}; one row per channel in each is "
                "needed. Give the names of all rows."
            )

    @property
    def duration_s(self) -> float:
        """Seconds that the grids show."""
        return float(self.attention.shape[1] * self.bin_s)


def review_path(window_id: str) -> str:
    """Path of a review, relative to the run folder."""
    return f"{REVIEWS}/{file_stem(window_id)}{SUFFIX}"


_PLAIN = (
    "window_id", "recording_id", "channels", "rate_hz", "bin_s", "onset_s", "true_label",
    "prob_abnormal", "has_gaze",
)  # fmt: skip


def write_gaze_review(folder: Path, review: GazeReview) -> None:
    """Write a review, whole or not at all; ``np.load(..., allow_pickle=False)`` opens it."""
    header = {
        **{name: getattr(review, name) for name in _PLAIN},
        "fixations": [asdict(fixation) for fixation in review.fixations],
        "page_onsets_s": [page.onset_s for page in review.pages],
    }
    arrays = {"attention": review.attention, "gaze": review.gaze}
    for place, page in enumerate(review.pages):
        arrays[f"page_{place}_signal"] = page.signal_uv
        arrays[f"page_{place}_attention"] = page.attention
    write_headed_npz(folder / review_path(review.window_id), _FORMAT, header, arrays)


def read_gaze_review(path: Path) -> GazeReview:
    """Read one review.

    Raises
    ------
    FormatError : it is damaged, or of a version that we do not know
    """
    return read_headed_npz(path, _FORMAT, _review)


def _review(header: Header, arrays: Arrays) -> GazeReview:
    plain = {name: header[name] for name in _PLAIN}
    plain["channels"] = tuple(header["channels"])
    return GazeReview(
        **plain,
        attention=arrays["attention"],
        gaze=arrays["gaze"],
        fixations=tuple(
            SeenFixation(
                one["onset_s"], one["duration_s"], tuple(one["channels"]), tuple(one["rows"])
            )
            for one in header["fixations"]
        ),
        pages=tuple(
            GazePage(onset_s, arrays[f"page_{i}_signal"], arrays[f"page_{i}_attention"])
            for i, onset_s in enumerate(header["page_onsets_s"])
        ),
    )


def gaze_reviews_of(folder: Path) -> ByRecording[GazeReview]:
    """Reviews of a run by window, each read when it is asked for."""
    return ByRecording(folder / REVIEWS, SUFFIX, read_gaze_review)
