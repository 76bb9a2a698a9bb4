"""Read the tables that describe simulated examples ("metadata") as source plans.

Tables of others need no change of this code: `fields` says what they call things. What is padding
is told by validity: an entry of a patch is a region if it is a whole number from 0 to the last
region; -1, 999, 15213 and NaN are all padding.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from neurorun.core import DataError, FormatError, nearest_of
from neurorun.simulation.source.mat_file import load_mat
from neurorun.simulation.source.plan import NOTHING, SourcePlan

FIELDS = (
    "selected_region",
    "nmm_idx",
    "random_samples",
    "scale_ratio",
    "mag_change",
    "current_snr",
)
_OTHER_NAMES = {"current_snr": ("current_snr", "sensor_snr")}
_USUAL_CLIPS_PER_REGION = (100, 10)


def read_plan(
    path: Path | str,
    *,
    n_regions: int,
    fields: Mapping[str, str] | None = None,
    clips_per_region: int | None = None,
) -> SourcePlan:
    """Read a table of simulated examples.

    Parameters
    ----------
    path : MATLAB or Octave file with ``selected_region`` (rows x sources x width), ``scale_ratio``,
        ``mag_change``, ``current_snr``, and ``random_samples`` or ``nmm_idx`` (rows x sources, or
        one per row); ``selected_region`` may be rows x width where there is one source
    n_regions : regions of the leadfield
    fields : other names of these fields, ``{ours: theirs}``
    clips_per_region : the number in ``nmm_idx = (centre + 1) * clips_per_region + clip + 1``,
        needed where ``random_samples`` is absent and the table does not give it away

    Raises
    ------
    ConfigError, FormatError : a field is absent, of a wrong shape, or contradicts another
    """
    path = Path(path)
    names = _names_of(fields or {})
    stored = load_mat(path)
    table = _Table(path, stored, names)
    regions, is_region = table.patches(n_regions)
    weights = table.weights(is_region)
    n_rows, n_sources, _ = regions.shape
    first = _first_entries(regions, is_region)
    index = table.per_source("nmm_idx", n_rows, n_sources)
    samples = table.per_source("random_samples", n_rows, n_sources)
    centres, clips, notes = _centres_and_clips(
        path, first, index, samples, clips_per_region=clips_per_region, n_regions=n_regions
    )
    return SourcePlan(
        regions=regions.astype(np.int32),
        weights=weights,
        centres=centres.astype(np.int32),
        clips=clips.astype(np.int32),
        scales=table.scales(n_rows, n_sources),
        snr_db=table.levels(n_rows),
        notes=tuple(notes),
    )


def _names_of(fields: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    for name in fields:
        if name not in FIELDS:
            raise DataError(f"fields names '{name}', which no plan has. {nearest_of(name, FIELDS)}")
    return {
        name: (fields[name],) if name in fields else _OTHER_NAMES.get(name, (name,))
        for name in FIELDS
    }


class _Table:
    """The fields of a table, each in its one shape."""

    def __init__(
        self, path: Path, stored: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._path, self._stored, self._names = path, stored, names

    def _find(self, name: str) -> np.ndarray | None:
        for candidate in self._names[name]:
            if candidate in self._stored:
                value = np.asarray(self._stored[candidate])
                if value.dtype.kind not in "fiub":
                    raise FormatError(
                        f"'{candidate}' of '{self._path}' holds {value.dtype}, not numbers; write "
                        "it as a plain array."
                    )
                return value.astype(np.float64)
        return None

    def _need(self, name: str) -> np.ndarray:
        value = self._find(name)
        if value is None:
            raise FormatError(
                f"'{self._path}' has no field '{self._names[name][0]}'; it holds "
                f"{', '.join(sorted(self._stored)) or 'nothing'}. Name yours with fields: "
                f"{{{name}: ...}}."
            )
        return value

    def _fault(self, name: str, shape: tuple[int, ...], expected: str) -> FormatError:
        sizes = " x ".join(map(str, shape))
        return FormatError(
            f"'{self._names[name][0]}' of '{self._path}' is {sizes}; {expected} is needed. Check "
            "that all fields belong to one table."
        )

    def patches(self, n_regions: int) -> tuple[np.ndarray, np.ndarray]:
        """Regions of the patches, -1 where there is none, and where they are."""
        values = self._need("selected_region")
        values = values[:, None] if values.ndim == 2 else values
        if values.ndim != 3:
            raise self._fault("selected_region", values.shape, "rows x sources x width")
        is_region = (values >= 0) & (values < n_regions)
        if np.any(values[is_region] % 1):
            raise FormatError(
                f"'{self._names['selected_region'][0]}' of '{self._path}' holds regions that are "
                "not whole numbers; check the field."
            )
        return np.where(is_region, values, NOTHING).astype(np.int64), is_region

    def weights(self, is_region: Bool[np.ndarray, "rows sources width"]) -> np.ndarray:
        """Weights where the patches have regions; what stands elsewhere means nothing."""
        values = self._need("mag_change")
        values = values[:, None] if values.ndim == 2 else values
        if values.shape != is_region.shape:
            expected = " x ".join(map(str, is_region.shape))
            raise self._fault("mag_change", values.shape, f"{expected}, as selected_region,")
        weights = np.where(is_region, values, 0.0)
        if not np.isfinite(weights).all():
            raise FormatError(
                f"'{self._names['mag_change'][0]}' of '{self._path}' has regions without a finite "
                "weight; give every region of a patch one."
            )
        return weights

    def per_source(self, name: str, n_rows: int, n_sources: int) -> np.ndarray | None:
        """One number per source; one per row, written either way, serves all its sources."""
        values = self._find(name)
        if values is None or values.shape == (n_rows, n_sources):
            return values
        if values.size == n_rows and max(values.shape) == n_rows:
            return np.repeat(values.reshape(n_rows, 1), n_sources, axis=1)
        raise self._fault(name, values.shape, f"{n_rows} x {n_sources} or {n_rows} x 1")

    def scales(self, n_rows: int, n_sources: int) -> Float64[np.ndarray, "rows sources options"]:
        values = self._need("scale_ratio")
        if values.ndim == 2 and n_sources == 1 and len(values) == n_rows:
            values = values[:, None]
        if values.ndim == 2 and values.shape == (n_rows, n_sources):
            values = values[:, :, None]
        if values.ndim != 3 or values.shape[:2] != (n_rows, n_sources):
            expected = f"{n_rows} x {n_sources} x amplitudes"
            raise self._fault("scale_ratio", values.shape, expected)
        return np.where(np.isfinite(values) & (values > 0), values, np.nan)

    def levels(self, n_rows: int) -> Float64[np.ndarray, " rows"]:
        """Noise levels, written as a column or as a row."""
        values = self._need("current_snr")
        if values.size != n_rows:
            raise self._fault("current_snr", values.shape, f"{n_rows} x 1")
        levels = values.reshape(-1)
        if not np.isfinite(levels).all():
            raise FormatError(
                f"'{self._names['current_snr'][0]}' of '{self._path}' is not finite in "
                f"{int((~np.isfinite(levels)).sum())} rows; every row needs a noise level in dB."
            )
        return levels


def _first_entries(
    regions: Int64[np.ndarray, "rows sources width"],
    is_region: Bool[np.ndarray, "rows sources width"],
) -> Int64[np.ndarray, "rows sources"]:
    """First region of each patch, -1 for an empty one."""
    place = is_region.argmax(axis=2)[..., None]
    return np.asarray(np.take_along_axis(regions, place, axis=2)[..., 0])


def _centres_and_clips(
    path: Path,
    first: Int64[np.ndarray, "rows sources"],
    index: np.ndarray | None,
    samples: np.ndarray | None,
    *,
    clips_per_region: int | None,
    n_regions: int,
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Centre and clip of every source.

    The centre is the first region of the patch, unless ``nmm_idx`` names another: growing may
    remove the centre from its own patch.
    """
    active = first >= 0
    if samples is None and index is None:
        raise FormatError(
            f"'{path}' has neither random_samples nor nmm_idx, so no clip is known; name yours "
            "with fields: {random_samples: ...}."
        )
    if index is None:
        assert samples is not None
        clips = _whole(samples, active, path, "random_samples")
        return first, np.where(active, clips, NOTHING), []
    numbers = _whole(index, active, path, "nmm_idx")
    if samples is None:
        per_region = clips_per_region or _infer_from_index(path, first[active], numbers[active])
        clips = (numbers - 2) % per_region + 1
    else:
        clips = _whole(samples, active, path, "random_samples")
        per_region = clips_per_region or _infer_from_clips(first, numbers - 1 - clips, active)
    notes = [f"nmm_idx counts {per_region} clips for each region."] if per_region else []
    centres, moved = _named_centres(first, numbers - 1 - clips, active, per_region, n_regions)
    if moved:
        notes.append(f"{moved} sources have a centre that is not the first region of their patch.")
    return centres, np.where(active, clips, NOTHING), notes


