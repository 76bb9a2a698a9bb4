"""The per-channel event files of TUSZ: ``csv``, one row per channel and event, many labels.

A seizure that is seen on twelve channels has twelve rows. They are made one event from the first
onset to the last offset, with the names of the channels; rows of the same label that touch or share
time belong together. This is not what the ``csv_bi`` beside it says: there, experts set one time
for all channels, and it is that file which the scorers of NEDC read.

References
----------
.. [1] Shah, von Weltin, Lopez et al., "The Temple University Hospital Seizure Detection Corpus",
   Frontiers in Neuroinformatics 12:83, 2018.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from neurorun.core import BACKGROUND, Event, Timeline
from neurorun.formats.csv_bi import CsvTable, read_csv_table
from neurorun.formats.event_rows import (
    EventRow,
    Labels,
    Overlaps,
    agreed_duration,
    check_bounds,
    settle_overlaps,
)


def read_tusz_csv(
    path: Path,
    *,
    duration_s: float | None = None,
    labels: Labels | None = None,
    overlaps: Overlaps = "refuse",
) -> Timeline:
    """Read a per-channel ``csv`` file: the union over its channels.

    Parameters
    ----------
    path : the file; its name without suffix becomes the ``recording_id``
    duration_s : seconds, > 0; used where the file states none, else compared
    labels : our label for labels that are in no table, or None for rows to leave out
    overlaps : whether rows of one channel that share time are refused or made one

    Returns
    -------
    One event per label and stretch of time, with the channels that show it. Events of different
    labels may share time. Background is what no channel marks; its rows are checked, not kept.

    Raises
    ------
    DataError : there is no such file
    FormatError : the version is another, or a row is malformed; the message names its line
    """
    return timeline_of_channels(
        read_csv_table(path, labels=labels), duration_s=duration_s, overlaps=overlaps
    )


def timeline_of_channels(
    table: CsvTable, *, duration_s: float | None, overlaps: Overlaps
) -> Timeline:
    """Timeline of the union of all rows over channels."""
    length_s = agreed_duration(
        table.duration_s, duration_s, path=table.path, line=table.duration_line
    )
    check_bounds(table.rows, path=table.path, duration_s=length_s)
    by_channel: defaultdict[tuple[str, ...], list[EventRow]] = defaultdict(list)
    for row in table.rows:
        by_channel[row.event.channels].append(row)
    settled = [
        event
        for rows in by_channel.values()
        for event in settle_overlaps(rows, path=table.path, overlaps=overlaps)
    ]
    return Timeline(
        recording_id=table.path.stem,
        duration_s=length_s,
        events=union_over_channels(settled),
    )


def union_over_channels(events: Sequence[Event]) -> tuple[Event, ...]:
    """Seizures of single channels as events of the recording, by label; background is left out.

    The confidence is the highest of those fused. Channels are listed in order of onset.

    >>> rows = [
    ...     Event(10, 30, "fnsz", channels=("F7-T3",)),
    ...     Event(12, 40, "fnsz", channels=("T3-T5",)),
    ... ]
    >>> [(e.onset_s, e.offset_s, e.channels) for e in union_over_channels(rows)]
    [(10, 40, ('F7-T3', 'T3-T5'))]
    """
    united: list[Event] = []
    for event in sorted(events, key=lambda event: (event.label, event.onset_s, event.offset_s)):
        if event.label == BACKGROUND:
            continue
        if united and united[-1].label == event.label and event.onset_s <= united[-1].offset_s:
            united[-1] = _fused(united[-1], event)
        else:
            united.append(event)
    return tuple(sorted(united, key=lambda event: (event.onset_s, event.offset_s)))


def _fused(first: Event, second: Event) -> Event:
    known = [value for value in (first.confidence, second.confidence) if value is not None]
    return replace(
        first,
        offset_s=max(first.offset_s, second.offset_s),
        confidence=max(known, default=None),
        channels=tuple(dict.fromkeys(first.channels + second.channels)),
    )
