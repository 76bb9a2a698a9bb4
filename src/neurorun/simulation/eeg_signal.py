"""Parts of a scalp EEG: where electrodes sit, and noise of a given colour spread over them.

The head is a unit sphere; x points right, y to the nose, z up. Sources reach an electrode with a
weight that falls off with distance, wide for the brain and narrow for muscle and skin.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Float32, Float64

ELECTRODES = {
    "Fp1": (90.0, -18.0), "F3": (60.0, -39.0), "C3": (45.0, -90.0), "P3": (60.0, -141.0),
    "F7": (90.0, -54.0), "T3": (90.0, -90.0), "T5": (90.0, -126.0), "O1": (90.0, -162.0),
    "Fz": (45.0, 0.0), "Cz": (0.0, 0.0), "Pz": (45.0, 180.0),
    "Fp2": (90.0, 18.0), "F4": (60.0, 39.0), "C4": (45.0, 90.0), "P4": (60.0, 141.0),
    "F8": (90.0, 54.0), "T4": (90.0, 90.0), "T6": (90.0, 126.0), "O2": (90.0, 162.0),
}  # fmt: skip
"""Electrodes of the 10-20 system: degrees from the vertex, and from the nose to the right."""


def place(from_vertex_deg: float, azimuth_deg: float) -> Float64[np.ndarray, " xyz"]:
    """Point on the unit sphere.

    >>> place(0.0, 0.0).round(6).tolist()
    [0.0, 0.0, 1.0]
    """
    polar, azimuth = np.radians(from_vertex_deg), np.radians(azimuth_deg)
    return np.array(
        [np.sin(polar) * np.sin(azimuth), np.sin(polar) * np.cos(azimuth), np.cos(polar)]
    )


POSITIONS: Float64[np.ndarray, "channels xyz"] = np.array(
    [place(*angles) for angles in ELECTRODES.values()]
)


def distances_from(point: Float64[np.ndarray, " xyz"]) -> Float64[np.ndarray, " channels"]:
    """Straight distance of every electrode to a point, in radii of the head."""
    distances: Float64[np.ndarray, " channels"] = np.linalg.norm(POSITIONS - point, axis=1)
    return distances


def weights_around(
    point: Float64[np.ndarray, " xyz"], width: float
) -> Float32[np.ndarray, " channels"]:
    """How strongly each electrode sees a source: 1 at its place, a Gaussian of the distance.

    >>> weights = weights_around(place(90, 162), 0.5)
    >>> list(ELECTRODES)[int(weights.argmax())]
    'O2'
    """
    return np.exp(-0.5 * (distances_from(point) / width) ** 2).astype(np.float32)


def random_place(rng: np.random.Generator) -> Float64[np.ndarray, " xyz"]:
    """Random point on the part of the sphere that the cap covers."""
    return place(np.degrees(np.arccos(rng.uniform(-0.1, 1.0))), rng.uniform(-180, 180))


Spectrum = Callable[[np.ndarray], np.ndarray]
"""Power over frequency in Hz, in any unit."""


def power_law(exponent: float, *, low_hz: float) -> Spectrum:
    """Power that falls as ``1 / f**exponent`` above a frequency and is flat below it.

    >>> power_law(1.0, low_hz=0.5)(np.array([0.1, 1.0, 2.0])).tolist()
    [2.0, 1.0, 0.5]
    """
    return lambda f_hz: np.maximum(f_hz, low_hz) ** -exponent


def band(centre_hz: float, width_hz: float) -> Spectrum:
    """Power around a frequency, a Gaussian of deviation ``width_hz``."""
    return lambda f_hz: np.exp(-0.5 * ((f_hz - centre_hz) / width_hz) ** 2)


def noise(
    rng: np.random.Generator,
    parts: Sequence[tuple[float | np.ndarray, Spectrum]],
    *,
    n_samples: int,
    rate_hz: float,
    n_series: int = 1,
) -> Float32[np.ndarray, "series samples"]:
    """Gaussian noise made of parts that add up, each with its deviation and its spectrum.

    Parameters
    ----------
    rng : draws all series at once
    parts : deviation, one number or a column with one per series; and spectrum
    n_samples, rate_hz, n_series : length, rate and number of the series
    """
    from scipy.fft import irfft, next_fast_len

    n_fft = next_fast_len(max(n_samples, math.ceil(rate_hz)), real=True)
    f_hz = np.fft.rfftfreq(n_fft, 1 / rate_hz)
    power = np.zeros((1, len(f_hz)))
    for deviation, spectrum in parts:
        shape = spectrum(f_hz)
        shape[0] = 0.0
        power = power + np.asarray(deviation) ** 2 * (shape / shape.sum())
    draws = rng.standard_normal((2, n_series, len(f_hz)), np.float32)
    gain = (0.5 * n_fft * np.sqrt(power)).astype(np.float32)
    return np.asarray(irfft((draws[0] + 1j * draws[1]) * gain, n_fft)[:, :n_samples], np.float32)


def gate(
    n_samples: int, rate_hz: float, onset_s: float, offset_s: float, *, ramp_s: float
) -> Float32[np.ndarray, " samples"]:
    """0 outside ``[onset_s, offset_s)``, 1 inside, cosine ramps of ``ramp_s`` within it.

    >>> gate(6, 1.0, 1.0, 5.0, ramp_s=1.0).tolist()
    [0.0, 0.0, 1.0, 1.0, 1.0, 0.0]
    """
    clock_s = np.arange(n_samples) / rate_hz
    inside = np.minimum(clock_s - onset_s, offset_s - clock_s) / ramp_s
    return (0.5 - 0.5 * np.cos(np.pi * np.clip(inside, 0, 1))).astype(np.float32)


class Scalp:
    """The signal of all electrodes, onto which activity is added piece by piece.

    Parameters
    ----------
    duration_s, rate_hz : length and samples per second
    """

    def __init__(self, duration_s: float, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.n_samples = round(duration_s * rate_hz)
        self.signal_uv = np.zeros((len(ELECTRODES), self.n_samples), np.float32)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.rate_hz

    def count(self, duration_s: float) -> int:
        """Count the samples of a piece, at least one."""
        return max(1, round(duration_s * self.rate_hz))

    def add(
        self,
        weights: Float[np.ndarray, " channels"],
        waveform: Float[np.ndarray, " samples"],
        onset_s: float = 0.0,
    ) -> None:
        """Add one waveform to all electrodes; what lies outside the recording is cut off."""
        self.add_field(weights[:, None] * waveform[None, :], onset_s)

    def add_field(
        self, field_uv: Float[np.ndarray, "channels samples"], onset_s: float = 0.0
    ) -> None:
        """Add a signal of its own to each electrode; what lies outside is cut off."""
        first = round(onset_s * self.rate_hz)
        start, stop = max(0, first), min(self.n_samples, first + field_uv.shape[1])
        if start < stop:
            self.signal_uv[:, start:stop] += field_uv[:, start - first : stop - first]


def poisson_times(
    rng: np.random.Generator, per_minute: float, duration_s: float
) -> Float64[np.ndarray, " times"]:
    """Random times in ``[0, duration_s)``, sorted."""
    n_times = rng.poisson(per_minute * duration_s / 60)
    return np.sort(rng.uniform(0, duration_s, n_times))
