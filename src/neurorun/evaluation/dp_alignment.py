"""Alignment of label sequences (DPALIGN): the edits that turn one list of labels into the other.

Equal to NEDC EEG Eval 6.0.0. Only the order of labels counts, no times: two lists of a seizure each
agree fully, however far apart the seizures are. Insertions, deletions and substitutions cost 1; of
equally cheap alignments the original takes, from the end, a substitution or match before an
insertion before a deletion, and so does this.

References
----------
.. [1] Shah, Golmohammadi, Obeid, Picone, "Objective evaluation metrics for automatic classification
   of EEG events", in Biomedical Signal Processing, Springer, 2021, section 3.4.
.. [2] NEDC EEG Eval 6.0.0, ``nedc_eeg_eval_dpalign.py``.
.. [3] Ukkonen, "Algorithms for approximate string matching", Information and Control 64, 1985: the
   band in which all cheapest alignments lie.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int64

from neurorun.evaluation.counts import AlignmentCounts, empty_confusion
from neurorun.evaluation.method import ScoringMethod, register
from neurorun.evaluation.tiling import ScoringPair

Aligned = tuple[str | None, str | None]
"""A reference label and a detected label; None where one has no partner."""

_FIRST_BAND = 64
_SUBSTITUTION, _INSERTION, _DELETION = 0, 1, 2
_FAR = np.iinfo(np.int64).max // 2


def count_alignment(pair: ScoringPair) -> AlignmentCounts:
    """Align the labels of both sides and count matches, substitutions, insertions and deletions."""
    classes = pair.classes.names
    confusion = empty_confusion(classes)
    insertions, deletions = dict.fromkeys(classes, 0), dict.fromkeys(classes, 0)
    reference = [tile.label for tile in pair.reference_tiling]
    detected = [tile.label for tile in pair.detected_tiling]
    for annotated, proposed in align(reference, detected):
        if annotated is not None and proposed is not None:
            confusion[annotated][proposed] += 1
        elif annotated is not None:
            deletions[annotated] += 1
        elif proposed is not None:
            insertions[proposed] += 1
    return AlignmentCounts(confusion, insertions, deletions)


def align(reference: Sequence[str], detected: Sequence[str]) -> list[Aligned]:
    """Cheapest alignment of two label sequences, in order of time.

    >>> align(["bckg", "seiz", "bckg"], ["bckg"])
    [('bckg', None), ('seiz', None), ('bckg', 'bckg')]
    """
    n_equal = _n_equal_at_end(reference, detected)
    rows, columns = len(reference) - n_equal, len(detected) - n_equal
    tail: list[Aligned] = list(zip(reference[rows:], detected[columns:], strict=True))
    head = list(_backtrace(reference[:rows], detected[:columns]))
    return head[::-1] + tail


def _n_equal_at_end(reference: Sequence[str], detected: Sequence[str]) -> int:
    """Length of the common end: there a match is never dearer, so the backtrace takes it."""
    n = 0
    for annotated, proposed in zip(reversed(reference), reversed(detected), strict=False):
        if annotated != proposed:
            break
        n += 1
    return n


def _backtrace(reference: Sequence[str], detected: Sequence[str]) -> Iterator[Aligned]:
    """Pairs of the cheapest alignment, from the end."""
    i, j = len(reference), len(detected)
    edits = _Edits(reference, detected) if i and j else None
    while i or j:
        edit = edits.at(i, j) if edits and i and j else (_INSERTION if j else _DELETION)
        i -= edit != _INSERTION
        j -= edit != _DELETION
        yield (
            reference[i] if edit != _INSERTION else None,
            detected[j] if edit != _DELETION else None,
        )


class _Edits:
    """The last edit of the cheapest alignment of every two beginnings, within a band.

    Costs far from the diagonal are not needed: an alignment of cost ``c`` never leaves the band
    ``|i - j| <= c``. The band is doubled until the cost fits, so the result is exact, and long but
    similar sequences take little time and memory.
    """

    def __init__(self, reference: Sequence[str], detected: Sequence[str]) -> None:
        codes = {label: code for code, label in enumerate({*reference, *detected})}
        rows = np.array([codes[label] for label in reference], dtype=np.int64)
        columns = np.array([codes[label] for label in detected], dtype=np.int64)
        self._band = abs(len(rows) - len(columns)) + _FIRST_BAND
        cost = self._fill(rows, columns)
        while cost > self._band:
            self._band *= 2
            cost = self._fill(rows, columns)

    def at(self, i: int, j: int) -> int:
        """Last edit that aligns the first ``i`` with the first ``j`` labels, both at least 1."""
        return int(self._rows[i - 1][j - self._firsts[i - 1]])

    def _fill(
        self, rows: Int64[np.ndarray, " rows"], columns: Int64[np.ndarray, " columns"]
    ) -> int:
        """Edits of every row of the table; returns the cost of aligning everything."""
        self._rows: list[np.ndarray] = []
        self._firsts: list[int] = []
        above = np.arange(len(columns) + 1, dtype=np.int64)
        for i, code in enumerate(rows, start=1):
            first, last = max(1, i - self._band), min(len(columns), i + self._band)
            row = np.full(len(columns) + 1, _FAR, dtype=np.int64)
            row[0] = i
            diagonal = above[first - 1 : last] + (columns[first - 1 : last] != code)
            best = np.minimum(diagonal, above[first : last + 1] + 1)
            row[first : last + 1] = _with_insertions(best, row[first - 1])
            cost = row[first : last + 1]
            inserted = row[first - 1 : last] + 1
            edit = np.where(cost == inserted, _INSERTION, _DELETION)
            self._rows.append(np.where(cost == diagonal, _SUBSTITUTION, edit).astype(np.int8))
            self._firsts.append(first)
            above = row
        return int(above[-1])


def _with_insertions(
    best: Int64[np.ndarray, " band"], left: np.int64
) -> Int64[np.ndarray, " band"]:
    """Costs of a row when each may also be its left neighbour's plus one."""
    steps = np.arange(1, len(best) + 1)
    return np.minimum(np.minimum.accumulate(best - steps), left) + steps


DP = register(
    ScoringMethod(
        name="dp",
        version="NEDC EEG Eval 6.0.0",
        definition="Edits between the sequences of labels, regardless of times (DPALIGN).",
        unit="events",
        count=count_alignment,
        undefined_is_zero=True,
        file_key="dp_alignment",
    )
)
