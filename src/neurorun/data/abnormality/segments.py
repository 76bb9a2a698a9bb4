"""A window of a recording, straight from its file: read the range, subtract rows, resample.

The usual way (read everything, one call per derivation, filter, resample by Fourier transform, cut)
gives the same signal, correlation above 0.999 in every channel, in some 25 times the time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64

from neurorun.core import DataError, Stretch, whole_samples
from neurorun.data.abnormality.config import (
    AbnormalityDataConfig,
    AbnormalityPreprocessingConfig,
)
from neurorun.data.channel_names import canonical_name
from neurorun.data.filters import ZeroPhaseFilter, design_cascade, settling_samples
from neurorun.data.gaze import electrodes_of, montage_22
from neurorun.formats import EdfFile, open_edf

FLAT_BELOW_UV = 0.01
"""A channel that deviates less carries no EEG; it is divided by 1, so it stays near zero."""

POLYPHASE = "polyphase, 16 samples to each side, kaiser 5"
_HALF_LENGTH, _KAISER_BETA = 16, 5.0
_BLOCK = 32
_MARGIN_S = 2
"""Least signal read before and after a window, for the filter of the change of rate."""

_SETTLED = 1e-3
"""Share of a step that a filter may still remember where a window begins."""


@dataclass(frozen=True, slots=True)
class WindowPlace:
    """Where a window lies in its recording.

    Parameters
    ----------
    number : 0, 1, 2, ... in order of time
    onset_s : seconds from the start of the recording
    first, n_samples : in the stored signal of the file; fewer than a window where it is padded
    stretch : the piece without gaps that it lies in
    """

    number: int
    onset_s: float
    first: int
    n_samples: int
    stretch: Stretch


@dataclass(frozen=True, eq=False)
class PreparedWindow:
    """A window as it is cached.

    Parameters
    ----------
    signal_uv : microvolts; what lies after ``n_valid`` repeats the last value
    channels : names of the rows
    n_valid : samples that were recorded
    center, spread : of every channel over the recorded samples; the spread of flat ones is 1
    flat : channels without EEG
    missing : channels that the file lacks, zero
    """

    signal_uv: Float32[np.ndarray, "channels samples"]
    channels: tuple[str, ...]
    n_valid: int
    center: Float64[np.ndarray, " channels"]
    spread: Float64[np.ndarray, " channels"]
    flat: tuple[str, ...]
    missing: tuple[str, ...]


def place_windows(
    file: EdfFile, config: AbnormalityDataConfig, preprocessing: AbnormalityPreprocessingConfig
) -> tuple[WindowPlace, ...]:
    """Find the windows of a recording: whole ones within stretches, what is left over dropped.

    A recording without a whole window has one padded window, of its longest stretch, or none.
    """
    names = _source_names(file, preprocessing)
    some = [name for name in names.values() if name is not None]
    rate_hz = file.select(some)[0].rate_hz
    length = whole_samples(config.window_size, rate_hz)
    places: list[WindowPlace] = []
    stretches = file.stretches(some)
    for stretch in stretches:
        for start in range(0, stretch.n_samples - length + 1, length):
            onset_s = stretch.onset_s + start / rate_hz
            places.append(WindowPlace(len(places), onset_s, stretch.first + start, length, stretch))
    if not places and config.short_recordings == "pad":
        longest = max(stretches, key=lambda stretch: stretch.n_samples)
        places.append(WindowPlace(0, longest.onset_s, longest.first, longest.n_samples, longest))
    return tuple(places[: config.max_windows])


def prepare_window(
    file: EdfFile | Path,
    place: WindowPlace,
    config: AbnormalityDataConfig,
    preprocessing: AbnormalityPreprocessingConfig,
) -> PreparedWindow:
    """Read one window and bring it to montage and rate.

    Raises
    ------
    DataError : an electrode is missing and ``missing_channels`` is ``refuse``; or the file cannot
        be read
    """
    opened = open_edf(file) if isinstance(file, Path) else file
    channels = montage_22(preprocessing.montage)
    names = _source_names(opened, preprocessing)
    present = {electrode: name for electrode, name in names.items() if name is not None}
    rate_hz = opened.select(list(present.values()))[0].rate_hz
    sections = _sections(rate_hz, config, preprocessing)
    margin = _margin(rate_hz, sections)
    source, lead = _read(opened, place, list(present.values()), margin)
    resampled = polyphase(_filtered(source, sections), rate_hz, config.sampling_rate)
    first = round(lead / rate_hz * config.sampling_rate)
    n_samples = whole_samples(config.window_size, config.sampling_rate)
    n_valid = min(n_samples, round(place.n_samples / rate_hz * config.sampling_rate))
    resampled = resampled[:, first : first + n_valid]
    rows = dict(zip(present, resampled, strict=True))
    signal = np.zeros((len(channels), n_samples), np.float32)
    missing = []
    for row, channel in zip(signal, channels, strict=True):
        if all(electrode in rows for electrode in electrodes_of(channel)):
            _derive(channel, rows, out=row[:n_valid])
        else:
            missing.append(channel)
    if preprocessing.clip_uv is not None:
        np.clip(signal, -preprocessing.clip_uv, preprocessing.clip_uv, out=signal)
    signal[:, n_valid:] = signal[:, n_valid - 1 : n_valid]
    return _measured(signal, channels, n_valid, tuple(missing))


def _derive(channel: str, rows: dict[str, np.ndarray], *, out: np.ndarray) -> None:
    first, *against = electrodes_of(channel)
    out[:] = rows[first]
    for electrode in against:
        out -= rows[electrode]


def _source_names(
    file: EdfFile, preprocessing: AbnormalityPreprocessingConfig
) -> dict[str, str | None]:
    """Per electrode of the montage its channel in the file, or None."""
    channels = montage_22(preprocessing.montage)
    wanted = tuple(dict.fromkeys(e for channel in channels for e in electrodes_of(channel)))
    known: dict[str, str] = {}
    for name in file.header.channels:
        known.setdefault(canonical_name(name), name)
    missing = [electrode for electrode in wanted if electrode not in known]
    if len(missing) == len(wanted) or (missing and preprocessing.missing_channels == "refuse"):
        raise DataError(
            f"'{file.header.path}' lacks {', '.join(missing)} of the montage "
            f"'{preprocessing.montage}'; it has {', '.join(file.header.channels)}. Use another "
            "montage, or set preprocessing.missing_channels to zero."
        )
    return {electrode: known.get(electrode) for electrode in wanted}


def _margin(rate_hz: float, sections: Float64[np.ndarray, "sections 6"]) -> int:
    """Samples read before and after a window, so that filters have settled where it begins."""
    settling = settling_samples(sections, _SETTLED) if len(sections) else 0
    return max(round(_MARGIN_S * rate_hz), settling)


def _read(
    file: EdfFile, place: WindowPlace, names: Sequence[str], margin: int
) -> tuple[Float32[np.ndarray, "electrodes samples"], int]:
    """Signal with a margin that does not leave the stretch; samples of it before the window."""
    first = max(place.stretch.first, place.first - margin)
    stop = min(place.stretch.stop, place.first + place.n_samples + margin)
    return file.read(names, first, stop - first), place.first - first


def _sections(
    rate_hz: float, config: AbnormalityDataConfig, preprocessing: AbnormalityPreprocessingConfig
) -> Float64[np.ndarray, "sections 6"]:
    """High-pass and notch that the settings ask for, as second-order sections; maybe none.

    Raises
    ------
    DataError : the high-pass would leave nothing at the new rate
    """
    from scipy.signal import butter

    nyquist_hz = min(rate_hz, config.sampling_rate) / 2
    notch, highpass = preprocessing.notch_freq, preprocessing.highpass_freq
    if notch is not None and notch >= nyquist_hz:
        notch = None
    sections = design_cascade(rate_hz, bandpass=None, notch_freq=notch)
    if highpass is None:
        return sections
    if highpass >= nyquist_hz:
        raise DataError(
            f"preprocessing.highpass_freq is {highpass:g} Hz, but the signal holds nothing above "
            f"{nyquist_hz:g} Hz; 0.5 is usual."
        )
    return np.vstack([butter(2, highpass, "highpass", fs=rate_hz, output="sos"), sections])


def _filtered(
    source: Float32[np.ndarray, "electrodes samples"], sections: Float64[np.ndarray, "sections 6"]
) -> Float32[np.ndarray, "electrodes samples"]:
    if not len(sections):
        return source
    stage = ZeroPhaseFilter(sections)
    return np.hstack([stage.push(source), stage.finish()])


def polyphase(
    source: Float32[np.ndarray, "rows samples"], source_hz: float, rate_hz: float
) -> Float32[np.ndarray, "rows resampled"]:
    """Change the rate by a polyphase filter whose pass band reaches close to the new Nyquist.

    With what a Fourier transform of the whole recording gives, as earlier pipelines used it, the
    correlation is above 0.9993 in every channel of simulated EEG with muscle and mains.

    Raises
    ------
    DataError : the rates have no ratio of whole numbers below 1000
    """
    if source_hz == rate_hz:
        return source
    ratio = Fraction(rate_hz / source_hz).limit_denominator(1000)
    if not math.isclose(ratio, rate_hz / source_hz, rel_tol=1e-9):
        raise DataError(
            f"A signal at {source_hz:g} Hz cannot be brought to {rate_hz:g} Hz by whole numbers; "
            "choose a data.sampling_rate such as 50."
        )
    up, down = ratio.as_integer_ratio()
    matrix, reach, shift = _block_filter(up, down)
    n_in, n_block = matrix.shape
    n_out = -(-source.shape[1] * up // down)
    n_blocks = -(-n_out // n_block)
    n_after = max(0, (n_blocks - 1) * shift + n_in - reach - source.shape[1])
    padded = np.pad(source, ((0, 0), (reach, n_after)), mode="edge")
    blocks = np.lib.stride_tricks.sliding_window_view(padded, n_in, axis=1)[:, ::shift]
    filtered = np.matmul(blocks[:, :n_blocks], matrix).reshape(len(source), -1)
    return np.asarray(filtered[:, :n_out], np.float32)


@lru_cache(maxsize=8)
def _block_filter(up: int, down: int) -> tuple[Float32[np.ndarray, "inputs outputs"], int, int]:
    """Weights that make a block of outputs of a block of inputs, as one matrix product.

    Returns
    -------
    The matrix, how many inputs a block begins early, and by how many inputs blocks are apart
    """
    from scipy.signal import firwin

    longest = max(up, down)
    half = _HALF_LENGTH * longest
    taps = up * firwin(2 * half + 1, 1 / longest, window=("kaiser", _KAISER_BETA))
    n_outputs = up * max(1, round(_BLOCK / up))
    reach = half // up
    n_inputs = ((n_outputs - 1) * down) // up + 2 * reach + 2
    place = np.arange(n_outputs) * down - (np.arange(n_inputs)[:, None] - reach) * up + half
    inside = (place >= 0) & (place <= 2 * half)
    matrix = np.where(inside, taps[np.clip(place, 0, 2 * half)], 0.0).astype(np.float32)
    return matrix, reach, n_outputs * down // up


def _measured(
    signal: Float32[np.ndarray, "channels samples"],
    channels: tuple[str, ...],
    n_valid: int,
    missing: tuple[str, ...],
) -> PreparedWindow:
    recorded = signal[:, :n_valid]
    center = recorded.mean(axis=1, dtype=np.float64)
    spread = recorded.std(axis=1, dtype=np.float64)
    is_flat = spread < FLAT_BELOW_UV
    flat = tuple(name for name, one in zip(channels, is_flat, strict=True) if one)
    return PreparedWindow(
        signal, channels, n_valid, center, np.where(is_flat, 1.0, spread), flat, missing
    )
