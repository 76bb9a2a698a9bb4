from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import DataError, Event, FormatError, Timeline
from neurorun.formats.hed_tsv import read_hed_tsv, write_hed_tsv

pytestmark = pytest.mark.unit

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/eeg_seizure"

COLUMNS = "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration\n"


@pytest.fixture
def written(tmp_path):
    def write(*rows: str, header: str = COLUMNS, end: str = "\n") -> Path:
        path = tmp_path / "sub-01_run-02_events.tsv"
        text = header + "".join(f"{row.replace(' ', chr(9))}\n" for row in rows)
        path.write_bytes(text.replace("\n", end).encode())
        return path

    return write


def bounds(timeline: Timeline) -> list[tuple[float, float, str]]:
    return [(event.onset_s, event.offset_s, event.label) for event in timeline.events]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["36.89 200.32 sz 1.00 n/a n/a 3600.00"], [(36.89, 237.21, "seiz")]),
        (["5 1 sz_foc_ia_nm n/a n/a n/a 60"], [(5, 6, "sz_foc_ia_nm")]),
        (["5 1 sz_uo_m_tonicMyio n/a n/a n/a 60"], [(5, 6, "sz_uo_m_tonicMyio")]),
        (["5 1 fnsz n/a n/a n/a 60"], [(5, 6, "fnsz")]),
        (["0.00 60.00 bckg n/a n/a n/a 60.00"], [(0, 60, "bckg")]),
        (["30 1 sz n/a n/a n/a 60", "5 1 sz n/a n/a n/a 60"], [(5, 6, "seiz"), (30, 31, "seiz")]),
        (
            ["0.1 0.2 sz n/a n/a n/a 1", "0.3 0.1 sz n/a n/a n/a 1"],
            [(0.1, 0.3, "seiz"), (0.3, 0.4, "seiz")],
        ),
    ],
)
def test_rows_become_events(written, rows, expected):
    assert bounds(read_hed_tsv(written(*rows))) == expected


def test_crlf_and_further_columns_are_read(written):
    header = COLUMNS.replace("confidence", "lateralization\tconfidence")
    path = written("977.00 74.00 sz left n/a n/a n/a 21546.00", header=header, end="\r\n")
    timeline = read_hed_tsv(path)
    assert bounds(timeline) == [(977, 1051, "seiz")]
    assert (timeline.recording_id, timeline.duration_s) == ("sub-01_run-02", 21546)


def test_confidence_and_channels_are_kept(written):
    timeline = read_hed_tsv(
        written("1 1 sz 0.25 C3,C4 n/a 60", "3 1 sz n/a n/a n/a 60", "5 1 sz 0 all n/a 60")
    )
    assert [(event.confidence, event.channels) for event in timeline.events] == [
        (0.25, ("C3", "C4")),
        (None, ()),
        (0.0, ()),
    ]


def test_impedance_checks_are_time_without_eeg(written):
    timeline = read_hed_tsv(
        written(
            "40 5 impd n/a n/a n/a 60",
            "10 0 impd n/a n/a n/a 60",
            "45 5 impd n/a n/a n/a 60",
            "20 1 sz n/a n/a n/a 60",
        )
    )
    assert timeline.gaps == ((40, 50),)
    assert (bounds(timeline), timeline.observed_s) == ([(20, 21, "seiz")], 50)


def test_the_duration_may_be_given_where_no_row_states_it(written):
    assert read_hed_tsv(written("1 1 sz n/a n/a n/a n/a"), duration_s=60).duration_s == 60


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1 0 sz n/a n/a n/a 60"], r"line 2: 'seiz' starts at 1 s and stops at 1 s"),
        (["1 -1 impd n/a n/a n/a 60"], r"line 2: 'impd' starts at 1 s and stops at 0 s"),
        (["59 2 sz n/a n/a n/a 60"], r"line 2: 'seiz' from 59 s to 61 s lies outside"),
        (["59 2 impd n/a n/a n/a 60"], r"line 2: 'impd' from 59 s to 61 s lies outside"),
        (
            ["1 1 sz n/a n/a n/a 60", "5 1 sz n/a n/a n/a 61"],
            r"line 3: recordingDuration is 61 s, on",
        ),
        (
            ["1 5 sz n/a n/a n/a 60", "5 2 sz_gen n/a n/a n/a 60"],
            r"line 3: 'sz_gen' from 5 s shares",
        ),
        (["1 5 spike n/a n/a n/a 60"], r"unknown labels: 'spike' \(line 2\)"),
        (["1 5 sz n/a n/a n/a"], r"line 2: 6 cells; the header names 7 columns"),
        (["n/a 5 sz n/a n/a n/a 60"], r"line 2: onset is 'n/a'; a number is needed"),
        (["1 5 sz n/a n/a n/a n/a"], r"does not state how long the recording is"),
        (["1 5 sz 2 n/a n/a 60"], r"line 2: confidence is 2"),
    ],
)
def test_malformed_rows_are_refused_by_their_line(written, rows, message):
    with pytest.raises(FormatError, match=message):
        read_hed_tsv(written(*rows))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "onset\tduration\ttrial_type\n",
            "columns onset, duration, trial_type; onset, duration, ev",
        ),
        ("", "begins with the columns nothing"),
    ],
)
def test_tables_of_something_else_are_refused(written, header, message):
    with pytest.raises(FormatError, match=message):
        read_hed_tsv(written(header=header))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"x_events.tsv' does not exist"):
        read_hed_tsv(tmp_path / "x_events.tsv")


