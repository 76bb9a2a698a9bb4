"""Source plans: tables whose row *i* alone determines simulated example *i*.

A plan names, for each of the sources of an example, the region at its centre, the regions of its
patch with their weights, the clip whose waveform it follows, and its amplitude.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int32, Int64

from neurorun.core import DataError
from neurorun.simulation.source.mat_writer import MatFormat, save_mat

NOTHING = -1
"""Fills a plan where there is no region and no source."""

PADDING_IN_FILES = 999.0
TARGET_RATIOS_DB = {6: (10.0, 12.0, 14.0, 16.0, 18.0, 20.0), 2: (10.0, 15.0)}
"""Ratios to the background that the amplitudes of a table stand for, by their number."""


@dataclass(frozen=True, eq=False)
class SourcePlan:
    """Sources of simulated examples, one row an example.

    Parameters
    ----------
    regions : patches, filled with -1
    weights : amplitude of each region of a patch, 0 where there is none
    centres : region at the centre of each source, -1 for no source
    clips : number of the clip of each source, from 1, -1 for no source
    scales : peak amplitudes in mV to choose from, NaN where unknown
    snr_db : level of the noise at the channels
    notes : what the reader inferred, one sentence each
    """

    regions: Int32[np.ndarray, "rows sources width"]
    weights: Float64[np.ndarray, "rows sources width"]
    centres: Int32[np.ndarray, "rows sources"]
    clips: Int32[np.ndarray, "rows sources"]
    scales: Float64[np.ndarray, "rows sources options"]
    snr_db: Float64[np.ndarray, " rows"]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.snr_db)

    @property
    def n_sources(self) -> int:
        """Sources that a row has room for."""
        return int(self.centres.shape[1])

    @property
    def n_options(self) -> int:
        """Amplitudes that a source chooses from."""
        return int(self.scales.shape[2])

    def patch(self, row: int, source: int) -> Int64[np.ndarray, " regions"]:
        """Regions of one source; none if there is no such source."""
        regions = self.regions[row, source]
        return np.asarray(regions[regions >= 0], np.int64)

    def rows(self, chosen: Int64[np.ndarray, " chosen"]) -> "SourcePlan":
        """Return the plan of some rows, in the order given."""
        return replace(
            self,
            regions=self.regions[chosen],
            weights=self.weights[chosen],
            centres=self.centres[chosen],
            clips=self.clips[chosen],
            scales=self.scales[chosen],
            snr_db=self.snr_db[chosen],
        )

    def patch_groups(self) -> Int64[np.ndarray, " rows"]:
        """Number of the patches of each row: rows with the same patches share it."""
        patches = np.sort(self.regions, axis=2).reshape(len(self), -1)
        centres = self.centres.reshape(len(self), -1)
        _, group = np.unique(np.hstack([centres, patches]), axis=0, return_inverse=True)
        return group.reshape(-1).astype(np.int64)

    def clip_keys(self) -> Int64[np.ndarray, "rows sources"]:
        """One number for each clip (region and number of the clip), -1 for no source."""
        keys = self.centres.astype(np.int64) * (1 << 31) + self.clips
        return np.where(self.centres >= 0, keys, NOTHING)


def join_plans(plans: Sequence[SourcePlan]) -> SourcePlan:
    """Put plans of equal layout one after the other."""
    names = ("regions", "weights", "centres", "clips", "scales", "snr_db")
    columns = {name: np.concatenate([getattr(plan, name) for plan in plans]) for name in names}
    return SourcePlan(**columns, notes=plans[0].notes)


def write_plan(
    path: Path, plan: SourcePlan, *, mat_format: MatFormat = "v7", clips_per_region: int = 100
) -> None:
    """Write all fields of a plan as published loaders read them, padded with 999.

    Parameters
    ----------
    path : the file
    plan : every row of it
    mat_format : ``v7`` or ``hdf5`` (v7.3)
    clips_per_region : the number in ``nmm_idx = (centre + 1) * clips_per_region + clip + 1``

    Raises
    ------
    DataError : a clip has a number above ``clips_per_region``, which ``nmm_idx`` could not hold
    """
    highest = int(plan.clips.max(initial=0))
    if highest > clips_per_region:
        raise DataError(
            f"The plan names clip {highest}, nmm_idx has room for {clips_per_region} clips of a "
            "region; raise clips_per_region."
        )
    absent = plan.regions < 0
    empty = plan.centres < 0
    index = (plan.centres.astype(np.float64) + 1) * clips_per_region + plan.clips + 1
    save_mat(
        path,
        {
            "selected_region": np.where(absent, PADDING_IN_FILES, plan.regions),
            "mag_change": np.where(absent, PADDING_IN_FILES, plan.weights),
            "random_samples": np.where(empty, PADDING_IN_FILES, plan.clips),
            "nmm_idx": np.where(empty, PADDING_IN_FILES, index),
            "scale_ratio": plan.scales,
            "current_snr": plan.snr_db[:, None],
        },
        mat_format=mat_format,
    )


def plan_facts(plan: SourcePlan) -> dict[str, Any]:
    """Count what a plan holds, for tables and manifests."""
    active = plan.centres >= 0
    sizes = (plan.regions >= 0).sum(axis=2)[active]
    return {
        "rows": len(plan),
        "sources": int(active.sum()),
        "regions": len(np.unique(plan.centres[active])),
        "clips": len(np.unique(plan.clip_keys()[active])),
        "regions_per_patch": float(sizes.mean()) if sizes.size else float("nan"),
        "snr_db": sorted({float(level) for level in np.unique(plan.snr_db)}),
    }
