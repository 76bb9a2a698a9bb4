"""Spans of samples ``[first, stop)``: the run-length form of a mask.

A day at 256 Hz is 22 million samples but a few thousand spans, so everything after the threshold
is arithmetic on spans. A set of spans is an int64 array ``(spans, 2)``, sorted, not empty, never
touching; it stands for one mask of ``n_samples``.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64


@dataclass(frozen=True, slots=True)
class LengthRule:
    """Spans shorter than a least length change their value; where they lie decides which length.

    Opening, closing, the minimum duration and merging are all of this form: opening takes away
    short detected spans, closing fills short pauses.

    Parameters
    ----------
    detected : whether the rule looks at detected spans, or at the pauses between them
    inner : least length in samples of a span with neighbours on both sides
    border : least length of a span that begins or ends with the mask, at most ``inner``
    whole : least length of a span that fills the mask, at most ``border``
    """

    detected: bool
    inner: int
    border: int
    whole: int


def spans_of(
    mask: Bool[np.ndarray, " cells"], starts: Int64[np.ndarray, " edges"] | None = None
) -> Int64[np.ndarray, "_ 2"]:
    """Find the spans in which a mask is true.

    Parameters
    ----------
    mask : one value per cell, at least one
    starts : first sample of every cell, and the number of samples at the end; None if every cell
        is one sample

    Examples
    --------
    >>> spans_of(np.array([True, False, True, True])).tolist()
    [[0, 1], [2, 4]]
    >>> spans_of(np.array([False, True]), np.array([0, 10, 25])).tolist()
    [[10, 25]]
    """
    flips = np.flatnonzero(mask[1:] != mask[:-1]) + 1
    edges = np.concatenate((np.zeros(int(mask[0]), np.int64), flips))
    if mask[-1]:
        edges = np.append(edges, mask.size)
    return (edges if starts is None else starts[edges]).astype(np.int64, copy=False).reshape(-1, 2)


def complement(spans: Int64[np.ndarray, "_ 2"], n_samples: int) -> Int64[np.ndarray, "_ 2"]:
    """Find the pauses before, between and after the spans of a mask.

    >>> complement(np.array([[0, 1], [2, 4]]), 6).tolist()
    [[1, 2], [4, 6]]
    """
    pauses = np.concatenate(([0], spans.ravel(), [n_samples])).reshape(-1, 2)
    return pauses[pauses[:, 0] < pauses[:, 1]]


def apply_rule(
    spans: Int64[np.ndarray, "_ 2"], n_samples: int, rule: LengthRule
) -> Int64[np.ndarray, "_ 2"]:
    """Take away the detected spans, or fill the pauses, that are shorter than the rule allows.

    >>> spans = np.array([[5, 6], [8, 12]])
    >>> apply_rule(spans, 20, LengthRule(True, inner=3, border=2, whole=1)).tolist()
    [[8, 12]]
    >>> apply_rule(spans, 20, LengthRule(False, inner=3, border=2, whole=1)).tolist()
    [[5, 12]]
    """
    if rule.detected:
        return _long_enough(spans, n_samples, rule)
    return complement(_long_enough(complement(spans, n_samples), n_samples, rule), n_samples)


def _long_enough(
    spans: Int64[np.ndarray, "_ 2"], n_samples: int, rule: LengthRule
) -> Int64[np.ndarray, "_ 2"]:
    first, stop = spans.T
    n_borders = (first == 0).astype(np.int64) + (stop == n_samples)
    least = np.array([rule.inner, rule.border, rule.whole])[n_borders]
    return np.asarray(spans[stop - first >= least])


def mask_of(spans: Int64[np.ndarray, "_ 2"], n_samples: int) -> Bool[np.ndarray, " {n_samples}"]:
    """Write spans as one boolean per sample.

    >>> mask_of(np.array([[1, 3]]), 4).tolist()
    [False, True, True, False]
    """
    mask = np.zeros(n_samples, dtype=np.bool_)
    for first, stop in spans.tolist():
        mask[first:stop] = True
    return mask