def test_overlapping_seizures_become_one_event_on_request(written):
    path = written("1 5 sz_foc n/a C3 n/a 60", "5 2 sz_gen n/a n/a n/a 60")
    assert bounds(read_hed_tsv(path, overlaps="merge")) == [(1, 7, "sz_foc")]


def test_files_are_written_with_seven_columns(tmp_path):
    path = tmp_path / "x_events.tsv"
    events = (Event(1, 2.5, "cpsz", 0.5, ("C3", "C4")), Event(3, 4))
    write_hed_tsv(path, Timeline("x", 60.0, events), start=datetime(2024, 5, 6, 7, 8, 9))
    assert path.read_text() == (
        COLUMNS
        + "1.0000\t1.5000\tsz_foc_ia\t0.5000\tC3,C4\t2024-05-06 07:08:09\t60.0000\n"
        + "3.0000\t1.0000\tsz\tn/a\tn/a\t2024-05-06 07:08:09\t60.0000\n"
    )


def test_a_recording_without_events_has_one_row_of_background(tmp_path):
    path = tmp_path / "x_events.tsv"
    write_hed_tsv(path, Timeline("x", 60.0))
    assert path.read_text() == COLUMNS + "0.0000\t60.0000\tbckg\tn/a\tn/a\tn/a\t60.0000\n"


def test_gaps_are_written_only_on_request_for_other_readers_stop_at_them(tmp_path):
    path = tmp_path / "x_events.tsv"
    timeline = Timeline("x", 60.0, (Event(1, 2),), ((10.0, 20.0),))
    write_hed_tsv(path, timeline)
    assert "impd" not in path.read_text()
    write_hed_tsv(path, timeline, gaps=True)
    assert read_hed_tsv(path) == timeline


@st.composite
def timelines(draw):
    cuts = sorted(draw(st.sets(st.integers(0, 900_000_000), min_size=3, max_size=12)))
    labels = st.sampled_from(["seiz", "sz_foc", "sz_gen_m_tonic", "bckg"])
    confidences = st.none() | st.integers(0, 10_000).map(lambda n: n / 10_000)
    channels = st.sampled_from([(), ("C3",), ("C3", "EEG F7")])
    rows = [(a / 10_000, b / 10_000) for a, b in pairwise(cuts[:-1])]
    gaps = draw(st.booleans())
    events = [Event(*row, draw(labels), draw(confidences), draw(channels)) for row in rows[gaps:]]
    return Timeline("x", cuts[-1] / 10_000, tuple(events), tuple(rows[:gaps]))


@settings(max_examples=60, deadline=None)
@given(timelines())
def test_what_is_written_is_read_again(tmp_path_factory, timeline):
    path = tmp_path_factory.mktemp("tsv") / "x_events.tsv"
    write_hed_tsv(path, timeline, gaps=True)
    if timeline.events:
        assert read_hed_tsv(path) == timeline


@pytest.mark.integration
def test_all_recordings_of_seizeit2_are_read():
    paths = sorted((SHARED / "seizeit2_events").rglob("*_events.tsv"))
    if not paths:
        pytest.skip("SeizeIT2 is not here")
    timelines = [read_hed_tsv(path) for path in paths]
    assert len(timelines) == 496
    assert sum(len(timeline.seizures) for timeline in timelines) == 129
    assert round(sum(timeline.duration_s for timeline in timelines) / 3600, 1) == 1679.0
    assert sum(len(timeline.gaps) for timeline in timelines) > 50
