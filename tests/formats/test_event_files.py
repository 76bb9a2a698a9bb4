from pathlib import Path

import pytest

from neurorun.core import DataError, Event, FormatError, Timeline
from neurorun.formats import read_events, write_events

pytestmark = pytest.mark.unit

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/eeg_seizure/edf_with_seizure"

CSV = """\
# version = csv_v1.0.0
# duration = 60.0000 secs
channel,start_time,stop_time,label,confidence
"""


@pytest.mark.parametrize("kind", ["tsv", "csv_bi", "edf"])
def test_every_format_is_recognised_by_its_content_whatever_its_name(tmp_path, kind):
    path = tmp_path / "night.txt"
    write_events(path, Timeline("night", 60.0, (Event(10, 20.5), Event(30, 31))), format=kind)
    timeline = read_events(path)
    assert timeline.duration_s == 60
    assert [(e.onset_s, e.offset_s, e.label) for e in timeline.events] == [
        (10, 20.5, "seiz"),
        (30, 31, "seiz"),
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("", ()),
        ("TERM,1,2,seiz,1\n", (Event(1, 2, "seiz", 1.0),)),
        ("FP1-F7,1,3,fnsz,1\n", (Event(1, 3, "fnsz", 1.0, ("FP1-F7",)),)),
        ("FP1-F7,1,3,fnsz,1\nTERM,1,2,seiz,1\n", (Event(1, 2, "seiz", 1.0),)),
    ],
    ids=["no-rows", "all-channels", "single-channels", "one-row-of-all-channels-decides"],
)
def test_a_csv_is_read_by_channel_only_if_all_its_rows_are_of_channels(tmp_path, rows, expected):
    path = tmp_path / "a.csv"
    path.write_text(CSV + rows)
    assert read_events(str(path)).events == expected


def test_a_file_that_begins_with_blanks_and_a_byte_order_mark_is_recognised(tmp_path):
    path = tmp_path / "a.csv_bi"
    path.write_bytes(b"\xef\xbb\xbf" + CSV.replace("# version", "#version").encode())
    assert read_events(path).duration_s == 60


@pytest.mark.parametrize("content", [b"", b"onset;duration\n", b"\x89PNG\r\n"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "a.tsv"
    path.write_bytes(content)
    with pytest.raises(FormatError, match="is of no known format; known are csv_bi"):
        read_events(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist; a recording without events still has"):
        read_events(tmp_path / "absent.tsv")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(FormatError, match="is a folder"):
        read_events(tmp_path)


class TestEdfAnnotations:
    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "a.edf"
        events = (Event(1, 5, "Anfall"), Event(8, 9, "Eyes open"), Event(20, 30, "sz_foc"))
        write_events(path, Timeline("a", 60.0, events), format="edf")
        return path

    def test_of_unknown_meaning_are_listed(self, path):
        with pytest.raises(FormatError, match=r"'Anfall' \(at 1 s\), 'Eyes open' \(at 8 s\)"):
            read_events(path)

    def test_are_translated_and_left_out_on_request(self, path):
        timeline = read_events(path, labels={"Anfall": "seiz", "Eyes open": None})
        assert [event.label for event in timeline.events] == ["seiz", "sz_foc"]

    def test_of_another_recording_are_refused(self, path):
        with pytest.raises(FormatError, match="of a recording of 60 s, but 90 s were expected"):
            read_events(path, duration_s=90, labels={"Anfall": "seiz", "Eyes open": None})


@pytest.mark.integration
@pytest.mark.parametrize("name", ["iiic_SZ_sample1", "iiic_SZ_sample2", "tle_patient_8ch_100hz"])
def test_formats_of_one_recording_agree(name):
    if not SHARED.exists():
        pytest.skip("the recordings are not here")
    table = read_events(SHARED / f"{name}_events.tsv")
    nedc = read_events(SHARED / f"{name}.csv_bi")
    assert table.duration_s == nedc.duration_s
    assert [(e.onset_s, e.offset_s) for e in table.seizures] == [
        (e.onset_s, e.offset_s) for e in nedc.seizures
    ]
