"""Source plans that are drawn: regions, patches, clips and noise levels by chance."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Int64

from neurorun.core import SILENT, DataError, Progress
from neurorun.simulation.source.amplitude import amplitudes
from neurorun.simulation.source.anatomy import Anatomy
from neurorun.simulation.source.clip_file import ClipKey
from neurorun.simulation.source.config import GrowthConfig
from neurorun.simulation.source.growth import (
    MAX_REGIONS,
    SIGMA_FACTOR,
    SIGMA_MM,
    grow_patch,
    patch_weights,
)
from neurorun.simulation.source.maker import Forward
from neurorun.simulation.source.plan import NOTHING, SourcePlan
from neurorun.simulation.source.store import SpikeStore

_PATCH_STREAM, _ROW_STREAM = 1, 2
_CACHED_PATCHES = 100_000


class PlanDrawer:
    """Draws rows; row *i* of an epoch depends on seed, epoch and *i* alone.

    Parameters
    ----------
    anatomy : neighbours and distances
    store, forward : clips, and what they give at the channels
    clips : keys to draw from
    config : how many sources, how large, at which levels
    seed : decides everything else
    variants : patches that each region may grow, by number, so that splits may have their own

    Raises
    ------
    DataError : there are no clips
    """

    def __init__(
        self,
        anatomy: Anatomy,
        store: SpikeStore,
        forward: Forward,
        *,
        clips: Sequence[ClipKey],
        config: GrowthConfig,
        seed: int,
        variants: tuple[int, int] = (0, 1 << 30),
    ) -> None:
        if not clips:
            raise DataError(
                f"The store '{store.folder}' has no clip to draw from; make some with "
                "'neurorun simulate spikes'."
            )
        self._anatomy, self._store, self._forward = anatomy, store, forward
        self._config, self._seed, self._variants = config, seed, variants
        self._of_region: dict[int, list[int]] = {}
        for centre, clip in clips:
            self._of_region.setdefault(centre, []).append(clip)
        self._regions = sorted(self._of_region)
        self._patch = lru_cache(_CACHED_PATCHES)(self._grow)

    def draw(
        self,
        epoch: int,
        rows: Int64[np.ndarray, " rows"],
        *,
        in_order: bool = False,
        progress: Progress = SILENT,
    ) -> SourcePlan:
        """Draw some rows.

        Parameters
        ----------
        epoch : another epoch, other sources
        rows : their numbers
        in_order : whether first sources go through the regions and all four levels follow each
            other, as in published tables, instead of being drawn
        progress : one step per row
        """
        n, k, q = len(rows), self._config.n_sources, len(self._config.ratios_db)
        width = min(MAX_REGIONS, self._anatomy.n_regions)
        regions = np.full((n, k, width), NOTHING, np.int32)
        weights = np.zeros((n, k, width))
        centres, clips = np.empty((n, k), np.int32), np.empty((n, k), np.int32)
        scales, snr_db = np.empty((n, k, q)), np.empty(n)
        levels = self._config.snr_db
        with progress.phase("drawing sources", n) as advance:
            for place, row in enumerate(rows.tolist()):
                turn, level = divmod(row, len(levels))
                patch_rng = np.random.default_rng(
                    [self._seed, _PATCH_STREAM, epoch, turn if in_order else row]
                )
                rng = np.random.default_rng([self._seed, _ROW_STREAM, epoch, row])
                snr_db[place] = levels[level if in_order else int(rng.integers(len(levels)))]
                for source in range(k):
                    fixed = turn if in_order and source == 0 else None
                    centre, patch, weight = self._draw_patch(patch_rng, fixed)
                    clip = int(rng.choice(self._of_region[centre]))
                    regions[place, source, : len(patch)] = patch
                    weights[place, source, : len(patch)] = weight
                    centres[place, source], clips[place, source] = centre, clip
                    scales[place, source] = self._amplitudes(centre, clip, patch)
                advance()
        return SourcePlan(regions, weights, centres, clips, scales, snr_db)

    def _draw_patch(
        self, rng: np.random.Generator, turn: int | None
    ) -> tuple[int, np.ndarray, np.ndarray]:
        number = int(rng.integers(len(self._regions)))
        centre = self._regions[number if turn is None else turn % len(self._regions)]
        variant = int(rng.integers(*self._variants))
        return centre, *self._patch(centre, variant)

    def _grow(self, centre: int, variant: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([self._seed, _PATCH_STREAM + 8, centre, variant])
        n_rings = int(rng.choice(self._config.n_rings))
        patch = grow_patch(
            self._anatomy,
            centre,
            rng,
            n_rings=n_rings,
            max_regions=min(MAX_REGIONS, self._anatomy.n_regions),
        )
        sigma_mm = SIGMA_FACTOR * float(rng.uniform(*SIGMA_MM))
        return patch, patch_weights(self._anatomy, patch, sigma_mm)

    def _amplitudes(self, centre: int, clip: int, patch: np.ndarray) -> np.ndarray:
        place = self._store.place((centre, clip))
        return amplitudes(
            self._forward.clips[place],
            self._forward.background[place],
            self._forward.leadfield,
            centre=centre,
            patch=patch,
            ratios_db=self._config.ratios_db,
        )


def divide_clips(
    clips: Sequence[ClipKey], share: float, *, seed: int
) -> tuple[tuple[ClipKey, ...], tuple[ClipKey, ...]]:
    """Divide the clips of every region; the second part holds about a share, at least one of each.

    Regions with a single clip have it in the first part only.

    >>> first, second = divide_clips([(0, 1), (0, 2), (0, 3), (1, 1)], 0.3, seed=1)
    >>> len(first), len(second)
    (3, 1)
    """
    of_region: dict[int, list[int]] = {}
    for centre, clip in clips:
        of_region.setdefault(centre, []).append(clip)
    first: list[ClipKey] = []
    second: list[ClipKey] = []
    for centre, numbers in of_region.items():
        rng = np.random.default_rng([seed, centre])
        order = rng.permutation(sorted(numbers)).tolist()
        n_second = max(1, round(share * len(order))) if share and len(order) > 1 else 0
        second += [(centre, clip) for clip in order[:n_second]]
        first += [(centre, clip) for clip in order[n_second:]]
    return tuple(sorted(first)), tuple(sorted(second))
