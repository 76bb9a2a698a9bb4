"""The neural-mass network."""

import zipfile

import numpy as np
import pytest

from neurorun.core import DataError, FormatError
from neurorun.simulation import Connectivity, JansenRitNetwork, NetworkSettings, load_connectivity
from neurorun.simulation.source.jansen_rit import NOISE_GAIN

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def connectivity(shared):
    return load_connectivity(shared / "neural_mass/connectivity_76.zip")


@pytest.mark.parametrize("kind", ["deterministic", "stochastic"])
def test_traces_equal_those_of_the_virtual_brain(shared, connectivity, kind):
    stored = np.load(shared / f"neural_mass/trace_76_{kind}.npz")
    history = stored["history"].astype(np.float64)
    potential = history[:, 0] - history[:, 1]
    past = np.roll(potential[::-1], 1, axis=0)[::-1]
    factor = float(stored["noise_y4"]) / NOISE_GAIN
    network = JansenRitNetwork(
        connectivity,
        stored["A"][:, None],
        settings=NetworkSettings(mu=float(stored["mu"]), noise_factor=factor),
        state=stored["state0"][..., None],
        past=past[..., None],
        dtype=np.float64,
    )
    noise = iter(stored["z"][..., None]) if factor else None
    found = np.array([now[:, 0].copy() for now in network.run(400, noise)])
    largest = np.abs(stored["v"]).max()
    np.testing.assert_allclose(found / largest, stored["v"] / largest, rtol=0, atol=1e-9)


def test_runs_beside_each_other_do_not_meet(connectivity):
    excitability = np.full((76, 2), 3.25)
    excitability[5, 1] = 3.5
    both = JansenRitNetwork(connectivity, excitability, dtype=np.float64)
    alone = JansenRitNetwork(connectivity, excitability[:, 1:], dtype=np.float64)
    for together, apart in zip(both.run(50), alone.run(50), strict=True):
        np.testing.assert_allclose(together[:, 1], apart[:, 0], atol=1e-12)


def test_single_precision_stays_close(connectivity):
    excitability = np.full((76, 1), 3.25)
    networks = [
        JansenRitNetwork(connectivity, excitability, dtype=dtype)
        for dtype in (np.float32, np.float64)
    ]
    for coarse, fine in zip(*(network.run(200) for network in networks), strict=True):
        np.testing.assert_allclose(coarse, fine, atol=1e-3)


def test_the_excitability_must_fit_the_network(connectivity):
    with pytest.raises(DataError, match="A is given for 75 nodes, the network has 76"):
        JansenRitNetwork(connectivity, np.full((75, 1), 3.25))


def test_what_is_no_connectivity_is_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        load_connectivity(tmp_path / "none.zip")
    (tmp_path / "x.zip").write_bytes(b"x")
    with pytest.raises(FormatError, match="is not a zip file"):
        load_connectivity(tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("weights.txt", "1 2\n3 x\n")
    with pytest.raises(FormatError, match=r"'weights.txt' of .* is no table of numbers"):
        load_connectivity(tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("weights.txt", "0 2\n3 0\n")
    with pytest.raises(FormatError, match=r"holds weights.txt; tract_lengths.txt is needed"):
        load_connectivity(tmp_path / "x.zip")
    with pytest.raises(FormatError, match="must be square"):
        Connectivity(np.ones((2, 3)), np.ones((2, 3)))
    with pytest.raises(FormatError, match="negative or not finite"):
        Connectivity(-np.ones((2, 2)), np.ones((2, 2)))
