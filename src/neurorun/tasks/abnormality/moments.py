"""The moments at which a model looked hardest, and pages of them for people to judge."""

from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Float32

from neurorun.data import Fixation, annotations_of, electrode_shares
from neurorun.runs import Cell, GazePage, GazeReview, SeenFixation
from neurorun.tasks.abnormality.predicting import Predictions, gaze_on_grid
from neurorun.tasks.abnormality.sections import AbnormalitySections

MOMENTS_PER_WINDOW = 5
PAGES_PER_WINDOW = 2
PAGE_S = 10.0
APART_S = 5.0
"""Moments of one window lie at least this far apart: neighbours are one moment."""


def hottest_moments(found: Predictions, sections: AbnormalitySections) -> list[Mapping[str, Cell]]:
    """List when and where attention is highest in every window, and what the reader did there."""
    table: list[Mapping[str, Cell]] = []
    for index, example in enumerate(found.examples):
        grid = found.grids[index]
        gaze, counts = gaze_on_grid(found.examples, index, sections)
        bin_s, row = sections.evaluation.bin_s, example.row
        marks = annotations_of(sections.data.data_dir, row.recording_id)
        for rank, (channel, place) in enumerate(_peaks(grid, bin_s), 1):
            onset_s = row.onset_s + place * bin_s
            table.append(
                {
                    "window": row.window_id,
                    "rank": rank,
                    "onset_s": onset_s,
                    "channel": sections.channels[channel],
                    "attention": float(grid[channel, place]),
                    "times_mean": float(grid[channel, place] / max(grid.mean(), 1e-12)),
                    "fixations_here": float(counts[channel, place]),
                    "fixations_then": float(counts[:, place].max()),
                    "gaze": float(gaze[channel, place]),
                    "annotated": ", ".join(
                        mark.label
                        for mark in marks
                        if mark.onset_s < onset_s + bin_s and onset_s < mark.offset_s
                    ),
                    "prob_abnormal": found.abnormal[index],
                }
            )
    return table


def _peaks(grid: np.ndarray, bin_s: float) -> Iterator[tuple[int, int]]:
    """Channel and bin of the highest cells, apart from each other in time."""
    left = grid.max(axis=0)
    apart = max(1, round(APART_S / bin_s))
    for _ in range(MOMENTS_PER_WINDOW):
        place = int(np.argmax(left))
        if not np.isfinite(left[place]):
            return
        yield int(np.argmax(grid[:, place])), place
        left[max(0, place - apart + 1) : place + apart] = -np.inf


def reviews(
    found: Predictions,
    attention_of: Mapping[int, Float32[np.ndarray, "channels samples"]],
    sections: AbnormalitySections,
) -> Iterator[GazeReview]:
    """Put pages of some windows together, one window at a time.

    Parameters
    ----------
    attention_of : maps at the rate of the EEG, by place of the window
    """
    for index, attention in attention_of.items():
        example, grid = found.examples[index], found.grids[index]
        row = example.row
        yield GazeReview(
            window_id=row.window_id,
            recording_id=row.recording_id,
            channels=sections.channels,
            rate_hz=sections.data.sampling_rate,
            bin_s=sections.evaluation.bin_s,
            onset_s=row.onset_s,
            true_label=row.label,
            prob_abnormal=found.abnormal[index],
            has_gaze=bool(found.examples.has_gaze[index]),
            attention=grid,
            gaze=gaze_on_grid(found.examples, index, sections)[0],
            fixations=tuple(_seen(fixation, sections) for fixation in example.fixations),
            pages=tuple(_pages(example.window.signal_uv, attention, grid, row.onset_s, sections)),
        )


def _seen(fixation: Fixation, sections: AbnormalitySections) -> SeenFixation:
    shares = np.zeros(len(sections.channels), np.float32)
    for name in fixation.channels:
        shares += electrode_shares(name, sections.channels, midline=sections.gaze.midline)
    rows = tuple(int(row) for row in np.flatnonzero(shares))
    return SeenFixation(fixation.x_s, fixation.duration_s, fixation.channels, rows)


def _pages(
    signal_uv: np.ndarray,
    attention: np.ndarray,
    grid: np.ndarray,
    onset_s: float,
    sections: AbnormalitySections,
) -> Iterator[GazePage]:
    """The pages with most attention, on whole multiples of a page."""
    rate, bin_s = sections.data.sampling_rate, sections.evaluation.bin_s
    n_bins = max(1, round(PAGE_S / bin_s))
    sums = [grid[:, first : first + n_bins].sum() for first in range(0, grid.shape[1], n_bins)]
    for page in sorted(np.argsort(sums)[::-1][:PAGES_PER_WINDOW].tolist()):
        first = round(page * n_bins * bin_s * rate)
        stop = min(round(first + PAGE_S * rate), signal_uv.shape[1])
        yield GazePage(
            onset_s + first / rate,
            np.ascontiguousarray(signal_uv[:, first:stop]),
            np.ascontiguousarray(attention[:, first:stop]),
        )
