"""From what a plan names to what is there: clips in the store, amplitudes, and what is missing."""

import logging
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from neurorun.core import DataError
from neurorun.simulation.source.amplitude import amplitudes
from neurorun.simulation.source.clip_file import ClipKey
from neurorun.simulation.source.config import MissingClips, MissingScale
from neurorun.simulation.source.plan import TARGET_RATIOS_DB, SourcePlan
from neurorun.simulation.source.store import SpikeStore

COMPATIBLE_SCALE_MV = 30.0
_NAMED = 3

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ResolvedPlan:
    """The rows of a plan that are used.

    Parameters
    ----------
    plan : these rows, every amplitude known
    row_ids : their numbers in the table
    places : position of the clip of each source in the store, -1 for none
    facts : what was found, in words, for the table before training
    missing : files that cannot be used, and how many rows name each
    """

    plan: SourcePlan
    row_ids: Int64[np.ndarray, " rows"]
    places: Int64[np.ndarray, "rows sources"]
    facts: dict[str, str]
    missing: dict[str, int]


def resolve_plan(
    plan: SourcePlan,
    row_ids: Int64[np.ndarray, " rows"],
    store: SpikeStore,
    *,
    leadfield: Float64[np.ndarray, "channels regions"],
    background: np.ndarray,
    missing_clips: MissingClips,
    missing_scale: MissingScale,
    source: Path,
) -> ResolvedPlan:
    """Look up every clip and fill in what the settings allow.

    Parameters
    ----------
    plan, row_ids : rows, and their numbers in the table
    store, leadfield, background : what there is
    missing_clips, missing_scale : what to do where something is missing
    source : the table, for messages

    Raises
    ------
    DataError : something is missing and may not be, or nothing is left
    """
    places, reasons, touched = _look_up(plan, store)
    n_touched, n_silent = int(touched.sum()), int((touched & (places < 0).all(axis=1)).sum())
    if reasons and missing_clips == "error":
        raise DataError(_complaint(source, reasons, n_touched, len(plan)))
    facts = {"rows": str(len(plan)), "rows that name a clip that cannot be used": str(n_touched)}
    for reason, count in reasons.items():
        logger.warning("%s: %d sources of '%s' are touched", reason, count, source)
    if missing_clips == "zeros" and n_touched:
        facts["of these without any source"] = str(n_silent)
    if missing_clips == "drop" and n_touched:
        kept = np.flatnonzero(~touched)
        if not len(kept):
            raise DataError(_complaint(source, reasons, n_touched, len(plan)))
        plan, row_ids, places = plan.rows(kept), row_ids[kept], places[kept]
        facts["rows left out"] = str(n_touched)
    plan, n_scales = _with_scales(
        plan,
        places,
        store,
        leadfield=leadfield,
        background=background,
        policy=missing_scale,
        source=source,
    )
    if n_scales:
        facts["amplitudes filled in"] = f"{n_scales} ({missing_scale})"
    return ResolvedPlan(plan, row_ids, places, facts, dict(reasons))


def _look_up(plan: SourcePlan, store: SpikeStore) -> tuple[np.ndarray, Counter[str], np.ndarray]:
    """Places of all clips, reasons of missing ones with their counts, and the rows touched."""
    keys = plan.clip_keys()
    unique, inverse = np.unique(keys, return_inverse=True)
    pairs = [clip_key(int(key)) for key in unique]
    of_key = np.array([store.place(pair) if pair else -1 for pair in pairs], np.int64)
    places = of_key[inverse.reshape(keys.shape)]
    lacking = (places < 0) & (keys >= 0)
    numbers, counts = np.unique(inverse.reshape(keys.shape)[lacking], return_counts=True)
    reasons: Counter[str] = Counter()
    for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        pair = pairs[number]
        assert pair is not None
        reasons[store.reason(pair)] += count
    return places, reasons, np.asarray(lacking.any(axis=1))


def clip_key(number: int) -> ClipKey | None:
    """Region and number of a clip from the one number of `SourcePlan.clip_keys`.

    >>> clip_key((7 << 31) + 3)
    (7, 3)
    """
    return None if number < 0 else (number >> 31, number & ((1 << 31) - 1))


def _complaint(source: Path, reasons: Counter[str], n_touched: int, n_rows: int) -> str:
    named = "; ".join(list(reasons)[:_NAMED])
    more = f" and {len(reasons) - _NAMED} more files" if len(reasons) > _NAMED else ""
    return (
        f"{n_touched} of {n_rows} rows of '{source}' name clips that cannot be used "
        f"({named}{more}); give these files, or set missing_clips to drop or "
        "zeros where some rows can do without."
    )


def _with_scales(
    plan: SourcePlan,
    places: np.ndarray,
    store: SpikeStore,
    *,
    leadfield: np.ndarray,
    background: np.ndarray,
    policy: MissingScale,
    source: Path,
) -> tuple[SourcePlan, int]:
    """Fill in amplitudes that a plan lacks, of sources that have a clip."""
    lacking = np.argwhere(np.isnan(plan.scales).any(axis=2) & (places >= 0))
    if not len(lacking):
        return plan, 0
    ratios_db = TARGET_RATIOS_DB.get(plan.n_options)
    if policy == "error" or (policy == "recompute" and ratios_db is None):
        raise DataError(
            f"{len(lacking)} sources of '{source}' have no amplitude, first in row "
            f"{lacking[0, 0]}: scale_ratio must be a positive number. Fill them in, or set "
            "missing_scale to recompute (for tables of 2 or 6 amplitudes) or compatible."
        )
    scales = plan.scales.copy()
    for row, place in lacking.tolist():
        unknown = np.isnan(scales[row, place])
        found = np.full(plan.n_options, COMPATIBLE_SCALE_MV)
        if policy == "recompute":
            stored = int(places[row, place])
            found = amplitudes(
                store.clips[stored],
                background[stored],
                leadfield,
                centre=int(plan.centres[row, place]),
                patch=plan.patch(row, place),
                ratios_db=ratios_db or (),
            )
        scales[row, place, unknown] = found[unknown]
    return replace(plan, scales=scales), len(lacking)
