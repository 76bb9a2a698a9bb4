import numpy as np
import pytest

from neurorun.core import FormatError, Stretch
from neurorun.formats import read_header
from neurorun.formats.edf_clock import read_clock
from neurorun.formats.edf_tals import Tal

pytestmark = pytest.mark.unit


def times(*onsets: str) -> list[bytes]:
    return [f"{onset}\x14\x14\0".encode() for onset in onsets]


@pytest.fixture
def clock_of(edf_bytes, ramp, tmp_path):
    """Clock of a file at 4 Hz whose records of 1 s hold these annotation bytes."""

    def make(tals, *, reserved="EDF+C", is_bdf=False, **header):
        data = edf_bytes(
            [{"label": "Cz", "data": ramp(len(tals), 4)}],
            tals=tals,
            reserved=reserved,
            is_bdf=is_bdf,
            **header,
        )
        return read_clock(read_header(data.write(tmp_path / "a.edf")))

    return make


@pytest.mark.parametrize("is_bdf", [False, True])
def test_records_of_a_discontinuous_file_lie_where_their_annotations_say(clock_of, is_bdf):
    # record  |0||1|   |2||3|
    # second   0  1  2  3  4
    kind = "BDF+D" if is_bdf else "EDF+D"
    clock = clock_of(times("+0", "+1", "+3", "+4"), reserved=kind, is_bdf=is_bdf)
    assert clock.onsets_s.tolist() == [0, 1, 3, 4]
    assert clock.stretches(4, 4.0) == (Stretch(0, 8, 0.0), Stretch(8, 8, 3.0))
    assert (clock.duration_s, clock.notes) == (5.0, ())


def test_a_discontinuous_file_without_gaps_is_one_stretch(clock_of):
    clock = clock_of(times("+0", "+1", "+2"), reserved="EDF+D")
    assert clock.stretches(4, 4.0) == (Stretch(0, 12, 0.0),)


@pytest.mark.parametrize(
    ("onset", "n_stretches"),
    [("+1.12", 1), ("+1.13", 2), ("+0.88", 1)],
    ids=["late", "gap", "early"],
)
def test_less_than_half_a_sample_is_no_gap(clock_of, onset, n_stretches):
    clock = clock_of(times("+0", onset), reserved="EDF+D")
    assert len(clock.stretches(4, 4.0)) == n_stretches


@pytest.mark.parametrize("onsets", [("+0", "+0.87"), ("+0", "+5", "+2"), ("+0", "+0")])
def test_records_that_overlap_or_go_backwards_are_refused(clock_of, onsets):
    clock = clock_of(times(*onsets), reserved="EDF+D")
    with pytest.raises(FormatError, match=r"data record \d begins at .* s, before the one at .* s"):
        clock.stretches(4, 4.0)


@pytest.mark.parametrize(
    ("tals", "record"),
    [
        ([b"+0\x14\x14\0", b"\0\0"], 2),
        ([b"+0\x14\x14\0", b"+1\x14sz\x14\0"], 2),
        ([b"\0\0", b"+1\x14\x14\0"], 1),
    ],
)
def test_a_discontinuous_file_that_hides_a_time_is_refused(clock_of, tals, record):
    with pytest.raises(
        FormatError, match=rf"\(EDF\+D\), but its data record {record} does not beg"
    ):
        clock_of(tals, reserved="EDF+D")


def test_a_discontinuous_file_without_annotation_signal_is_refused(edf_bytes, ramp, tmp_path):
    data = edf_bytes([{"label": "Cz", "data": ramp(2, 4)}], reserved="EDF+D")
    with pytest.raises(FormatError, match="says that it has gaps"):
        read_clock(read_header(data.write(tmp_path / "a.edf")))


def test_a_file_without_annotations_has_records_one_after_the_other(edf_bytes, ramp, tmp_path):
    data = edf_bytes([{"label": "Cz", "data": ramp(3, 4)}], duration="0.1")
    clock = read_clock(read_header(data.write(tmp_path / "a.edf")))
    np.testing.assert_allclose(clock.onsets_s, [0, 0.1, 0.2])
    assert clock.start_offset_s == 0


