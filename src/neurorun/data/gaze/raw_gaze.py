"""Raw samples of an eye tracker, and the fixations in them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurorun.core import FormatError, read_json
from neurorun.data.gaze.fixations import Fixation

TRACKER_HZ = 33.0
DISPERSION = 80.0
SHORTEST_S = 0.1
_ROUNDING_S = 1e-9


@dataclass(frozen=True, slots=True)
class GazePoint:
    """One sample of the eye tracker.

    Parameters
    ----------
    timestamp : wall clock, Unix seconds
    x_s, y : on the EEG page: seconds from the start of the recording, units of the plot; NaN off it
    channel : nearest trace as written, or None
    pixels : on the screen; NaN where not told
    """

    timestamp: float
    x_s: float
    y: float
    channel: str | None = None
    pixels: tuple[float, float] = (math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class GazePage:
    """What was recorded while one page of EEG was shown.

    Parameters
    ----------
    onset_s, shown_s : where the page begins in the recording, and how much it shows
    points : in order of time; may be empty
    """

    onset_s: float
    shown_s: float
    points: tuple[GazePoint, ...]


@dataclass(frozen=True, slots=True)
class RawGaze:
    """A session of raw gaze: pages as they were looked at, forwards or back."""

    path: Path
    pages: tuple[GazePage, ...]
    edf_file: str | None = None


def read_raw_gaze(path: Path | str) -> RawGaze:
    """Read a session of raw gaze; samples off the page, and old files of pixels only, are kept.

    Raises
    ------
    DataError : the file is absent or not JSON
    FormatError : it is no session of raw gaze
    """
    path = Path(path)
    content = read_json(path)
    pages = content.get("session") if isinstance(content, dict) else None
    if not isinstance(pages, list):
        raise FormatError(
            f"'{path}' has no list 'session' of pages with gaze_data; for fixations that were "
            "found already use read_fixations."
        )
    try:
        read = tuple(_page(page) for page in pages)
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(
            f"'{path}' holds a page of gaze that is not readable ({error!r}); a page needs "
            "time_window, time_window_start and gaze_data. Correct or delete it."
        ) from error
    return RawGaze(path, read, content.get("edf_file"))


def _page(page: dict[str, Any]) -> GazePage:
    points = tuple(_point(point) for point in page["gaze_data"])
    return GazePage(float(page["time_window_start"]), float(page["time_window"]), points)


def _point(point: dict[str, Any]) -> GazePoint:
    coords = point.get("coords") or {}
    raw = point.get("raw") or {"x": point.get("x"), "y": point.get("y")}
    return GazePoint(
        timestamp=float(point["timestamp"]),
        x_s=_number(coords.get("x")),
        y=_number(coords.get("y")),
        channel=point.get("channel"),
        pixels=(_number(raw.get("x")), _number(raw.get("y"))),
    )


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def find_fixations(
    points: Sequence[GazePoint],
    *,
    dispersion: float = DISPERSION,
    shortest_s: float = SHORTEST_S,
    tracker_hz: float = TRACKER_HZ,
) -> tuple[Fixation, ...]:
    """Find fixations by their dispersion [1]_, page by page.

    A group of ``int(shortest_s * tracker_hz)`` samples is grown while
    ``(max x - min x) + (max y - min y)`` stays at or below ``dispersion``; shorter ones are
    dropped, and the search goes on after the group either way. Horizontal and vertical units are
    added as they are (seconds and units of the plot), as the recorders of such files did: in
    practice only y counts. Samples off the page are left out beforehand.

    Parameters
    ----------
    points : of one page, in order of time
    dispersion : in units of the plot, > 0
    shortest_s : seconds between the first and the last sample of a fixation
    tracker_hz : samples per second

    References
    ----------
    .. [1] Salvucci, Goldberg, "Identifying fixations and saccades in eye-tracking protocols",
       ETRA 2000.

    Examples
    --------
    >>> still = [GazePoint(i / 33, 1.0, 200.0, "FP2") for i in range(7)]
    >>> [(f.x_s, f.channels, f.n_points) for f in find_fixations(still)]
    [(1.0, ('FP2',), 7)]
    """
    seen = [point for point in points if not (math.isnan(point.x_s) or math.isnan(point.y))]
    n_first = max(1, int(shortest_s * tracker_hz))
    found: list[Fixation] = []
    start = 0
    while start + n_first <= len(seen):
        stop = start + n_first
        if _spread(seen[start:stop]) > dispersion:
            start += 1
            continue
        stop = _grown(seen, start, stop, dispersion)
        group = seen[start:stop]
        if group[-1].timestamp - group[0].timestamp >= shortest_s - _ROUNDING_S:
            found.append(_fixation(group))
        start = stop
    return tuple(found)


def _grown(points: Sequence[GazePoint], start: int, stop: int, dispersion: float) -> int:
    """Where a group ends that begins with ``start`` to ``stop`` and grows while it is narrow."""
    xs = [point.x_s for point in points[start:stop]]
    ys = [point.y for point in points[start:stop]]
    low_x, high_x, low_y, high_y = min(xs), max(xs), min(ys), max(ys)
    while stop < len(points):
        x, y = points[stop].x_s, points[stop].y
        low_x, high_x, low_y, high_y = min(low_x, x), max(high_x, x), min(low_y, y), max(high_y, y)
        if (high_x - low_x) + (high_y - low_y) > dispersion:
            break
        stop += 1
    return stop


def _spread(points: Sequence[GazePoint]) -> float:
    xs, ys = [point.x_s for point in points], [point.y for point in points]
    return (max(xs) - min(xs)) + (max(ys) - min(ys))


def _fixation(group: Sequence[GazePoint]) -> Fixation:
    return Fixation(
        x_s=sum(point.x_s for point in group) / len(group),
        y=sum(point.y for point in group) / len(group),
        duration_s=group[-1].timestamp - group[0].timestamp,
        channels=tuple(dict.fromkeys(point.channel for point in group if point.channel)),
        n_points=len(group),
        started_at=group[0].timestamp,
    )
