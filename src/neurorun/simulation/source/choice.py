"""Which rows of a source plan are used: subsets, and the division into train and validation."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int64

from neurorun.core import DataError
from neurorun.simulation.source.draws import row_keys, uniforms
from neurorun.simulation.source.plan import SourcePlan

Rows = Int64[np.ndarray, " rows"]
SubsetRule = Literal["stratified", "first"]
DivisionRule = Literal["patch_and_clip", "patch", "row"]

_SHARES = np.linspace(0.02, 0.6, 30)


def choose_rows(
    plan: SourcePlan, n_rows: int | None, *, rule: SubsetRule = "stratified", seed: int = 0
) -> Rows:
    """Choose rows of a plan, in increasing order.

    Parameters
    ----------
    plan : all rows
    n_rows : how many, > 0; None, or more than there are, takes all
    rule : ``first`` takes the first; ``stratified`` takes as many of every region at the centre of
        the first source as of any other, and within a region goes through patches and noise levels
    seed : decides which rows stand for their stratum

    Raises
    ------
    DataError : ``n_rows`` is not positive
    """
    if n_rows is not None and n_rows < 1:
        raise DataError(f"{n_rows} examples are asked for; give a number above 0, or none for all.")
    if n_rows is None or n_rows >= len(plan):
        return np.arange(len(plan))
    if rule == "first":
        return np.arange(n_rows)
    chance = uniforms(row_keys(seed, 0, np.arange(len(plan))), 1, stream=16)[:, 0]
    levels = np.unique(plan.snr_db, return_inverse=True)[1].reshape(-1)
    turn = (levels - plan.patch_groups()) % (int(levels.max()) + 1)
    within_region = _order_within(plan.centres[:, 0], turn.astype(np.float64), chance)
    order = np.lexsort((chance, within_region))
    return np.sort(order[:n_rows])


def _order_within(groups: np.ndarray, first: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Place of each row within its group, sorted by ``first`` and then by chance."""
    order = np.lexsort((chance, first, groups))
    sorted_groups = groups[order]
    starts = np.flatnonzero(np.r_[True, sorted_groups[1:] != sorted_groups[:-1]])
    lengths = np.diff(np.r_[starts, len(groups)])
    position = np.arange(len(groups)) - np.repeat(starts, lengths)
    rank = np.empty(len(groups), np.int64)
    rank[order] = position
    return rank


@dataclass(frozen=True, eq=False)
class Division:
    """Rows to train on and to validate on.

    Parameters
    ----------
    train, validation : rows, increasing, disjoint
    n_left_out : rows that belong to both sides and are used on neither
    """

    train: Int64[np.ndarray, " train"]
    validation: Int64[np.ndarray, " validation"]
    n_left_out: int


def divide_rows(
    plan: SourcePlan, share: float, *, rule: DivisionRule = "patch_and_clip", seed: int = 0
) -> Division:
    """Divide a plan so that nothing is on both sides.

    Parameters
    ----------
    plan : all rows
    share : of the rows that are used, for validation, in [0, 1)
    rule : ``patch_and_clip`` keeps every patch and every clip on one side; where rows tie all clips
        together, those that would be on both sides are left out. ``patch`` keeps patches on one
        side (clips are then on both), ``row`` nothing, as earlier programs did
    seed : decides which are held out

    Raises
    ------
    DataError : one side would be empty
    """
    if not share:
        return Division(np.arange(len(plan)), np.arange(0), 0)
    patches = plan.patch_groups()
    if rule == "row":
        validation = _closest(np.arange(len(plan)), share, seed)
    elif rule == "patch":
        validation = _closest(patches, share, seed)
    else:
        parts = _connected(plan, patches)
        validation = _closest(parts, share, seed)
        if not 0.5 * share <= validation.mean() <= 2 * share:
            return _with_rows_left_out(plan, patches, share, seed)
    return _checked(validation, ~validation, share)


def _checked(validation: np.ndarray, train: np.ndarray, share: float) -> Division:
    if not validation.any() or not train.any():
        raise DataError(
            f"A share of {share:g} of {len(validation)} rows cannot be held out for validation "
            "without patches or clips on both sides; set validation_by to patch or row, or "
            "val_split to 0."
        )
    n_left_out = int((~validation & ~train).sum())
    return Division(np.flatnonzero(train), np.flatnonzero(validation), n_left_out)


def _closest(groups: np.ndarray, share: float, seed: int) -> Bool[np.ndarray, " rows"]:
    """Take whole groups in random order as long as the share is not passed."""
    values, members, counts = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(uniforms(row_keys(seed, 1, np.arange(len(values))), 1, stream=16)[:, 0])
    wanted, taken = share * len(groups), 0
    chosen = np.zeros(len(values), np.bool_)
    for group in order.tolist():
        if taken + counts[group] <= max(wanted, 1):
            chosen[group] = True
            taken += counts[group]
    return np.asarray(chosen[members.reshape(-1)])


def _connected(plan: SourcePlan, patches: np.ndarray) -> np.ndarray:
    """Number of the part of each row: rows that share a patch or a clip are in one part."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    keys = plan.clip_keys()
    names, numbers = np.unique(keys, return_inverse=True)
    numbers = numbers.reshape(keys.shape) + int(patches.max()) + 1
    row, source = np.nonzero(keys >= 0)
    size = int(patches.max()) + 1 + len(names)
    links = (np.ones(len(row)), (patches[row], numbers[row, source]))
    _, part = connected_components(coo_array(links, shape=(size, size)), directed=False)
    return np.asarray(part[patches])


def _with_rows_left_out(plan: SourcePlan, patches: np.ndarray, share: float, seed: int) -> Division:
    """Hold out a share of the clips and of the patches, chosen so that most rows can be used."""
    keys = plan.clip_keys()
    _, clip = np.unique(keys, return_inverse=True)
    clip = clip.reshape(keys.shape)
    chance = uniforms(row_keys(seed, 2, np.arange(clip.max() + 1)), 1, stream=16)[:, 0]
    present = keys >= 0
    highest = np.where(present, chance[clip], -1).max(axis=1)
    lowest = np.where(present, chance[clip], 2).min(axis=1)
    of_patch = uniforms(row_keys(seed, 3, patches), 1, stream=16)[:, 0]
    best, best_score = None, 0.0
    for of_clips in _SHARES:
        for of_patches in _SHARES:
            validation = (highest < of_clips) & (of_patch < of_patches)
            train = (lowest >= of_clips) & (of_patch >= of_patches)
            n_validation, n_train = int(validation.sum()), int(train.sum())
            reached = min(1.0, n_validation / (share * max(1, n_validation + n_train)))
            score = n_train * reached**2
            if n_validation and score > best_score:
                best, best_score = (validation, train), score
    validation, train = best or (np.zeros(len(plan), np.bool_), np.ones(len(plan), np.bool_))
    return _checked(validation, train, share)
