"""Spikes: found, cut, raised, and simulated until there are enough."""

import numpy as np
import pytest

from neurorun.core import DataError
from neurorun.simulation import (
    ClipSimulation,
    NetworkSettings,
    find_clips,
    read_clip,
    simulate_clips,
    spherical_anatomy,
    spherical_leadfield,
    synthetic_connectivity,
)
from neurorun.simulation.source.amplitude import amplitudes
from neurorun.simulation.source.spike_search import cut_clips, find_spikes, raise_spike

pytestmark = pytest.mark.unit


def with_spikes(*spikes, n_samples=3000):
    """Three quiet regions with spikes (region, sample)."""
    potential = np.ones((3, n_samples), np.float32)
    for region, sample in spikes:
        potential[region, sample - 2 : sample + 3] = [4, 8, 11, 8, 4]
    return potential


@pytest.mark.parametrize(
    ("spikes", "kept"),
    [
        pytest.param([(0, 700)], [700], id="alone"),
        pytest.param([(0, 700), (1, 790)], [700], id="too-soon-after-another-region"),
        pytest.param([(0, 700), (1, 801)], [700, 801], id="late-enough"),
        pytest.param([(0, 700), (0, 790), (0, 880)], [700], id="each-counts-from-the-one-before"),
        pytest.param([(0, 200), (0, 2800)], [], id="too-near-the-ends"),
    ],
)
def test_spikes(spikes, kept):
    when, _ = find_spikes(with_spikes(*spikes))
    assert when.tolist() == kept


def test_low_peaks_and_plateaus_are_no_spikes():
    potential = with_spikes()
    potential[0, 700] = 7.9
    potential[1, 900:902] = 9.0
    assert find_spikes(potential)[0].tolist() == []


@pytest.mark.parametrize(
    ("spikes", "starts"),
    [
        pytest.param([(0, 700)], [500], id="the-whole-second-around-it"),
        pytest.param([(0, 600), (0, 900)], [500], id="two-in-a-second-give-one-clip"),
        pytest.param([(0, 700), (1, 1150)], [], id="another-within-the-margin"),
        pytest.param([(0, 700), (1, 1250)], [500], id="another-beyond-the-margin"),
        pytest.param([(1, 700)], [], id="spikes-of-another-region"),
    ],
)
def test_clips_are_cut_where_only_their_region_spikes(spikes, starts):
    potential = with_spikes(*spikes)
    potential[2] = np.linspace(0, 1, potential.shape[1])
    clips = cut_clips(potential, 0)
    expected = [potential[:, first : first + 500] for first in starts]
    assert len(clips) == len(expected)
    for clip, wanted in zip(clips, expected, strict=True):
        np.testing.assert_array_equal(clip, wanted)


def test_a_raised_spike_stands_out_by_the_ratio(project, leadfield):
    clip = read_clip(project / "source/nmm_spikes/a1/nmm_1.mat", n_regions=994)
    clip[1] = 1.3 + (clip[1] - 1.3) * 0.2
    raised = raise_spike(clip, 1, leadfield, ratio_db=15.0)
    wanted = amplitudes(
        clip,
        leadfield @ clip.astype(float),
        leadfield,
        centre=1,
        patch=np.array([1]),
        ratios_db=[15.0],
    )[0]
    assert raised[1].max() == pytest.approx(wanted, rel=0.15)
    others = np.arange(994) != 1
    np.testing.assert_array_equal(raised[others], clip[others])
    changed = np.flatnonzero(raised[1] != clip[1])
    assert changed[0] < clip[1].argmax() < changed[-1]
    assert np.abs(np.diff(raised[1])).max() < 0.6 * np.ptp(raised[1])


@pytest.fixture(scope="module")
def head():
    anatomy = spherical_anatomy(20, 8, seed=1)
    connectivity = synthetic_connectivity(anatomy.centre_mm, seed=1, mean_input=20.0)
    return connectivity, spherical_leadfield(anatomy)


def simulation(head, folder, **more):
    connectivity, leadfield = head
    settings = {
        "n_clips": 3,
        "settings": NetworkSettings(dt_ms=1.0),
        "max_pieces": 4,
        "n_at_once": 4,
    }
    return ClipSimulation(folder, connectivity, leadfield, **{**settings, **more})


@pytest.fixture(scope="module")
def simulated(head, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    counts = simulate_clips(simulation(head, folder), [3, 7])
    return folder, counts


def test_clips_are_simulated_until_there_are_enough(simulated):
    folder, counts = simulated
    assert counts == {3: 3, 7: 3}
    assert sorted(find_clips(folder)) == [(3, 1), (3, 2), (3, 3), (7, 1), (7, 2), (7, 3)]
    for (region, _), path in find_clips(folder).items():
        clip = read_clip(path, n_regions=20)
        assert clip[region].max() > clip[np.arange(20) != region].max()
        assert not np.any(clip * 1024 % 1)


def test_what_was_stopped_goes_on_with_the_same_clips(simulated, head, tmp_path):
    simulate_clips(simulation(head, tmp_path, n_clips=1), [7])
    assert len(find_clips(tmp_path)) == 1
    counts = simulate_clips(simulation(head, tmp_path, n_clips=1), [7])
    assert counts == {7: 1}
    first = read_clip(tmp_path / "a7/nmm_1.mat", n_regions=20)
    np.testing.assert_array_equal(first, read_clip(simulated[0] / "a7/nmm_1.mat", n_regions=20))
    assert simulate_clips(simulation(head, tmp_path, n_clips=3), [7]) == {7: 3}


@pytest.mark.slow
def test_processes_change_nothing(simulated, head, tmp_path):
    simulate_clips(simulation(head, tmp_path), [3, 7], n_workers=2)
    for key, path in find_clips(tmp_path).items():
        other = simulated[0] / path.relative_to(tmp_path)
        np.testing.assert_array_equal(
            read_clip(path, n_regions=20), read_clip(other, n_regions=20), err_msg=str(key)
        )


def test_a_region_that_never_spikes_is_given_up(head, tmp_path, caplog):
    quiet = NetworkSettings(mu=0.05, dt_ms=1.0)
    counts = simulate_clips(simulation(head, tmp_path, settings=quiet, max_pieces=1), [0])
    assert counts == {0: 0}
    assert "1 regions have fewer than 3 clips after 10 s each" in caplog.text


def test_two_simulations_do_not_share_a_folder(simulated, head):
    with pytest.raises(DataError, match="belongs to a simulation with other settings"):
        simulate_clips(simulation(head, simulated[0], seed=1), [3])


def test_what_does_not_fit_is_refused(head, tmp_path):
    with pytest.raises(DataError, match="Region 20 is asked for; the connectivity has regions"):
        simulate_clips(simulation(head, tmp_path), [20])
    connectivity, leadfield = head
    with pytest.raises(DataError, match="The leadfield has 19 regions, the connectivity gives 20"):
        simulate_clips(ClipSimulation(tmp_path, connectivity, leadfield[:, 1:]), [0])
