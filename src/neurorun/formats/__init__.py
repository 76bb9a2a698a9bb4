"""File formats that others defined, to and from our nouns: EDF and BDF recordings, event files."""

from neurorun.formats.chb_mit_summary import read_chb_mit_summary
from neurorun.formats.edf import EdfFile, open_edf, read_recording
from neurorun.formats.edf_annotations import read_edf_events, write_edf_events
from neurorun.formats.edf_header import EdfHeader, read_header
from neurorun.formats.edf_identity import guess_patient
from neurorun.formats.edf_signals import EdfSignal
from neurorun.formats.edf_writer import write_recording
from neurorun.formats.event_files import EventFormat, read_events, write_events
from neurorun.formats.event_labels import SEIZURE_LABELS, TUSZ_TO_HED, is_seizure_label
from neurorun.formats.event_rows import DurationError, Labels, Overlaps
from neurorun.formats.mne_raw import MneSource, from_mne_raw, open_mne_raw, to_mne_raw
from neurorun.formats.mne_source import to_mne_source_estimate
from neurorun.formats.siena_list import ListedSeizure, read_siena_list, same_recording

__all__ = [
    "SEIZURE_LABELS",
    "TUSZ_TO_HED",
    "DurationError",
    "EdfFile",
    "EdfHeader",
    "EdfSignal",
    "EventFormat",
    "Labels",
    "ListedSeizure",
    "MneSource",
    "Overlaps",
    "from_mne_raw",
    "guess_patient",
    "is_seizure_label",
    "open_edf",
    "open_mne_raw",
    "read_chb_mit_summary",
    "read_edf_events",
    "read_events",
    "read_header",
    "read_recording",
    "read_siena_list",
    "same_recording",
    "to_mne_raw",
    "to_mne_source_estimate",
    "write_edf_events",
    "write_events",
    "write_recording",
]
