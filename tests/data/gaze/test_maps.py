import numpy as np
import pytest

from neurorun.core import DataError
from neurorun.data.gaze import (
    REFERENTIAL,
    TCP,
    Fixation,
    GazeMapConfig,
    electrode_shares,
    gaze_map,
)

pytestmark = pytest.mark.unit

ORIGINAL = GazeMapConfig(recipe="original", unplaced="smear", scale="none")


def fixation(x=10.0, duration=0.3, channels=("O1",), n_points=10):
    return Fixation(x, 0.0, duration, channels, n_points)


def original_by_loops(fixations, n=15000, duration=300.0):
    """The original recipe, written out from its description."""
    names = [name.upper() for name in REFERENTIAL]
    values = np.zeros((22, n), np.float64)
    for f in fixations:
        if not 0 <= f.x_s <= duration:
            continue
        centre = min(max(int(f.x_s / duration * n), 0), n - 1)
        half = max(1, int(f.duration_s * 50) // 2)
        start, stop = max(0, centre - half), min(n, centre + half)
        rows = [names.index(c.upper()) for c in f.channels if c.upper() in names]
        weight = min(1.0, f.duration_s * 2) * min(1.0, f.n_points / 50) * 0.8 + 0.2
        if not rows:
            rows, weight = list(range(22)), 0.3 * weight
        sigma = max(1.0, (stop - start) / 4)
        for row in rows:
            for t in range(start, stop):
                values[row, t] += weight * np.exp(-0.5 * ((t - (start + stop) / 2) / sigma) ** 2)
    return values


@pytest.mark.parametrize(
    "fixations",
    [
        [fixation()],
        [fixation(x=0.0), fixation(x=300.0, duration=2.9, n_points=90)],
        [fixation(channels=("O1", "O2")), fixation(x=10.05, channels=("O1",))],
        [fixation(channels=("ECG",)), fixation(channels=()), fixation(channels=("EKG",))],
        [fixation(x=301.0), fixation(x=-1.0), fixation(x=12.0, duration=0.01)],
    ],
)
def test_the_original_recipe_is_followed_exactly(fixations):
    drawn = gaze_map(fixations, ORIGINAL, montage="referential")
    np.testing.assert_allclose(drawn.values, original_by_loops(fixations), atol=1e-6)


def test_the_original_map_of_nothing_is_constant_and_has_no_gaze():
    drawn = gaze_map([], ORIGINAL, montage="referential")
    assert np.unique(drawn.values).tolist() == [np.float32(0.01)]
    assert not drawn.has_gaze


def test_versions_of_the_original_differ_in_scale():
    many = [fixation(x=10.0), fixation(x=10.0), fixation(x=50.0)]
    largest = {
        scale: gaze_map(
            many, GazeMapConfig(recipe="original", scale=scale), montage="referential"
        ).values
        for scale in ("none", "max", "floor")
    }
    assert largest["max"].max() == 1.0
    assert largest["floor"].max() == pytest.approx(1.0)
    assert largest["floor"].min() == pytest.approx(0.1)
    assert largest["none"].max() < 1.0


def test_the_original_has_no_rows_for_derivations():
    with pytest.raises(DataError, match="whose rows are electrodes; the montage is 'tcp'"):
        gaze_map([fixation()], ORIGINAL, montage="tcp")


def test_a_look_at_an_electrode_falls_on_all_derivations_that_hold_it():
    drawn = gaze_map([fixation(channels=("O1",))])
    rows = np.flatnonzero(drawn.values.max(axis=1))
    assert [TCP[row] for row in rows] == ["T5-O1", "P3-O1"]


@pytest.mark.parametrize(
    ("midline", "names"), [("neighbours", ["C3-P3", "C4-P4", "P3-O1", "P4-O2"]), ("drop", [])]
)
def test_pz_goes_to_its_neighbours_or_nowhere(midline, names):
    shares = electrode_shares("PZ", TCP, midline=midline)
    assert [TCP[row] for row in np.flatnonzero(shares)] == names
    assert set(shares[shares > 0].tolist()) <= {0.5}


def test_names_of_electrodes_are_understood_in_every_spelling():
    for name in ("T7", "T3", "t3", "EEG T3-REF"):
        assert electrode_shares(name, REFERENTIAL)[REFERENTIAL.index("T3")] == 1


@pytest.mark.parametrize("channels", [("ECG",), ("EKG",), (), ("X9",)])
def test_fixations_off_the_eeg_are_counted_not_smeared(channels):
    drawn = gaze_map([fixation(channels=channels), fixation()])
    assert (drawn.n_placed, drawn.n_unplaced, drawn.n_outside) == (1, 1, 0)
    assert not drawn.values[TCP.index("Fp1-F7")].any()


def test_smearing_is_an_option():
    drawn = gaze_map(
        [fixation(channels=("ECG",)), fixation(x=100.0)], GazeMapConfig(unplaced="smear")
    )
    assert drawn.values[TCP.index("Fp1-F7"), 500] == pytest.approx(0.3, abs=1e-6)


def test_width_is_that_of_the_fovea_and_weight_is_dwell():
    drawn = gaze_map([fixation(10.0, 0.2), fixation(100.0, 0.4)], GazeMapConfig(foveal_sigma=0.4))
    row = drawn.values[TCP.index("P3-O1")]
    assert row[5000] == 1.0
    assert row[500] == pytest.approx(0.5)
    assert row[500 + 20] / row[500] == pytest.approx(np.exp(-0.5), abs=1e-6)


def test_the_shortest_look_may_keep_some_weight():
    looks = [fixation(10.0, 0.0), fixation(100.0, 0.4)]
    row = gaze_map(looks, GazeMapConfig(smallest_weight=0.25)).values[TCP.index("P3-O1")]
    assert row[500] == pytest.approx(0.25)


def test_later_windows_hold_what_was_looked_at_in_them():
    looks = [fixation(310.0), fixation(10.0)]
    drawn = gaze_map(looks, onset_s=300.0)
    assert (drawn.n_placed, drawn.n_outside) == (1, 1)
    assert drawn.values[TCP.index("P3-O1")].argmax() == 500


def test_a_map_without_gaze_is_zero_and_says_so():
    drawn = gaze_map([])
    assert not drawn.values.any()
    assert not drawn.has_gaze
    assert drawn.values.shape == (22, 15000)
