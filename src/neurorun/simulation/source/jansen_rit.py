"""A network of Jansen-Rit neural masses, integrated with delays and noise.

The equations and constants are those of The Virtual Brain [1]_, whose traces it repeats to rounding
when fed the same history, state and normal numbers. The sigmoid of a node serves the node itself
and all nodes that it reaches, so the sigmoid is what is remembered for the delays.

References
----------
.. [1] Jansen, Rit, "Electroencephalogram and visual evoked potential generation in a mathematical
   model of coupled cortical columns", Biological Cybernetics 73, 1995; as ``JansenRit`` with
   ``SigmoidalJansenRit`` coupling in tvb-library 2.10.0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float64

from neurorun.core import DataError
from neurorun.simulation.source.connectivity import Connectivity

V0_MV, SLOPE, HALF_MAX_RATE = 6.0, 0.56, 0.0025
A_RATE, B_RATE, B_MV, C = 0.1, 0.05, 22.0, 135.0
USUAL_A_MV, SPIKING_A_MV = 3.25, 3.5
NOISE_GAIN = 3.25 * (0.15 - 0.03) * 0.1 * 0.5
"""Noise of factor 1: deviation of y4 per root millisecond."""

_TALLEST_EXPONENT = 80.0


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """How a network is driven and integrated.

    Parameters
    ----------
    mu : mean input from outside, per ms
    noise_factor : strength of the noise; 0 for none
    dt_ms : step
    speed_mm_per_ms : of conduction
    """

    mu: float = 0.087
    noise_factor: float = 1.0
    dt_ms: float = 0.5
    speed_mm_per_ms: float = 3.0


class JansenRitNetwork:
    """Integrates several independent runs of one network at once.

    Parameters
    ----------
    connectivity : coupling
    excitability_mv : A of every node in every run; 3.25 at rest, 3.5 where spikes should arise
    settings : drive and step
    state : y0 to y5 of every node and run; zeros if None
    past : sigmoid-ready potentials y1 - y2 at past steps, the last being now; zeros if None
    dtype : float64 repeats The Virtual Brain, float32 is faster
    """

    def __init__(
        self,
        connectivity: Connectivity,
        excitability_mv: Float64[np.ndarray, "nodes runs"],
        *,
        settings: NetworkSettings = NetworkSettings(),
        state: Float64[np.ndarray, "6 nodes runs"] | None = None,
        past: Float64[np.ndarray, "past nodes runs"] | None = None,
        dtype: Any = np.float32,
    ) -> None:
        n_nodes, n_runs = excitability_mv.shape
        if n_nodes != connectivity.n_nodes:
            raise DataError(
                f"A is given for {n_nodes} nodes, the network has {connectivity.n_nodes}."
            )
        self._settings, self._dtype = settings, np.dtype(dtype)
        self._gain = (excitability_mv * A_RATE).astype(dtype)
        self._y = np.zeros((6, n_nodes, n_runs), dtype)
        if state is not None:
            self._y[:] = state
        self._connect(connectivity, n_runs)
        if past is not None:
            self._remember(past)
        self._step = 0

    def _connect(self, connectivity: Connectivity, n_runs: int) -> None:
        from scipy.sparse import csr_array

        receiving, sending = np.nonzero(connectivity.weights)
        length_mm = connectivity.length_mm[receiving, sending]
        step_mm = self._settings.speed_mm_per_ms * self._settings.dt_ms
        delay = np.rint(length_mm / step_mm).astype(np.int64)
        n_links, n_nodes = len(receiving), connectivity.n_nodes
        self._horizon = int(delay.max(initial=0)) + 1
        self._from = -delay * n_nodes + sending
        first = np.searchsorted(receiving, np.arange(n_nodes + 1))
        weights = connectivity.weights[receiving, sending].astype(self._dtype)
        self._sum = csr_array((weights, np.arange(n_links), first), shape=(n_nodes, n_links))
        rest = np.zeros((n_nodes, n_runs), self._dtype)
        self._ring = np.empty((self._horizon, n_nodes, n_runs), self._dtype)
        self._ring[:] = _sigmoid(rest)
        self._flat = self._ring.reshape(-1, n_runs)

    def _remember(self, past: np.ndarray) -> None:
        """Fill the ring: the last of ``past`` is step 0, those before it are earlier steps."""
        for back in range(min(len(past), self._horizon)):
            self._ring[-back % self._horizon] = _sigmoid(past[-1 - back].astype(self._dtype))

    def run(
        self, n_steps: int, noise: Iterator[Float[np.ndarray, "nodes runs"]] | None = None
    ) -> Iterator[Float[np.ndarray, "nodes runs"]]:
        """Yield the potential y1 - y2 in mV after every step; a view that the next step overwrites.

        Parameters
        ----------
        n_steps : how many
        noise : standard normal numbers for every step; none if None
        """
        settings = self._settings
        dt = self._dtype.type(settings.dt_ms)
        gain = self._dtype.type(np.sqrt(settings.dt_ms) * NOISE_GAIN * settings.noise_factor)
        for _ in range(n_steps):
            coupling = self._coupling()
            first = self._slope(self._y, coupling)
            guess = self._y + dt * first
            if noise is not None:
                kick = gain * next(noise)
                guess[4] += kick
                self._y[4] += kick
            first += self._slope(guess, coupling)
            first *= dt / 2
            self._y += first
            self._step += 1
            potential = self._y[1] - self._y[2]
            self._ring[self._step % self._horizon] = _sigmoid(potential)
            yield potential

    def _coupling(self) -> np.ndarray:
        """Input of every node from the others, each link with its own delay."""
        n_nodes = self._ring.shape[1]
        places = self._from + (self._step % self._horizon) * n_nodes
        places += (places < 0) * (self._horizon * n_nodes)
        return np.asarray(self._sum @ self._flat[places])

    def _slope(self, y: np.ndarray, coupling: np.ndarray) -> np.ndarray:
        a, b, mu = A_RATE, B_RATE, self._settings.mu
        slope = np.empty_like(y)
        slope[:3] = y[3:]
        slope[3] = self._gain * _sigmoid(y[1] - y[2]) - 2 * a * y[3] - a * a * y[0]
        excited = mu + 0.8 * C * _sigmoid(C * y[0]) + coupling
        slope[4] = self._gain * excited - 2 * a * y[4] - a * a * y[1]
        inhibited = 0.25 * C * _sigmoid(0.25 * C * y[0])
        slope[5] = B_MV * b * inhibited - 2 * b * y[5] - b * b * y[2]
        return slope


def _sigmoid(potential: np.ndarray) -> np.ndarray:
    """Firing rate per ms of a population at a potential in mV."""
    exponent = np.minimum(SLOPE * (V0_MV - potential), _TALLEST_EXPONENT)
    return np.asarray(2 * HALF_MAX_RATE / (1 + np.exp(exponent)))
