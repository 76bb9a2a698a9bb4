from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import DataError, Event, FormatError, Timeline
from neurorun.formats.csv_bi import read_csv_bi, write_csv_bi

pytestmark = pytest.mark.unit

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"

HEADER = """\
# version = csv_v1.0.0
# bname = another_name
# duration = 600.0000 secs
# montage_file = nedc_eas_default_montage.txt
#
channel,start_time,stop_time,label,confidence
"""


@pytest.fixture
def written(tmp_path):
    def write(rows: str, *, header: str = HEADER) -> Path:
        path = tmp_path / "aaaaaasf_s001_t000.csv_bi"
        path.write_bytes((header + rows).encode())
        return path

    return write


def bounds(timeline: Timeline) -> list[tuple[float, float, str]]:
    return [(event.onset_s, event.offset_s, event.label) for event in timeline.events]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param("TERM,42.2786,81.7760,seiz,1.0000\n", [(42.2786, 81.776, "seiz")], id="nedc"),
        pytest.param("TERM,39,200,seiz,1\n", [(39, 200, "seiz")], id="integers"),
        pytest.param("TERM,1.25,2.50,seiz,1.00\n", [(1.25, 2.5, "seiz")], id="two-decimals"),
        pytest.param("TERM, 1.0 ,2.0,\tseiz , 1.0\n", [(1, 2, "seiz")], id="blanks"),
        pytest.param("TERM,1.0,2.0,seiz,1.0\r\n", [(1, 2, "seiz")], id="crlf"),
        pytest.param("term,1.0,2.0,SEIZ,1.0\n", [(1, 2, "seiz")], id="letter-case"),
        pytest.param("# note, with, commas\n\nTERM,1,2,seiz,1\n", [(1, 2, "seiz")], id="comments"),
        pytest.param("", [], id="no-rows"),
        pytest.param(
            "TERM,5,6,seiz,1\nTERM,1,2,bckg,1\n", [(1, 2, "bckg"), (5, 6, "seiz")], id="unsorted"
        ),
        pytest.param(
            "TERM,0,2,bckg,1\nTERM,2,3,fnsz,1\nTERM,3,4,gnsz,1\n",
            [(0, 2, "bckg"), (2, 3, "fnsz"), (3, 4, "gnsz")],
            id="touching-rows-stay-two",
        ),
        pytest.param(
            "FP1-F7,0,9,seiz,1\nTERM,1,2,seiz,1\n", [(1, 2, "seiz")], id="rows-of-one-channel"
        ),
        pytest.param("TERM,1,600.00004,seiz,1\n", [(1, 600.00004, "seiz")], id="rounded-end"),
    ],
)
def test_variants_of_real_files_are_read(written, rows, expected):
    assert bounds(read_csv_bi(written(rows))) == expected


@pytest.mark.parametrize(
    "line",
    [
        "# duration = 600.00 secs",
        "# duration = 600 secs",
        "#duration=600secs",
        "# Duration = 600.0000 secs.",
        "# duration = 600.0000",
    ],
)
def test_variants_of_the_duration_line_are_read(written, line):
    header = HEADER.replace("# duration = 600.0000 secs", line)
    assert read_csv_bi(written("", header=header)).duration_s == 600


def test_the_name_of_the_file_names_the_recording_not_the_line_bname(written):
    assert read_csv_bi(written("")).recording_id == "aaaaaasf_s001_t000"


