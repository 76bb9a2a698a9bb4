"""Focal seizures that evolve: in frequency, in size and over the scalp.

A seizure begins at its focus as a small rhythm, changes frequency by a factor of two or more,
grows, reaches its neighbours later than the focus, sometimes the whole head, and ends at once; slow
waves and a flat background follow. Evolution is what tells it from the rhythmic artifacts.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32

from neurorun.core import Event
from neurorun.simulation.eeg_signal import (
    Scalp,
    band,
    distances_from,
    gate,
    noise,
    place,
    power_law,
    weights_around,
)

_LAG_S = 0.05
_FOCAL_WIDTH, _SPREAD_WIDTH, _WHOLE_HEAD = 0.38, 0.75, 2.2
_POSTICTAL_S = 35.0


@dataclass(frozen=True, slots=True)
class SeizureTraits:
    """How the seizures of one patient look.

    Parameters
    ----------
    focus : degrees from the vertex, and from the nose to the right
    evolution : ``rising`` from about 2.5 to 6 Hz, ``falling`` from about 12 to 4 Hz
    peak_uv : size at the focus once the seizure has grown
    generalises : whether the second half reaches the whole head
    """

    focus: tuple[float, float]
    evolution: Literal["rising", "falling"]
    peak_uv: float
    generalises: bool


def draw_seizure_traits(rng: np.random.Generator) -> SeizureTraits:
    """Draw the traits of a patient; most foci are temporal."""
    temporal = rng.random() < 0.6
    side = rng.choice([-1.0, 1.0])
    azimuth = rng.uniform(60, 125) if temporal else rng.uniform(15, 165)
    return SeizureTraits(
        focus=(rng.uniform(75, 95) if temporal else rng.uniform(35, 85), float(side * azimuth)),
        evolution="falling" if rng.random() < 0.5 else "rising",
        peak_uv=rng.uniform(45, 100),
        generalises=bool(rng.random() < 0.4),
    )


def add_seizure(
    scalp: Scalp, rng: np.random.Generator, traits: SeizureTraits, event: Event
) -> None:
    """Add one seizure and the slow waves after it.

    Parameters
    ----------
    scalp : changed in place
    rng : decides how this seizure differs from the patient's others
    traits : of the patient
    event : when
    """
    focus = place(*(angle + rng.normal(0, 4) for angle in traits.focus))
    n_samples = scalp.count(event.duration_s)
    phase = _phase(rng, n_samples, scalp.rate_hz, traits)
    envelope = _envelope(rng, n_samples, scalp.rate_hz, event.duration_s) * traits.peak_uv
    field = np.empty((scalp.signal_uv.shape[0], n_samples), np.float32)
    widths = _widths(n_samples, traits)
    for row, distance in zip(field, distances_from(focus), strict=True):
        reach = np.exp(-0.5 * (distance / widths) ** 2)
        lag = round(_LAG_S * float(distance) * scalp.rate_hz)
        late = np.concatenate([phase[:1].repeat(lag), phase])[:n_samples]
        row[:] = envelope * reach * _discharge(late)
    scalp.add_field(field, event.onset_s)
    if traits.generalises:
        _add_tonic_muscle(scalp, rng, event)
    _add_slow_waves(scalp, rng, focus, traits, event.offset_s)


def calm_factor(scalp: Scalp, events: tuple[Event, ...]) -> Float32[np.ndarray, " samples"]:
    """How much of the normal rhythms is left: half during a seizure, recovering after it."""
    clock_s = np.arange(scalp.n_samples) / scalp.rate_hz
    left = np.ones(scalp.n_samples)
    for event in events:
        after = np.clip((clock_s - event.offset_s) / _POSTICTAL_S, 0, 1)
        depth = gate(
            scalp.n_samples, scalp.rate_hz, event.onset_s, event.offset_s + _POSTICTAL_S, ramp_s=2.0
        )
        left *= 1 - 0.55 * depth * (1 - after)
    return left.astype(np.float32)


def _phase(
    rng: np.random.Generator, n_samples: int, rate_hz: float, traits: SeizureTraits
) -> np.ndarray:
    progress = np.arange(n_samples) / n_samples
    if traits.evolution == "rising":
        first_hz, last_hz = rng.uniform(2.2, 2.9), rng.uniform(5.2, 6.5)
    else:
        first_hz, last_hz = rng.uniform(10, 13), rng.uniform(3.2, 4.5)
    path = first_hz * (last_hz / first_hz) ** progress
    parts = [(0.06, power_law(2.0, low_hz=0.3))]
    jitter = 1 + noise(rng, parts, n_samples=n_samples, rate_hz=rate_hz)[0]
    return np.asarray(2 * np.pi * np.cumsum(path * jitter) / rate_hz)


def _discharge(phase: np.ndarray) -> np.ndarray:
    """Sharply contoured rhythm: a sine with its second and third harmonic, at most about 1."""
    harmonics = (0.65, 0.0), (0.3, 0.6), (0.15, 1.1)
    waves = [size * np.sin(n * phase + lead) for n, (size, lead) in enumerate(harmonics, start=1)]
    return np.asarray(sum(waves))


def _envelope(
    rng: np.random.Generator, n_samples: int, rate_hz: float, duration_s: float
) -> np.ndarray:
    progress = np.arange(n_samples) / n_samples
    growth = 0.22 + 0.78 * np.clip(progress / 0.55, 0, 1) ** 1.3
    ends = gate(n_samples, rate_hz, 0.0, duration_s, ramp_s=min(0.6, duration_s / 4))
    parts = [(0.18, power_law(1.0, low_hz=0.3))]
    flicker = noise(rng, parts, n_samples=n_samples, rate_hz=rate_hz)[0]
    return np.asarray(growth * ends * np.clip(1 + flicker, 0.3, 1.7))


def _widths(n_samples: int, traits: SeizureTraits) -> np.ndarray:
    """How far the seizure reaches, from its focus to its neighbours and perhaps beyond."""
    progress = np.arange(n_samples) / n_samples
    widths = _FOCAL_WIDTH + (_SPREAD_WIDTH - _FOCAL_WIDTH) * np.clip(progress / 0.5, 0, 1)
    if traits.generalises:
        widths += (_WHOLE_HEAD - _SPREAD_WIDTH) * np.clip((progress - 0.5) / 0.15, 0, 1)
    return widths


def _add_tonic_muscle(scalp: Scalp, rng: np.random.Generator, event: Event) -> None:
    duration_s = event.duration_s / 2
    n_samples = scalp.count(duration_s)
    envelope = gate(n_samples, scalp.rate_hz, 0, duration_s, ramp_s=min(2.0, duration_s / 3))
    for side in (-1.0, 1.0):
        muscle = noise(rng, [(1.0, band(55, 22))], n_samples=n_samples, rate_hz=scalp.rate_hz)[0]
        weights = weights_around(place(98, side * 75), 0.5)
        scalp.add(weights, rng.uniform(8, 25) * envelope * muscle, event.onset_s + duration_s)


def _add_slow_waves(
    scalp: Scalp,
    rng: np.random.Generator,
    focus: np.ndarray,
    traits: SeizureTraits,
    onset_s: float,
) -> None:
    n_samples = scalp.count(_POSTICTAL_S)
    waves = noise(
        rng, [(1.0, band(1.7, 0.5))], n_series=2, n_samples=n_samples, rate_hz=scalp.rate_hz
    )
    clock_s = np.arange(n_samples) / scalp.rate_hz
    decay = np.clip(clock_s / 0.8, 0, 1) * np.exp(-clock_s / 12)
    size_uv = 0.28 * traits.peak_uv
    near = weights_around(focus, 0.8)
    scalp.add(near, (size_uv * decay * waves[0]).astype(np.float32), onset_s)
    wide = weights_around(focus, _WHOLE_HEAD if traits.generalises else 1.1)
    scalp.add(wide, (0.4 * size_uv * decay * waves[1]).astype(np.float32), onset_s)
