"""EEG without seizures: background, alpha, drowsiness, and the artifacts of every recording.

Amplitudes and shapes follow textbook ranges for adults: alpha of 8.5-11.5 Hz over the back of the
head that goes when the eyes open, blinks of 80-160 microvolts at Fp1 and Fp2, muscle over the
temples, 50 or 60 Hz from the mains, slow electrode drift. Theta bursts of drowsiness, frontal
rhythmic delta and chewing are rhythmic without being seizures: they are what makes precision hard.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from neurorun.simulation.eeg_signal import (
    ELECTRODES,
    Scalp,
    band,
    gate,
    noise,
    place,
    poisson_times,
    power_law,
    random_place,
    weights_around,
)

_N_SOURCES = 28
_CHANNELS = tuple(ELECTRODES)
_PER_MINUTE = {"pops": 0.15, "muscle": 0.8, "chewing": 0.12, "theta": 0.35, "delta": 0.2}


@dataclass(frozen=True, slots=True)
class RestingTraits:
    """What is peculiar to the EEG of one patient and one laboratory.

    Parameters
    ----------
    alpha_hz, alpha_uv : frequency and size of the posterior rhythm
    background_uv : deviation of the background
    line_hz, line_uv : mains
    """

    alpha_hz: float
    alpha_uv: float
    background_uv: float
    line_hz: float
    line_uv: float


def draw_resting_traits(rng: np.random.Generator, *, line_hz: float) -> RestingTraits:
    """Draw the traits of a patient."""
    return RestingTraits(
        alpha_hz=rng.uniform(8.5, 11.5),
        alpha_uv=rng.uniform(12, 30),
        background_uv=rng.uniform(8, 15),
        line_hz=line_hz,
        line_uv=rng.uniform(0.5, 4),
    )


def add_resting_eeg(
    scalp: Scalp,
    rng: np.random.Generator,
    traits: RestingTraits,
    *,
    calm: Float32[np.ndarray, " samples"],
) -> None:
    """Add everything that is there without a seizure.

    Parameters
    ----------
    scalp : changed in place
    rng : decides all of it
    traits : of the patient
    calm : factor of the normal rhythms, below 1 during and after seizures
    """
    eyes_closed = _eyes_closed(rng, scalp)
    _add_background(scalp, rng, traits, calm)
    _add_alpha(scalp, rng, traits, calm * (0.15 + 0.85 * eyes_closed))
    _add_drowsiness(scalp, rng)
    _add_blinks(scalp, rng, eyes_closed)
    _add_muscle(scalp, rng)
    _add_chewing(scalp, rng)
    _add_electrodes(scalp, rng)
    _add_mains(scalp, rng, traits)


def _eyes_closed(rng: np.random.Generator, scalp: Scalp) -> np.ndarray:
    """1 while the eyes are closed, for 10 to 60 s at a time."""
    closed = np.zeros(scalp.n_samples, np.float32)
    clock_s = -rng.uniform(0, 30)
    while clock_s < scalp.duration_s:
        offset_s = clock_s + rng.uniform(10, 60)
        closed += gate(scalp.n_samples, scalp.rate_hz, clock_s, offset_s, ramp_s=0.4)
        clock_s = offset_s + rng.uniform(5, 40)
    return closed


def _add_background(
    scalp: Scalp, rng: np.random.Generator, traits: RestingTraits, calm: np.ndarray
) -> None:
    mixing = np.stack(
        [weights_around(random_place(rng), rng.uniform(0.35, 0.9)) for _ in range(_N_SOURCES)]
    )
    mixing *= rng.choice([-1.0, 1.0], (_N_SOURCES, 1)).astype(np.float32)
    mixing /= np.sqrt((mixing**2).sum(axis=0, keepdims=True))
    sources = noise(
        rng,
        [(1.0, power_law(1.3, low_hz=0.8)), (0.25, band(19, 3))],
        n_series=_N_SOURCES,
        n_samples=scalp.n_samples,
        rate_hz=scalp.rate_hz,
    )
    scalp.add_field((traits.background_uv * mixing.T) @ sources * calm)


def _add_alpha(
    scalp: Scalp, rng: np.random.Generator, traits: RestingTraits, strength: np.ndarray
) -> None:
    rhythms = noise(
        rng,
        [(1.0, band(traits.alpha_hz, 0.45))],
        n_series=3,
        n_samples=scalp.n_samples,
        rate_hz=scalp.rate_hz,
    )
    places = (place(80, 160), place(80, -160), place(60, 180))
    for rhythm, where in zip(rhythms, places, strict=True):
        size_uv = traits.alpha_uv * rng.uniform(0.5, 0.8)
        scalp.add(weights_around(where, 0.6), size_uv * rhythm * strength)


def _add_drowsiness(scalp: Scalp, rng: np.random.Generator) -> None:
    for onset_s in poisson_times(rng, _PER_MINUTE["theta"], scalp.duration_s):
        _add_burst(scalp, rng, onset_s, rng.uniform(2, 6), hz=rng.uniform(4, 6), front=0.9)
    for onset_s in poisson_times(rng, _PER_MINUTE["delta"], scalp.duration_s):
        _add_burst(scalp, rng, onset_s, rng.uniform(2, 5), hz=rng.uniform(2, 3), front=0.6)


def _add_burst(
    scalp: Scalp,
    rng: np.random.Generator,
    onset_s: float,
    duration_s: float,
    *,
    hz: float,
    front: float,
) -> None:
    """Add a frontal rhythm that waxes and wanes; neither frequency nor place evolves."""
    n_samples = scalp.count(duration_s)
    phase = 2 * np.pi * hz * np.arange(n_samples) / scalp.rate_hz + rng.uniform(0, 2 * np.pi)
    envelope = np.sin(np.pi * np.arange(n_samples) / n_samples)
    waveform = rng.uniform(20, 45) * envelope * np.sin(phase)
    scalp.add(weights_around(place(50, 0), front), waveform.astype(np.float32), onset_s)


def _add_blinks(scalp: Scalp, rng: np.random.Generator, eyes_closed: np.ndarray) -> None:
    weights = np.maximum(weights_around(place(100, -18), 0.4), weights_around(place(100, 18), 0.4))
    gaze = weights_around(place(95, 54), 0.4) - weights_around(place(95, -54), 0.4)
    for onset_s in poisson_times(rng, 14, scalp.duration_s):
        if eyes_closed[min(scalp.count(onset_s), scalp.n_samples) - 1] > 0.5:
            continue
        shape = _pulse(scalp, rng.uniform(0.25, 0.4))
        scalp.add(weights, rng.uniform(80, 160) * shape, onset_s)
        if rng.random() < 0.25:
            step = _plateau(scalp, rng.uniform(0.4, 1.5))
            scalp.add(gaze, rng.choice([-1.0, 1.0]) * rng.uniform(20, 50) * step, onset_s)


def _pulse(scalp: Scalp, duration_s: float) -> np.ndarray:
    """Shape of a blink: up in a third of its time, slower down, a small undershoot."""
    x = np.arange(scalp.count(3 * duration_s)) / scalp.count(duration_s)
    rise = np.exp(-0.5 * ((x - 0.4) / 0.14) ** 2) * (x < 0.4)
    fall = np.exp(-0.5 * ((x - 0.4) / 0.26) ** 2) * (x >= 0.4)
    undershoot = 0.12 * np.exp(-0.5 * ((x - 1.4) / 0.35) ** 2)
    return np.asarray(rise + fall - undershoot, np.float32)


def _plateau(scalp: Scalp, duration_s: float) -> np.ndarray:
    return gate(scalp.count(duration_s), scalp.rate_hz, 0.0, duration_s, ramp_s=0.08)


def _muscle_noise(scalp: Scalp, rng: np.random.Generator, duration_s: float) -> np.ndarray:
    parts = [(1.0, band(55, 22))]
    n_samples = scalp.count(duration_s)
    return np.asarray(noise(rng, parts, n_samples=n_samples, rate_hz=scalp.rate_hz)[0])


def _add_muscle(scalp: Scalp, rng: np.random.Generator) -> None:
    for onset_s in poisson_times(rng, _PER_MINUTE["muscle"], scalp.duration_s):
        duration_s = rng.uniform(0.5, 6)
        side = rng.choice([-1.0, 1.0])
        weights = weights_around(place(100, side * rng.uniform(40, 130)), 0.3)
        if rng.random() < 0.3:
            weights = np.maximum(weights, weights_around(place(95, -side * 70), 0.3))
        envelope = gate(scalp.count(duration_s), scalp.rate_hz, 0, duration_s, ramp_s=0.2)
        muscle = _muscle_noise(scalp, rng, duration_s)
        scalp.add(weights, rng.uniform(10, 40) * envelope * muscle, onset_s)


def _add_chewing(scalp: Scalp, rng: np.random.Generator) -> None:
    weights = np.maximum(weights_around(place(95, 80), 0.45), weights_around(place(95, -80), 0.45))
    for onset_s in poisson_times(rng, _PER_MINUTE["chewing"], scalp.duration_s):
        duration_s, hz = rng.uniform(6, 20), rng.uniform(1.2, 2.2)
        clock_s = np.arange(scalp.count(duration_s)) / scalp.rate_hz
        cycle = 0.5 - 0.5 * np.cos(2 * np.pi * hz * clock_s)
        bursts = rng.uniform(20, 50) * cycle**3 * _muscle_noise(scalp, rng, duration_s)
        tongue = rng.uniform(10, 25) * np.sin(2 * np.pi * hz * clock_s + 1.0)
        scalp.add(weights, (bursts + tongue).astype(np.float32), onset_s)


def _add_electrodes(scalp: Scalp, rng: np.random.Generator) -> None:
    """Add offset, drift and noise of each electrode, and now and then one that pops."""
    n_channels = len(_CHANNELS)
    drift_uv = rng.uniform(5, 30, (n_channels, 1))
    own = noise(
        rng,
        [
            (drift_uv, power_law(2.0, low_hz=0.02)),
            (1.5, power_law(0.6, low_hz=0.3)),
            (0.6, power_law(0.0, low_hz=0.3)),
        ],
        n_series=n_channels,
        n_samples=scalp.n_samples,
        rate_hz=scalp.rate_hz,
    )
    scalp.add_field(own + rng.normal(0, 60, (n_channels, 1)).astype(np.float32))
    for onset_s in poisson_times(rng, _PER_MINUTE["pops"], scalp.duration_s):
        clock_s = np.arange(scalp.count(4)) / scalp.rate_hz
        step = rng.choice([-1.0, 1.0]) * rng.uniform(50, 200) * np.exp(-clock_s / 0.6)
        scalp.add(_one_electrode(int(rng.integers(n_channels))), step.astype(np.float32), onset_s)


def _one_electrode(channel: int) -> np.ndarray:
    return np.asarray(np.arange(len(_CHANNELS)) == channel, np.float32)


def _add_mains(scalp: Scalp, rng: np.random.Generator, traits: RestingTraits) -> None:
    """Add the mains and its third harmonic where the rate can hold it; one electrode is worse."""
    sizes_uv = traits.line_uv * rng.lognormal(0, 0.4, len(_CHANNELS))
    sizes_uv[rng.integers(len(_CHANNELS))] *= 3
    clock_s = np.arange(scalp.n_samples) / scalp.rate_hz
    wave = np.sin(2 * np.pi * traits.line_hz * clock_s)
    if 3 * traits.line_hz < 0.45 * scalp.rate_hz:
        wave += 0.2 * np.sin(6 * np.pi * traits.line_hz * clock_s)
    scalp.add(sizes_uv.astype(np.float32), wave.astype(np.float32))


def electrode_names() -> Sequence[str]:
    """Names as TUSZ writes them in EDF headers.

    >>> electrode_names()[0]
    'EEG FP1-REF'
    """
    return tuple(f"EEG {name.upper()}-REF" for name in _CHANNELS)
