"""Pictures by which people judge an attention map: a page of EEG, a whole window, the head.

The scale of attention is stated in every picture, since maps rarely use all of [0, 1]; colours run
evenly from dark to light, never through a rainbow.
"""

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from neurorun.core import require
from neurorun.reporting.figures import FIRST, INK, QUIET, SECOND, style
from neurorun.runs import GazePage, GazeReview

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 90
_HEAT, _DARKEST = "YlOrBr", 0.62
_ROBUST = (0.5, 99.5)
_COLOURS = 96
_UV_PER_ROW = 120.0
_CIRCLE_PER_S = 900.0
_MOST_COLUMNS = 1500
_CLASSES = ("normal", "abnormal")


def draw_review_page(review: GazeReview, page: GazePage) -> "Figure":
    """Ten seconds as on a screen: traces with names, attention behind them, fixations as circles.

    Negative is up. Circles are as large as the eye rested long; they lie on every trace that shows
    what was looked at.
    """
    from matplotlib.figure import Figure

    n_channels, n_samples = page.signal_uv.shape
    duration_s = n_samples / review.rate_hz
    clock_s = page.onset_s + np.arange(n_samples) / review.rate_hz
    with style():
        figure = Figure(figsize=(10.5, 0.27 * n_channels + 1.2), layout="constrained")
        axis = figure.add_subplot()
        low, high = _robust_range(page.attention)
        heat = axis.imshow(
            page.attention,
            extent=(page.onset_s, page.onset_s + duration_s, n_channels - 0.5, -0.5),
            aspect="auto",
            cmap=_heat(),
            vmin=low,
            vmax=high,
            interpolation="nearest",
        )
        centred = page.signal_uv - np.median(page.signal_uv, axis=1, keepdims=True)
        for row, signal in enumerate(centred):
            axis.plot(clock_s, row + signal / _UV_PER_ROW, color=INK, linewidth=0.6)
        _draw_fixations(axis, review, page.onset_s, page.onset_s + duration_s)
        _name_rows(axis, review.channels)
        axis.set_xlim(page.onset_s, page.onset_s + duration_s)
        axis.set_ylim(n_channels - 0.3, -1.2)
        axis.set_xlabel("seconds from the start of the recording")
        axis.set_title(f"{review.window_id}: {_verdict(review)}", fontsize=9)
        _scale_bar(axis, page.onset_s + duration_s)
        figure.colorbar(heat, ax=axis, pad=0.01, fraction=0.02, label="attention")
    return figure


def _draw_fixations(axis: "Axes", review: GazeReview, onset_s: float, offset_s: float) -> None:
    for fixation in review.fixations:
        if onset_s <= fixation.onset_s <= offset_s:
            axis.scatter(
                [fixation.onset_s] * len(fixation.rows),
                fixation.rows,
                s=_CIRCLE_PER_S * fixation.duration_s,
                facecolors="none",
                edgecolors=FIRST,
                linewidths=1.2,
            )


def _scale_bar(axis: "Axes", right_s: float) -> None:
    axis.plot([right_s - 1.2] * 2, [-1.05, -1.05 + 100 / _UV_PER_ROW], color=INK, linewidth=1.5)
    axis.text(right_s - 1.1, -0.62, "100 uV", fontsize=7, va="center")


def _name_rows(axis: "Axes", channels: Sequence[str]) -> None:
    axis.set_yticks(range(len(channels)), channels, fontsize=7)
    axis.tick_params(length=0)


def _robust_range(values: np.ndarray) -> tuple[float, float]:
    """Values between which colours run, so that one cell does not take them all."""
    low, high = (float(one) for one in np.percentile(values, _ROBUST))
    return (low, high) if high > low else (0.0, max(high, 1.0))


def _heat() -> Any:
    """From nearly white to orange: dark traces stay readable on all of it."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps[_HEAT](np.linspace(0, _DARKEST, 256)))


def _verdict(review: GazeReview) -> str:
    return (
        f"{_CLASSES[review.true_label]}, called abnormal with probability "
        f"{review.prob_abnormal:.2f}"
    )


def draw_window_strip(review: GazeReview) -> "Figure":
    """A whole window: attention over the reader's gaze, and the share of both in every second."""
    from matplotlib.figure import Figure

    n_channels = len(review.channels)
    maps: list[tuple[str, Float64[np.ndarray, "channels bins"]]] = [("attention", review.attention)]
    if review.has_gaze:
        maps.append(("gaze", review.gaze))
    extent = (review.onset_s, review.onset_s + review.duration_s, n_channels - 0.5, -0.5)
    with style():
        figure = Figure(figsize=(10.5, 2.1 * len(maps) + 1.3), layout="constrained")
        ratios = [2.1] * len(maps) + [1.0]
        axes = figure.subplots(len(maps) + 1, 1, sharex=True, height_ratios=ratios)
        for axis, (name, values) in zip(axes, maps, strict=False):
            low, high = _robust_range(values)
            shown = axis.imshow(
                _thinned(values),
                extent=extent,
                aspect="auto",
                cmap=_heat(),
                vmin=low,
                vmax=high,
                interpolation="nearest",
            )
            axis.set_yticks(range(0, n_channels, 3), review.channels[::3], fontsize=6)
            axis.set_title(name, fontsize=9)
            figure.colorbar(shown, ax=axis, pad=0.01, fraction=0.02)
        _draw_marginals(axes[-1], review)
        axes[-1].set_xlabel("seconds from the start of the recording")
    return figure


