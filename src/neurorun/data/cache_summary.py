"""What a cache holds, told from its table of contents alone."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurorun.data.cache import read_table
from neurorun.data.cache_table import STATUSES, CacheTable, Status
from neurorun.data.montage import montage_channels
from neurorun.data.object_storage import Place, place_of


@dataclass(frozen=True, slots=True)
class CacheSummary:
    """What there is in the cache of one split.

    Parameters
    ----------
    place : folder or URL
    split : its name
    complete : whether every recording was attempted
    fingerprint, settings : what decided the stored signals
    channels : rows of every signal
    rate_hz : samples per second
    statuses : number of recordings by status
    n_recordings : those that can be read
    n_patients : whose recordings these are
    n_unlabelled : those that nobody annotated
    hours : of signal, gaps not counted; NaN if the rate is not known
    n_seizures : seizures in the stored signals
    seizure_hours : how long they last together
    n_bytes : of the files of the recordings
    """

    place: Place
    split: str
    complete: bool
    fingerprint: str
    settings: Mapping[str, Any]
    channels: tuple[str, ...]
    rate_hz: float
    statuses: Mapping[Status, int]
    n_recordings: int
    n_patients: int
    n_unlabelled: int
    hours: float
    n_seizures: int
    seizure_hours: float
    n_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Every figure by its name."""
        names = (name for name in self.__slots__ if name != "place")
        return {"place": str(self.place), **{name: getattr(self, name) for name in names}}


def summarize_cache(folder: Place | str) -> CacheSummary:
    """Tell what a cache holds; no recording is opened, nothing is fetched but its table.

    Parameters
    ----------
    folder : holds ``cache.json``; or its URL in object storage

    Raises
    ------
    DataError : there is no cache
    FormatError : its table is damaged, or of a version that we do not know
    """
    table = read_table(folder)
    extents = [stored.extent for stored in table.stored]
    statuses = Counter(row.status for row in table.rows)
    seizures = [piece for extent in extents for piece in extent.seizures or ()]
    rate_hz = float(table.settings.get("data.sampling_rate", math.nan))
    per_hour = 3600 * rate_hz
    return CacheSummary(
        place=place_of(folder),
        split=table.split,
        complete=table.complete,
        fingerprint=table.fingerprint,
        settings=table.settings,
        channels=_channels(table),
        rate_hz=rate_hz,
        statuses={status: statuses[status] for status in STATUSES},
        n_recordings=len(extents),
        n_patients=len({row.patient for row in table.rows if row.stored is not None}),
        n_unlabelled=sum(extent.seizures is None for extent in extents),
        hours=sum(extent.n_samples for extent in extents) / per_hour,
        n_seizures=len(seizures),
        seizure_hours=sum(stop - first for first, stop in seizures) / per_hour,
        n_bytes=sum(stored.n_bytes for stored in table.stored),
    )


def _channels(table: CacheTable) -> tuple[str, ...]:
    montage = table.settings.get("preprocessing.montage", ())
    return montage_channels(montage if isinstance(montage, str) else tuple(montage))
