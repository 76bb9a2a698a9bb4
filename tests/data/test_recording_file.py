import json
from dataclasses import replace

import numpy as np
import pytest

from neurorun.core import DataError, Event, FormatError, Timeline, whole_recording
from neurorun.data.aligned_npz import map_member
from neurorun.data.recording_file import (
    FileIdentity,
    RecordingHeader,
    plain_timeline,
    read_recording_file,
    rewrite_events,
    writing_recording_file,
)
from neurorun.data.standardization import ChannelStatistics

pytestmark = pytest.mark.unit

STATISTICS = ChannelStatistics(np.array([0.1, -2.0]), np.array([30.0, 1 / 3]), ("C4",))
HEADER = RecordingHeader(
    recording_id="p1_s1",
    patient="p1",
    channels=("C3", "C4"),
    rate_hz=64.0,
    stretches=whole_recording(100),
    duration_s=100 / 64,
    gaps=((0.5, 0.75),),
    unit="uV",
    statistics={"zscore": STATISTICS, "robust": None},
    labelled=True,
    repairs=("The start date was repaired.",),
    notes=("Mapped.",),
    fingerprint="0123",
    source=FileIdentity("p1_s1.edf", 12, "ab"),
)
TIMELINE = Timeline("p1_s1", 100 / 64, (Event(0.1, 0.4, "fnsz"), Event(1, 1.5)), ((0.5, 0.75),))
SIGNAL = np.arange(200, dtype=np.int16).reshape(2, 100)


def write(path, header=HEADER, timeline=TIMELINE):
    with writing_recording_file(path) as writer:
        writer.write_signal(SIGNAL, shape=SIGNAL.shape)
        writer.write_rest(
            header, timeline, scale=np.float32([0.5, 0.25]), offset=np.float32([0, 1])
        )
    return path


def comparable(header):
    """Everything of a header, arrays as lists."""
    statistics = {
        kind: s and (s.center.tolist(), s.spread.tolist(), s.flat)
        for kind, s in header.statistics.items()
    }
    return {**header.__dict__, "statistics": statistics}


def test_what_is_written_is_read(tmp_path):
    file = read_recording_file(write(tmp_path / "a.npz"))
    assert comparable(file.header) == comparable(HEADER)
    assert file.timeline == TIMELINE
    np.testing.assert_array_equal(file.signal.mapped(), SIGNAL)
    assert (file.scale.tolist(), file.offset.tolist()) == ([0.5, 0.25], [0, 1])


def test_no_annotation_is_not_no_seizure(tmp_path):
    unlabelled = write(tmp_path / "a.npz", replace(HEADER, labelled=False), None)
    assert read_recording_file(unlabelled).timeline is None
    empty = write(tmp_path / "b.npz", HEADER, replace(TIMELINE, events=()))
    assert read_recording_file(empty).timeline == replace(TIMELINE, events=())


def test_events_are_stored_once_each_by_times_and_label():
    events = (Event(1, 2, "seiz", 0.5), Event(1, 2, "seiz", 1.0, ("C3",)), Event(1, 2, "fnsz"))
    plain = plain_timeline(Timeline("r", 10, events))
    assert plain.events == (Event(1, 2, "fnsz"), Event(1, 2, "seiz"))


def test_events_can_be_replaced_without_moving_the_signal(tmp_path):
    path = write(tmp_path / "a.npz")
    before = read_recording_file(path)
    after = replace(TIMELINE, events=(Event(0, 1, "absz"),))
    rewrite_events(path, after)
    file = read_recording_file(path)
    assert file.timeline == after
    assert file.signal.member == before.signal.member
    assert comparable(file.header) == comparable(before.header)
    np.testing.assert_array_equal(file.signal.mapped(), SIGNAL)
    rewrite_events(path, None)
    assert read_recording_file(path).timeline is None
    rewrite_events(path, TIMELINE)
    assert path.read_bytes() == write(tmp_path / "b.npz").read_bytes()


def test_an_old_reader_does_not_get_a_new_file_under_its_hands(tmp_path):
    path = write(tmp_path / "a.npz")
    file = read_recording_file(path)
    np.testing.assert_array_equal(file.signal.mapped(), SIGNAL)
    rewrite_events(path, None)
    np.testing.assert_array_equal(file.signal.mapped(), SIGNAL)
    map_member.cache_clear()
    with pytest.raises(DataError, match=r"was written again while it was read"):
        file.signal.mapped()


def test_a_failed_write_leaves_nothing(tmp_path):
    def fail():
        with writing_recording_file(tmp_path / "a.npz") as writer:
            writer.write_signal(SIGNAL, shape=SIGNAL.shape)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def rewritten(path, **changes):
    """Write the members again with NumPy, some of them changed."""
    with np.load(path) as npz:
        members = {**npz, **changes}
    np.savez(path, **{name: array for name, array in members.items() if array is not None})


def header_with(path, **fields):
    with np.load(path) as npz:
        header = json.loads(npz["header"].item()) | fields
    return np.array(json.dumps({k: v for k, v in header.items() if v != "removed"}))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format_version": 2}, r"version 2; this program reads neurorun-cached-recording, ver"),
        ({"format": "other"}, r"is of format other, version 1; this program reads"),
        ({"patient": "removed"}, r"has a damaged header \('patient'\); delete it and build"),
        ({"stretches": 5}, r"has a damaged header"),
        ({"stretches": [[0, 99, 0.0]]}, r"shape \(2, 100\) and type int16, its header speaks of 2"),
    ],
)
def test_headers_that_we_do_not_know_are_refused(tmp_path, fields, message):
    path = write(tmp_path / "a.npz")
    rewritten(path, header=header_with(path, **fields))
    with pytest.raises(FormatError, match=message):
        read_recording_file(path)


def test_other_npz_files_are_refused(tmp_path):
    path = write(tmp_path / "a.npz")
    rewritten(path, scale=None, events=None)
    with pytest.raises(FormatError, match=r"has no events, scale; it is no recording of a cache"):
        read_recording_file(path)


def test_a_file_is_identified_by_its_content(tmp_path):
    (tmp_path / "a.edf").write_bytes(b"12")
    (tmp_path / "b.edf").write_bytes(b"12")
    first, second = (FileIdentity.of(tmp_path / name) for name in ("a.edf", "b.edf"))
    assert (first.n_bytes, first.sha256) == (second.n_bytes, second.sha256)