def test_gaps_in_a_file_that_claims_to_be_continuous_are_believed_and_noted(clock_of):
    clock = clock_of(times("+0", "+1", "+7"))
    assert clock.stretches(4, 4.0) == (Stretch(0, 8, 0.0), Stretch(8, 4, 7.0))
    assert "says that the file is continuous, but 1 gaps" in clock.notes[0]


@pytest.mark.parametrize("onsets", [("+0", "+0", "+0"), ("+0", "+5", "+1")])
def test_overlapping_times_in_a_continuous_file_are_set_aside_and_noted(clock_of, onsets):
    clock = clock_of(times(*onsets))
    assert clock.stretches(4, 4.0) == (Stretch(0, 12, 0.0),)
    assert "times of the data records overlap; they were taken to be continuous" in clock.notes[0]


def test_missing_times_in_a_continuous_file_are_noted(clock_of):
    clock = clock_of([b"+0\x14\x14\0", b"\0", b"+2\x14\x14\0"])
    assert clock.onsets_s.tolist() == [0, 1, 2]
    assert "Some data records do not tell their time" in clock.notes[0]


def test_an_empty_annotation_signal_is_no_damage(clock_of):
    clock = clock_of([b"\0\0", b"\0\0"])
    assert (clock.onsets_s.tolist(), clock.notes) == ([0, 1], ())


def test_a_start_within_a_second_shifts_annotations_not_records(clock_of):
    clock = clock_of([b"+0.3\x14\x14\0+0.8\x152\x14sz\x14\0", b"+1.3\x14\x14\0"])
    assert clock.start_offset_s == 0.3
    assert clock.onsets_s.tolist() == [0, 1]
    assert clock.tals == (Tal(0.5, 2.0, ("sz",)),)
    assert clock.notes == ()


def test_a_start_later_than_a_second_is_noted(clock_of):
    clock = clock_of(times("+60", "+61"), reserved="EDF+D")
    assert clock.onsets_s.tolist() == [0, 1]
    assert clock.notes == ("The first sample lies 60 s after the start in the header.",)


def test_bytes_that_are_no_annotations_mean_that_the_layout_is_wrong(clock_of):
    with pytest.raises(
        FormatError, match=r"begins with b'\\x07.*'; a time such as '\+0' must stand"
    ):
        clock_of([b"\x07\x01\x02\x03\x04\x05\x06\x07", b"\0"])


def test_malformed_pieces_are_counted(clock_of):
    clock = clock_of([b"+0\x14\x14\0oops\0", b"+1\x14\x14\0"])
    assert clock.notes == ("1 pieces of the annotation signal are no annotation lists.",)


def test_slips_below_half_a_sample_that_add_up_are_noted(clock_of):
    clock = clock_of(times(*(f"+{i * 1.05:.2f}" for i in range(4))), reserved="EDF+D")
    assert len(clock.stretches(4, 4.0)) == 1
    assert "clock of the data records drifts by 0.15 s" in clock.notes[0]


def test_annotations_of_every_annotation_signal_are_read(edf_bytes, ramp, tmp_path):
    second = {"label": "EDF Annotations", "raw": [b"+0.5\x14b\x14\0\0"], "samples": 4}
    signals = [{"label": "Cz", "data": ramp(1, 4)}, second]
    data = edf_bytes(signals, tals=[b"+0\x14\x14\0+0\x14a\x14\0"], reserved="EDF+C")
    # the time-keeping signal comes first in the file
    data.signals[1], data.signals[2] = data.signals[2], data.signals[1]
    data = edf_bytes([data.signals[0], data.signals[1], data.signals[2]], reserved="EDF+C")
    clock = read_clock(read_header(data.write(tmp_path / "a.edf")))
    assert [tal.texts for tal in clock.tals] == [("a",), ("b",)]