def test_confidence_is_kept_and_unknown_confidence_is_none(written):
    timeline = read_csv_bi(written("TERM,1,2,seiz,0.25\nTERM,3,4,seiz,n/a\n"))
    assert [event.confidence for event in timeline.events] == [0.25, None]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param(
            "TERM,1,2,seiz,1\nTERM,9,4,seiz,1\n",
            r"line 8: 'seiz' starts at 9 s and stops at 4 s; an event must stop after it starts",
            id="stops-before-it-starts",
        ),
        pytest.param(
            "TERM,4,4,seiz,1\n", r"line 7: 'seiz' starts at 4 s and stops", id="no-length"
        ),
        pytest.param(
            "TERM,1,601,seiz,1\n",
            r"line 7: 'seiz' from 1 s to 601 s lies outside the recording of 600 s",
            id="past-the-end",
        ),
        pytest.param("TERM,-1,5,seiz,1\n", r"line 7: .* lies outside", id="before-the-start"),
        pytest.param(
            "TERM,30,50,seiz,1\nTERM,10,30.5,seiz,1\n",
            r"line 7: 'seiz' from 30 s shares time with line 8, 'seiz' to 30.5 s",
            id="overlap",
        ),
        pytest.param(
            "TERM,1,9,bckg,1\nTERM,5,8,seiz,1\n", r"line 8: .* line 7", id="in-background"
        ),
        pytest.param("TERM,1,2,seiz,1\nTERM,1,2,seiz,1\n", r"line 8: .* line 7", id="listed-twice"),
        pytest.param(
            "TERM,1,2,sezure,1\nTERM,3,4,blink,1\nTERM,5,6,blink,1\n",
            r"unknown labels: 'sezure' \(line 7\), 'blink' \(line 8\)\. Known are absz, atsz, bckg",
            id="unknown-labels",
        ),
        pytest.param("TERM,1,2,seiz\n", r"line 7: 4 columns in 'TERM,1,2,seiz'", id="four-columns"),
        pytest.param("TERM,1,2,seiz,1,x\n", r"line 7: 6 columns", id="six-columns"),
        pytest.param(
            "TERM,one,2,seiz,1\n", r"line 7: start_time is 'one'; a number", id="no-number"
        ),
        pytest.param("TERM,1,inf,seiz,1\n", r"line 7: stop_time is 'inf'", id="infinite"),
        pytest.param("TERM,1,2,seiz,1.5\n", r"line 7: confidence is 1.5; it must lie", id="surer"),
        pytest.param(
            "# duration = 300 secs\n",
            r"line 7: the duration is 300 s, on line 3 it is 600 s; a recording has one length",
            id="two-durations",
        ),
    ],
)
def test_malformed_rows_are_refused_by_their_line(written, rows, message):
    with pytest.raises(FormatError, match=message):
        read_csv_bi(written(rows))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (HEADER.replace("csv_v1.0.0", "csv_v2.0.0"), "has version 'csv_v2.0.0'; '# version = csv"),
        (HEADER.replace("# version = csv_v1.0.0\n", ""), "states no version"),
    ],
)
def test_other_versions_are_refused(written, header, message):
    with pytest.raises(FormatError, match=message):
        read_csv_bi(written("", header=header))


