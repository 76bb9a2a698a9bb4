import json
from pathlib import Path

import pytest

from neurorun.core import FormatError
from neurorun.data.gaze import find_gaze_files, parse_gaze_name, read_fixations

pytestmark = pytest.mark.unit

SHARED = Path(__file__).resolve().parents[3] / "../shared/data"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="shared data are not here")


def written(folder, content, name="fixations.json"):
    path = folder / name
    path.write_text(json.dumps(content))
    return path


def entry(x=1.5, **more):
    return {"start_time": 100.0, "end_time": 100.2, "duration": 0.2, "x": x, "y": 3.0, **more}


@pytest.mark.parametrize(
    ("content", "n", "n_sessions", "n_empty"),
    [
        pytest.param({"fixations": [entry(), entry()]}, 2, 1, 0, id="flat"),
        pytest.param([entry()], 1, 1, 0, id="a-list"),
        pytest.param({"fixations": []}, 0, 1, 1, id="empty"),
        pytest.param({"sessions": []}, 0, 1, 1, id="no-session"),
        pytest.param(
            {"sessions": [{"fixations": [entry()]}, {"fixations": []}, {"fixations": None}]},
            1,
            3,
            2,
            id="sessions",
        ),
        pytest.param([{"fixations": [entry()]}], 1, 1, 0, id="list-of-sessions"),
    ],
)
def test_all_forms_are_read(tmp_path, content, n, n_sessions, n_empty):
    found = read_fixations(written(tmp_path, content))
    assert (len(found.fixations), found.n_sessions, found.n_empty_sessions) == (
        n, n_sessions, n_empty,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "channels"),
    [
        ({"channel": ["O1", "O2"]}, ("O1", "O2")),
        ({"channel": "F7"}, ("F7",)),
        ({"channels": ["FZ", None]}, ("FZ",)),
        ({"channel": None}, ()),
        ({}, ()),
    ],
)
def test_channels_come_in_several_forms(tmp_path, more, channels):
    (fixation,) = read_fixations(written(tmp_path, [entry(**more)])).fixations
    assert fixation.channels == channels


def test_a_missing_duration_is_what_lies_between_the_times(tmp_path):
    (fixation,) = read_fixations(written(tmp_path, [entry(duration=None)])).fixations
    assert fixation.duration_s == pytest.approx(0.2)


def test_entries_without_position_are_counted_and_left_out(tmp_path):
    found = read_fixations(written(tmp_path, [entry(x=None), entry()]))
    assert (len(found.fixations), found.n_left_out) == (1, 1)


@pytest.mark.parametrize(
    "broken",
    [entry(x="here"), entry(duration=-1.0), entry(x=float("inf")), {"y": 2.0, "duration": 0.1}],
)
def test_broken_entries_are_named(tmp_path, broken):
    with pytest.raises(FormatError, match=r"holds the fixation .*; x in seconds and a duration"):
        read_fixations(written(tmp_path, [broken]))


@pytest.mark.parametrize("content", [{"session": []}, {"a": 1}, 3, ["x"]])
def test_other_files_are_refused(tmp_path, content):
    with pytest.raises(FormatError, match=r"holds no fixations: .*read_raw_gaze"):
        read_fixations(written(tmp_path, content))


@pytest.mark.parametrize(
    ("name", "recording", "window"),
    [
        ("fixations_0000005.json", "0000005", None),
        ("0000006_P0_S1.json", "0000006", 1),
        ("4_P0.json", "4", None),
        ("MH_2019_0000406.json", "mh_2019_0000406", None),
    ],
)
def test_names_tell_recording_and_window(name, recording, window):
    found = parse_gaze_name(name)
    assert (found.recording, found.window) == (recording, window)


def test_two_files_for_one_recording_are_refused(tmp_path):
    for name in ("7_P0.json", "fixations_7.json"):
        written(tmp_path, [], name)
    with pytest.raises(FormatError, match="are both for recording '7'; one file is allowed"):
        find_gaze_files(tmp_path)


@needs_data
def test_every_shared_file_is_read():
    folder = SHARED / "gaze_real"
    counts = {
        path.name: len(read_fixations(path).fixations) for path in folder.glob("*fixations*.json")
    }
    assert counts == {
        "output_fixations_all_sessions_new.json": 416,
        "output_fixations_test.json": 5,
        "fixations_session_20251026_145519.json": 5,
    }
    found = read_fixations(folder / "output_fixations_all_sessions_new.json")
    assert (found.n_sessions, found.n_empty_sessions) == (74, 1)
    gaze = SHARED / "gaze" / "gaze"
    assert sum(len(read_fixations(path).fixations) for path in gaze.glob("*.json")) == 2834
