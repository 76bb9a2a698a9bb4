from pathlib import Path

import pytest

from neurorun.core import Event, FormatError
from neurorun.formats.tusz_csv import read_tusz_csv

pytestmark = pytest.mark.unit

HEADER = """\
# version = csv_v1.0.0
# bname = aaaaaaac_s001_t000
# duration = 301.00 secs
# montage_file = $NEDC_NFC/lib/nedc_eas_default_montage.txt
#
channel,start_time,stop_time,label,confidence
"""


@pytest.fixture
def written(tmp_path):
    def write(rows: str) -> Path:
        path = tmp_path / "aaaaaaac_s001_t000.csv"
        path.write_text(HEADER + rows)
        return path

    return write


def test_rows_of_one_seizure_become_one_event_with_its_channels(written):
    timeline = read_tusz_csv(
        written(
            "FP1-F7,0.0000,36.8868,bckg,1.0000\n"
            "FP1-F7,36.8868,183.3055,cpsz,0.5000\n"
            "F7-T3,36.8868,190.0000,cpsz,1.0000\n"
            "T3-T5,40.0000,100.0000,cpsz,1.0000\n"
            "T3-T5,100.0000,301.0000,bckg,1.0000\n"
        )
    )
    assert timeline.events == (Event(36.8868, 190.0, "cpsz", 1.0, ("FP1-F7", "F7-T3", "T3-T5")),)
    assert (timeline.recording_id, timeline.duration_s) == ("aaaaaaac_s001_t000", 301)


def test_seizures_of_different_labels_may_share_time(written):
    timeline = read_tusz_csv(written("FP1-F7,10,50,fnsz,1\nF7-T3,40,80,gnsz,1\n"))
    assert [(event.onset_s, event.offset_s, event.label) for event in timeline.events] == [
        (10, 50, "fnsz"),
        (40, 80, "gnsz"),
    ]


def test_seizures_of_one_label_apart_from_each_other_stay_two(written):
    timeline = read_tusz_csv(written("FP1-F7,10,50,fnsz,1\nFP1-F7,60,80,fnsz,1\n"))
    assert [event.onset_s for event in timeline.events] == [10, 60]


def test_a_file_of_background_has_no_events_and_a_duration(written):
    timeline = read_tusz_csv(written("FP1-F7,0,301,bckg,1\nF7-T3,0,301,bckg,1\n"))
    assert (timeline.events, timeline.duration_s) == ((), 301)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("FP1-F7,10,50,fnsz,1\nFP1-F7,40,80,fnsz,1\n", r"line 8: .* shares time with line 7"),
        ("FP1-F7,10,302,fnsz,1\n", r"line 7: .* outside the recording of 301 s"),
        ("FP1-F7,10,20,spkz,1\n", r"unknown labels: 'spkz' \(line 7\)"),
    ],
)
def test_malformed_rows_are_refused_by_their_line(written, rows, message):
    with pytest.raises(FormatError, match=message):
        read_tusz_csv(written(rows))


def test_rows_of_one_channel_that_share_time_become_one_on_request(written):
    timeline = read_tusz_csv(
        written("FP1-F7,10,50,fnsz,1\nFP1-F7,40,80,fnsz,1\n"), overlaps="merge"
    )
    assert timeline.events == (Event(10, 80, "fnsz", 1.0, ("FP1-F7",)),)