def test_a_missing_file_is_not_the_same_as_no_events(tmp_path):
    with pytest.raises(DataError, match="does not exist; a recording without events still has"):
        read_csv_bi(tmp_path / "absent.csv_bi")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="is a folder; give one event file"):
        read_csv_bi(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "x.csv_bi"
    path.write_bytes(b"# version = csv_v1.0.0\n\xff\xfe\n")
    with pytest.raises(FormatError, match=r"is not text \(.* at byte 23\)"):
        read_csv_bi(path)


class TestDuration:
    HEADER = HEADER.replace("# duration = 600.0000 secs\n", "")

    def test_is_given_where_the_file_states_none(self, written):
        path = written("TERM,1,2,seiz,1\n", header=self.HEADER)
        assert read_csv_bi(path, duration_s=90).duration_s == 90

    def test_is_needed_from_one_of_them(self, written):
        with pytest.raises(FormatError, match="does not state how long the recording is"):
            read_csv_bi(written("", header=self.HEADER))

    def test_of_the_file_is_kept_where_both_agree_to_a_second(self, written):
        assert read_csv_bi(written(""), duration_s=600.9).duration_s == 600

    def test_of_another_recording_is_refused(self, written):
        with pytest.raises(FormatError, match=r"line \d+, is of a recording of 600 s, but 602 s"):
            read_csv_bi(written(""), duration_s=602)


class TestOwnLabels:
    def test_are_translated(self, written):
        path = written("TERM,1,2,Anfall,1\n")
        assert bounds(read_csv_bi(path, labels={"Anfall": "seiz"})) == [(1, 2, "seiz")]

    def test_are_left_out_on_request(self, written):
        path = written("TERM,1,2,artf,1\nTERM,1,3,seiz,1\n")
        assert bounds(read_csv_bi(path, labels={"artf": None})) == [(1, 3, "seiz")]


class TestOverlaps:
    def test_of_seizures_become_one_event(self, written):
        rows = "TERM,1,5,fnsz,0.5\nTERM,4,9,gnsz,0.75\nTERM,20,30,seiz,1\n"
        timeline = read_csv_bi(written(rows), overlaps="merge")
        assert bounds(timeline) == [(1, 9, "fnsz"), (20, 30, "seiz")]
        assert timeline.events[0].confidence == 0.75

    def test_of_seizure_and_background_are_refused_all_the_same(self, written):
        rows = "TERM,0,5,bckg,1\nTERM,4,9,gnsz,1\n"
        with pytest.raises(FormatError, match="line 8: 'gnsz' from 4 s shares time with line 7"):
            read_csv_bi(written(rows), overlaps="merge")


def test_files_are_written_as_nedc_does(tmp_path):
    path = tmp_path / "a.csv_bi"
    events = (Event(1, 2.00006, "fnsz", 0.5), Event(3, 4, "bckg"))
    write_csv_bi(path, Timeline("aaaaaasf_s001_t000", 1289.0, events))
    assert path.read_text() == (
        "# version = csv_v1.0.0\n"
        "# bname = aaaaaasf_s001_t000\n"
        "# duration = 1289.0000 secs\n"
        "# montage_file = nedc_eas_default_montage.txt\n"
        "#\n"
        "channel,start_time,stop_time,label,confidence\n"
        "TERM,1.0000,2.0001,seiz,0.5000\n"
        "TERM,3.0000,4.0000,bckg,1.0000\n"
    )


def test_a_recording_without_events_is_written_as_background(tmp_path):
    path = tmp_path / "a.csv_bi"
    write_csv_bi(path, Timeline("a", 30.5))
    assert path.read_text().endswith("confidence\nTERM,0.0000,30.5000,bckg,1.0000\n")


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([Event(1, 5), Event(4, 6)], "'seiz' from 4 s to 6 s does not lie between 5 s, where"),
        ([Event(1, 1.00001)], "to four decimals. Merge events that share time"),
        ([Event(1, 11)], "the end of the recording at 10 s"),
        ([Event(1, 2, "blink")], "'blink' at 1 s is neither bckg nor a seizure"),
    ],
)
def test_events_that_would_not_be_read_again_are_not_written(tmp_path, events, message):
    path = tmp_path / "a.csv_bi"
    with pytest.raises(DataError, match=message):
        write_csv_bi(path, Timeline("a", 10.0, tuple(events)))
    assert not path.exists()


@st.composite
def written_timelines(draw):
    """Timelines on a grid of four decimals."""
    cuts = sorted(draw(st.sets(st.integers(0, 50_000_000), min_size=2, max_size=12)))
    confidences = st.integers(0, 10_000).map(lambda n: n / 10_000)
    events = tuple(
        Event(a / 10_000, b / 10_000, draw(st.sampled_from(["seiz", "bckg"])), draw(confidences))
        for a, b in pairwise(cuts[:-1])
    )
    return Timeline("aaaaaasf_s001_t000", cuts[-1] / 10_000, events)


@settings(max_examples=60, deadline=None)
@given(written_timelines())
def test_what_is_written_is_read_again(tmp_path_factory, timeline):
    path = tmp_path_factory.mktemp("csv_bi") / "aaaaaasf_s001_t000.csv_bi"
    write_csv_bi(path, timeline)
    again = read_csv_bi(path)
    if timeline.events:
        assert again == timeline
    else:
        assert bounds(again) == [(0, timeline.duration_s, "bckg")]


@pytest.mark.integration
@pytest.mark.parametrize("folder", ["scoring/bundled", "eeg_seizure/nedc_csv_bi"])
def test_files_of_nedc_survive_being_rewritten_to_the_letter(folder, tmp_path):
    paths = sorted((SHARED / folder).rglob("*.csv_bi"))
    if not paths:
        pytest.skip("the files of NEDC are not here")
    for path in paths:
        timeline = read_csv_bi(path)
        write_csv_bi(tmp_path / path.name, timeline)
        rows = [line for line in path.read_text().splitlines() if line.startswith("TERM")]
        assert (tmp_path / path.name).read_text().splitlines()[6:] == rows
