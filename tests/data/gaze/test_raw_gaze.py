import json
from pathlib import Path

import pytest

from neurorun.core import FormatError
from neurorun.data.gaze import GazePoint, find_fixations, read_fixations, read_raw_gaze

pytestmark = pytest.mark.unit

SHARED = Path(__file__).resolve().parents[3] / "../shared/data"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="shared data are not here")


def points(ys, *, step_s=0.05, channel="O1"):
    return [GazePoint(i * step_s, 1.0, float(y), channel) for i, y in enumerate(ys)]


@pytest.mark.parametrize(
    ("ys", "n_points"),
    [
        # still for five samples, then away
        pytest.param([0] * 5 + [500], [5], id="one"),
        # two groups, each still
        pytest.param([0] * 4 + [500] * 4, [4, 4], id="two"),
        # a jump within the first three samples moves the window on
        pytest.param([900, 0, 0, 0, 0], [4], id="late"),
        pytest.param([0, 500, 0, 500, 0, 500], [], id="restless"),
        pytest.param([0, 0], [], id="too-few"),
        pytest.param([0, 40, 80, 81], [3], id="at-the-limit"),
    ],
)
def test_fixations_are_groups_of_small_dispersion(ys, n_points):
    assert [f.n_points for f in find_fixations(points(ys))] == n_points


def test_short_groups_are_dropped_and_the_search_goes_on_after_them():
    assert not find_fixations(points([0] * 3, step_s=0.01))


def test_samples_off_the_page_are_left_out():
    off = GazePoint(0.12, float("nan"), float("nan"))
    assert [f.n_points for f in find_fixations([*points([0] * 3), off])] == [3]


def test_channels_stand_in_order_of_first_visit():
    some = [*points([0] * 3, channel="O2"), GazePoint(0.2, 1.0, 0.0, "O1")]
    assert find_fixations(some)[0].channels == ("O2", "O1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "has no list 'session' of pages"),
        ({"fixations": []}, "has no list 'session' of pages"),
        ({"session": [{"time_window": 10}]}, "holds a page of gaze that is not readable"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(content))
    with pytest.raises(FormatError, match=message):
        read_raw_gaze(path)


@needs_data
@pytest.mark.parametrize(
    ("name", "n_points"),
    [("session_20251125_110451.json", [292, 817]), ("session_20250918_130621.json", [0])],
)
def test_real_sessions_are_read(name, n_points):
    raw = read_raw_gaze(SHARED / "gaze_real" / name)
    assert [len(page.points) for page in raw.pages] == n_points


@needs_data
def test_the_fixations_of_a_session_are_found_again():
    folder = SHARED / "gaze" / "recordings"
    raw = read_raw_gaze(folder / "session_0000002.json")
    found = [f for page in raw.pages for f in find_fixations(page.points)]
    wanted = read_fixations(folder / "fixations_session_0000002.json").fixations
    assert len(found) == len(wanted) == 99
    for one, other in zip(found, wanted, strict=True):
        assert (one.channels, one.n_points) == (other.channels, other.n_points)
        assert one.x_s == pytest.approx(other.x_s, abs=1e-9)
        assert one.duration_s == pytest.approx(other.duration_s, abs=1e-6)
