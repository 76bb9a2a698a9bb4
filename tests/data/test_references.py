from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from neurorun.core import DataError, Event, Recording, Stretch, whole_recording
from neurorun.data.entries import CorpusEntry
from neurorun.data.references import RecordedTime, read_reference, recorded_time

pytestmark = pytest.mark.unit

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
STUBS = SHARED / "eeg_seizure/epilepsy2bids_stubs"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="needs the shared data")


def entry(annotation, name="a", annotation_format="events"):
    return CorpusEntry(
        recording_id=name,
        patient="p",
        path=Path(f"{name}.edf"),
        annotation=annotation,
        annotation_format=annotation_format,
    )


def csv_bi(folder, *rows, duration_s=100.0):
    path = folder / "a.csv_bi"
    head = ["# version = csv_v1.0.0", f"# duration = {duration_s:.4f} secs"]
    path.write_text("\n".join([*head, *(f"TERM,{row},seiz,1.0" for row in rows)]) + "\n")
    return path


def test_events_are_named_after_the_recording_and_last_as_long(tmp_path):
    timeline = read_reference(entry(csv_bi(tmp_path, "10,20"), name="anna__a"), RecordedTime(100.0))
    assert (timeline.recording_id, timeline.duration_s) == ("anna__a", 100.0)
    assert [(e.onset_s, e.offset_s) for e in timeline.seizures] == [(10, 20)]


def test_seizures_that_share_time_are_one_event(tmp_path):
    timeline = read_reference(entry(csv_bi(tmp_path, "10,20", "15,30")), RecordedTime(100.0))
    assert [(e.onset_s, e.offset_s) for e in timeline.events] == [(10, 30)]


def test_an_end_within_a_second_of_the_recording_is_cut(tmp_path):
    timeline = read_reference(entry(csv_bi(tmp_path, "90,100")), RecordedTime(99.5))
    assert timeline.events[0].offset_s == 99.5


def test_an_annotation_of_another_recording_is_refused(tmp_path):
    with pytest.raises(DataError, match="is of a recording of 100 s, but 90 s were expected"):
        read_reference(entry(csv_bi(tmp_path, "10,20")), RecordedTime(90.0))


@needs_shared
def test_the_real_chb_mit_seizure_lies_where_the_summary_says():
    chosen = entry(STUBS / "chbmit/chb05/chb05-summary.txt", "chb05_06", "chb_mit_summary")
    assert read_reference(chosen, RecordedTime(3600.0)).events == (Event(417, 532),)


@needs_shared
def test_a_seizure_past_the_end_is_refused_by_how_much():
    chosen = entry(STUBS / "chbmit/chb05/chb05-summary.txt", "chb05_06", "chb_mit_summary")
    with pytest.raises(
        DataError, match=r"417 s to 532 s ends 530 s after recording 'chb05_06.edf'"
    ):
        read_reference(chosen, RecordedTime(2.0))


@needs_shared
@pytest.mark.parametrize(
    ("start", "onset_s"),
    [
        pytest.param(None, 1143, id="clock-of-the-list"),
        pytest.param(datetime(2016, 1, 1, 19, 39, 33), 1143, id="header-agrees"),
        pytest.param(datetime(2016, 1, 1, 19, 39, 23), 1153, id="header-wins"),
    ],
)
def test_the_real_siena_seizure_lies_where_the_clock_says(start, onset_s, caplog):
    seizure_list = STUBS / "siena/PN00/Seizures-list-PN00.txt"
    recorded = RecordedTime(2605.0, start=start)
    timeline = read_reference(entry(seizure_list, "PN00-1", "siena_list"), recorded)
    assert [(e.onset_s, e.duration_s) for e in timeline.events] == [(onset_s, 70)]
    assert ("begins at 19:39:23, which is used" in caplog.text) == (onset_s == 1153)


@needs_shared
def test_what_had_to_be_corrected_in_a_siena_list_is_logged(caplog):
    seizure_list = STUBS / "siena/PN00/Seizures-list-PN00.txt"
    recorded = RecordedTime(2489.0)
    timeline = read_reference(entry(seizure_list, "PN00-3", "siena_list"), recorded)
    assert timeline.events[0].duration_s == 60
    assert "seizure 3: Seizure end 19.29.29 read as 18.29.29" in caplog.text


def test_gaps_of_recording_and_annotation_are_united(tmp_path):
    path = tmp_path / "a_events.tsv"
    rows = ["onset\tduration\teventType", "20\t15\timpd", "60\t5\timpd", "5\t2\tsz"]
    path.write_text("\n".join(rows) + "\n")
    recorded = RecordedTime(100.0, gaps=((10.0, 25.0), (90.0, 92.0)))
    timeline = read_reference(entry(path), recorded)
    assert timeline.gaps == ((10.0, 35.0), (60.0, 65.0), (90.0, 92.0))
    assert timeline.observed_s == 68


def test_a_recording_without_annotation_has_no_reference():
    with pytest.raises(DataError, match="'a' has no annotation, which is not the same as no"):
        read_reference(entry(None), RecordedTime(10.0))


@needs_shared
def test_times_are_read_without_samples_gaps_included():
    path = SHARED / "edf_odd/icu_subject01_epoch01_gapped_edfplusD.edf"
    recorded = recorded_time(path)
    assert recorded.duration_s == 286
    assert recorded.observed_s == 276
    assert recorded.gaps == ((6.0, 8.0), (152.0, 158.0), (262.0, 264.0))


def test_times_of_a_recording_that_was_read():
    stretches = (Stretch(0, 100, 0.0), Stretch(100, 100, 3.0))
    signal_uv = np.zeros((1, 200), np.float32)
    start = datetime(2020, 1, 1)
    recording = Recording("r", "p", ("Cz",), 100.0, signal_uv, stretches, start=start)
    assert RecordedTime.of(recording) == RecordedTime(4.0, ((1.0, 3.0),), start)
    whole = Recording("r", "p", ("Cz",), 100.0, signal_uv, whole_recording(200))
    assert RecordedTime.of(whole) == RecordedTime(2.0)