def _draw_marginals(axis: "Axes", review: GazeReview) -> None:
    n_bins = review.attention.shape[1]
    clock_s = review.onset_s + (np.arange(n_bins) + 0.5) * review.bin_s
    for name, values, colour in (
        ("attention", review.attention, SECOND),
        ("gaze", review.gaze, FIRST),
    ):
        over_time = values.mean(axis=0)
        if over_time.sum() > 0:
            axis.plot(clock_s, over_time / over_time.mean(), color=colour, lw=0.9, label=name)
    axis.axhline(1, color=QUIET, linewidth=0.6, linestyle=":")
    axis.set_title("all channels together, 1 is the mean", fontsize=9)
    axis.legend(fontsize=7, loc="upper right", ncols=2)


def _thinned(values: Float64[np.ndarray, "channels bins"]) -> Float64[np.ndarray, "channels shown"]:
    """Largest value per drawn column, where there are more columns than a screen has."""
    n_each = -(-values.shape[1] // _MOST_COLUMNS)
    padded = np.pad(values, ((0, 0), (0, -values.shape[1] % n_each)), mode="edge")
    largest: Float64[np.ndarray, "channels shown"] = padded.reshape(len(values), -1, n_each).max(
        axis=2
    )
    return largest


def electrode_values(
    channels: Sequence[str], values: Float64[np.ndarray, " channels"]
) -> dict[str, float]:
    """Mean of the channels that hold each electrode; electrodes in none have no value.

    >>> electrode_values(("C3-Cz", "Cz-C4"), np.array([1.0, 3.0]))
    {'C3': 1.0, 'Cz': 2.0, 'C4': 3.0}
    """
    found: dict[str, list[float]] = {}
    for channel, value in zip(channels, values.tolist(), strict=True):
        for electrode in channel.split("-"):
            found.setdefault(electrode, []).append(value)
    return {name: sum(some) / len(some) for name, some in found.items()}


def draw_topomap_pair(review: GazeReview) -> "Figure":
    """Attention and gaze over the head, means over the window.

    Derivations are given to both of their electrodes; ears and electrodes in no derivation (Fz
    and Pz in the TCP montage) are left out.

    Raises
    ------
    MissingExtraError : MNE is not installed
    """
    from matplotlib.figure import Figure

    mne = require("mne", extra="mne")
    maps = [("attention", review.attention)] + ([("gaze", review.gaze)] if review.has_gaze else [])
    with style(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure = Figure(figsize=(3.4 * len(maps), 3.2), layout="constrained")
        axes = np.atleast_1d(figure.subplots(1, len(maps)))
        for axis, (name, values) in zip(axes, maps, strict=True):
            positions, shown = _on_the_head(mne, review.channels, values.mean(axis=1))
            image, _ = mne.viz.plot_topomap(
                shown, positions, axes=axis, show=False, cmap=_heat(), contours=4, sensors=True
            )
            axis.set_title(name, fontsize=9)
            figure.colorbar(image, ax=axis, fraction=0.05)
    return figure


def _montage_of(mne: Any) -> str:
    """Name of the extended 10-20 positions, which MNE 1.13 changed."""
    newer = "colin27_1005"
    return newer if newer in mne.channels.get_builtin_montages() else "standard_1005"


def _on_the_head(
    mne: Any, channels: Sequence[str], values: Float64[np.ndarray, " channels"]
) -> tuple[Any, np.ndarray]:
    by_name = electrode_values(channels, values)
    positions = mne.channels.make_standard_montage(_montage_of(mne))
    known = positions.get_positions()["ch_pos"]
    names = [name for name in by_name if name in known and name not in ("A1", "A2", "EKG")]
    info = mne.create_info(names, 100.0, "eeg")
    info.set_montage(positions)
    return info, np.array([by_name[name] for name in names])


def png_of(figure: "Figure") -> bytes:
    """The bytes of a PNG file of few colours; the same figure gives the same."""
    pillow = require("PIL.Image", extra="report")
    stream, small = io.BytesIO(), io.BytesIO()
    with style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure.savefig(stream, format="png", dpi=DPI, facecolor="white")
    with pillow.open(stream) as image:
        image.convert("RGB").quantize(_COLOURS, dither=0).save(small, "PNG", optimize=True)
    return small.getvalue()


def review_pictures(review: GazeReview, *, topomap: bool = True) -> Mapping[str, tuple[bytes, str]]:
    """Every picture of a review: PNG and caption by name.

    Parameters
    ----------
    topomap : also draw the head, which needs MNE
    """
    name = review.window_id
    pictures = {
        f"{name}_strip": (
            png_of(draw_window_strip(review)),
            f"{name} as a whole: attention above{_gaze_below(review)}; {_verdict(review)}.",
        )
    }
    for number, page in enumerate(review.pages, 1):
        pictures[f"{name}_page_{number}"] = (
            png_of(draw_review_page(review, page)),
            f"{name} from {page.onset_s:g} s: EEG, negative up, with attention behind"
            + ("; circles: where the reader looked." if review.has_gaze else "."),
        )
    if topomap:
        pictures[f"{name}_head"] = (
            png_of(draw_topomap_pair(review)),
            f"{name}: mean over the window on the head.",
        )
    return pictures


def _gaze_below(review: GazeReview) -> str:
    return ", the reader's gaze below" if review.has_gaze else "; nobody's gaze was recorded"
