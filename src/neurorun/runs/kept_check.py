"""Every file that is kept of one split, with what reads it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from neurorun.core import NeurorunError
from neurorun.runs.attention import (
    ATTENTION,
    ATTENTION_MANIFEST,
    ATTENTION_METADATA,
    attention_maps_of,
    read_attention_manifest,
    read_attention_metadata,
)
from neurorun.runs.by_name import ByName
from neurorun.runs.by_recording import ByRecording
from neurorun.runs.estimates import CORTEX, ESTIMATES, estimates_of, read_cortex
from neurorun.runs.events_folder import EVENTS, events_of
from neurorun.runs.gaze_reviews import REVIEWS, gaze_reviews_of
from neurorun.runs.pictures import (
    PICTURES_MANIFEST,
    picture_path,
    pictures_of,
    read_pictures_manifest,
)
from neurorun.runs.probabilities import PREDICTIONS_FOLDER, probabilities_of
from neurorun.runs.strips import PREVIEWS, strips_of
from neurorun.runs.tables_folder import (
    TABLES_MANIFEST,
    read_tables_manifest,
    table_path,
    tables_of,
)

Reader = tuple[str, Callable[[], object]]
"""Path of a file and what reads it."""

_SINGLE: dict[str, Callable[[Path], object]] = {
    ATTENTION_MANIFEST: read_attention_manifest,
    ATTENTION_METADATA: read_attention_metadata,
    CORTEX: read_cortex,
    TABLES_MANIFEST: read_tables_manifest,
    PICTURES_MANIFEST: read_pictures_manifest,
}
_BY_RECORDING: dict[str, Callable[[Path], ByRecording[object]]] = {
    EVENTS: events_of,
    PREDICTIONS_FOLDER: probabilities_of,
    PREVIEWS: strips_of,
    ESTIMATES: estimates_of,
    ATTENTION: attention_maps_of,
    REVIEWS: gaze_reviews_of,
}


def kept_readers(folder: Path) -> Iterator[Reader]:
    """Files that are there or that a manifest lists, with paths relative to the folder.

    What a manifest lists may not be missing; what lies there unlisted is left out.
    """
    for name, read in _SINGLE.items():
        if (folder / name).is_file():
            yield name, partial(read, folder)
    for place, open_folder in _BY_RECORDING.items():
        items = open_folder(folder)
        for recording_id in items:
            path = items.path_of(recording_id)
            if path.is_file():
                yield f"{place}/{path.name}", partial(items.__getitem__, recording_id)
    yield from _listed(tables_of, table_path, folder)
    yield from _listed(pictures_of, picture_path, folder)


def _listed(
    open_folder: Callable[[Path], ByName[object]], path_of: Callable[[str], str], folder: Path
) -> Iterator[Reader]:
    try:
        items = open_folder(folder)
    except NeurorunError:  # the manifest is damaged, which is told of it
        return
    for name in items:
        yield path_of(name), partial(items.__getitem__, name)