def _named_centres(
    first: np.ndarray, offsets: np.ndarray, active: np.ndarray, per_region: int, n_regions: int
) -> tuple[np.ndarray, int]:
    """Centres that ``nmm_idx`` names, where it names some; and how many differ from the first."""
    if not per_region:
        return first, 0
    named = offsets // per_region - 1
    usable = active & (offsets % per_region == 0) & (named >= 0) & (named < n_regions)
    return np.where(usable, named, first), int((usable & (named != first)).sum())


def _whole(values: np.ndarray, active: np.ndarray, path: Path, name: str) -> np.ndarray:
    wanted = values[active]
    if not np.isfinite(wanted).all() or np.any(wanted % 1) or np.any(wanted < 1):
        raise FormatError(
            f"'{name}' of '{path}' is not a positive whole number for every source; check the "
            "field."
        )
    return np.where(active, values, 0).astype(np.int64)


def _infer_from_clips(first: np.ndarray, offsets: np.ndarray, active: np.ndarray) -> int:
    """Clips per region that most sources agree on, 0 if ``nmm_idx`` counts differently."""
    ratios, remainders = np.divmod(offsets[active], first[active] + 1)
    whole = ratios[(remainders == 0) & (ratios > 0)]
    if 2 * len(whole) <= len(ratios):
        return 0
    values, counts = np.unique(whole, return_counts=True)
    best = int(counts.argmax())
    return int(values[best]) if 2 * counts[best] > len(ratios) else 0


def _infer_from_index(path: Path, centres: np.ndarray, index: np.ndarray) -> int:
    """Clips per region from ``nmm_idx`` and the centres alone.

    ``nmm_idx - 2 = (centre + 1) * n + (clip - 1)`` with ``clip - 1 < n`` bounds n on both sides.
    """
    lowest = int(np.max((index - 2) // (centres + 2) + 1, initial=1))
    highest = int(np.min((index - 2) // (centres + 1), initial=np.iinfo(np.int64).max))
    usual = [n for n in _USUAL_CLIPS_PER_REGION if lowest <= n <= highest]
    if lowest == highest or usual:
        return usual[0] if usual else lowest
    raise FormatError(
        f"'{path}' has no random_samples, and its nmm_idx fits {lowest} to {highest} clips per "
        "region; say how many with clips_per_region, or name the field of the clips."
    )
