"""From a recording as it was stored to one that models can be compared on.

Montage, resampling, band-pass and notch, in this order; the result is still in microvolts. Each
stretch between gaps is prepared on its own. Standardizing comes later, when windows are read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32
from pydantic import Field, PositiveFloat, field_validator, model_validator

from neurorun.core import Config, ConfigError, DataError, Recording, Stretch
from neurorun.data.filters import CausalFilter, Stage, ZeroPhaseFilter, design_cascade
from neurorun.data.legacy import LegacyChain
from neurorun.data.montage import MontagePlan, resolve_montage
from neurorun.data.resampling import RESAMPLER, Resampler, resampled_length

MONTAGES = ("10-20", "double-banana")
"""Montages that are known by name."""

_CHAIN_VERSION = 1
_BLOCK_S = 60.0


class PreprocessingConfig(Config):
    """How recordings are made comparable before a model sees them."""

    preset: Literal["default", "legacy"] = "default"
    """``legacy`` reproduces the chain of earlier work for comparison; its filters are fixed."""

    montage: str | tuple[str, ...] = "10-20"
    """``10-20`` (19 electrodes), ``double-banana`` (18 pairs), or a list of channels."""

    use_mne: bool = True
    """Whether missing Fz and Pz may be interpolated from their neighbours."""

    bandpass: tuple[float, float] | None = (0.5, 120.0)
    """Lower and upper edge of the band-pass in Hz; null leaves it out."""

    notch_freq: Literal[50, 60] | None = 60
    """Frequency of the mains in Hz; null leaves the notch out."""

    phase: Literal["causal", "zero"] = "causal"
    """``causal`` works on a live signal and delays slow waves; ``zero`` needs the recording."""

    filter_order: int = Field(default=3, ge=1, le=8)
    """Order of the Butterworth prototype of the band-pass."""

    notch_quality: float = Field(default=30.0, ge=5.0, le=100.0)
    """Notch frequency divided by the width of the notch."""

    normalize: bool = True
    """Whether windows are standardized and clipped; otherwise they stay in microvolts."""

    standardize: Literal["zscore", "robust", "fixed"] = "zscore"
    """Mean and deviation, median and quartiles of each channel, or one fixed scale."""

    fixed_scale_uv: PositiveFloat = 50.0
    """Microvolts that become 1 where ``standardize`` is ``fixed``."""

    clip_at: PositiveFloat | None = 10.0
    """Largest absolute value after standardizing; null leaves artifacts as they are."""

    @field_validator("montage")
    @classmethod
    def montage_is_known(cls, montage: str | tuple[str, ...]) -> str | tuple[str, ...]:
        """Refuse a name of no montage, and a list that is empty or names a channel twice."""
        if isinstance(montage, str) and montage not in MONTAGES:
            raise ConfigError(
                f"montage is '{montage}'; allowed are {', '.join(MONTAGES)}, or a list of channel "
                "names."
            )
        if not isinstance(montage, str) and (not montage or len(set(montage)) < len(montage)):
            raise ConfigError(
                f"montage [{', '.join(montage)}] is empty or names a channel twice; name each "
                "channel once."
            )
        return montage

    @model_validator(mode="after")
    def band_has_width(self) -> "PreprocessingConfig":
        """Refuse a band-pass whose edges are not in order."""
        if self.bandpass is not None and not 0.01 <= self.bandpass[0] < self.bandpass[1]:
            low, high = self.bandpass
            raise ConfigError(
                f"bandpass is [{low:g}, {high:g}]; the lower edge must be at least 0.01 Hz and "
                "below the upper one. Write the lower edge first, or null for no band-pass."
            )
        return self

    @model_validator(mode="after")
    def legacy_is_left_as_it_was(self) -> "PreprocessingConfig":
        """Refuse settings that the earlier chain did not have."""
        if self.preset == "legacy":
            fixed = PreprocessingConfig()
            changed = [
                name for name in _FIXED_BY_LEGACY if getattr(self, name) != getattr(fixed, name)
            ]
            if changed:
                raise ConfigError(
                    f"preset legacy together with its own {', '.join(changed)}; the preset "
                    "reproduces one chain exactly. Remove them, or set preset to default."
                )
        return self


_FIXED_BY_LEGACY = (
    "bandpass",
    "notch_freq",
    "phase",
    "filter_order",
    "notch_quality",
    "normalize",
    "standardize",
)


def preparation_recipe(config: PreprocessingConfig, *, rate_hz: float) -> dict[str, Any]:
    """Everything that decides the prepared signal, for the fingerprint of a cache.

    Standardizing and clipping are not in it: they happen when windows are read.

    >>> preparation_recipe(PreprocessingConfig(), rate_hz=256.0)["resampler"]
    'soxr HQ'
    """
    later = {"normalize", "standardize", "fixed_scale_uv", "clip_at"}
    return {
        "chain_version": _CHAIN_VERSION,
        "resampler": RESAMPLER if config.preset == "default" else "scipy FFT",
        "rate_hz": rate_hz,
        **config.model_dump(mode="json", exclude=later),
    }


class Preparation:
    """Resamples and filters one stretch that arrives in blocks.

    Any division into blocks gives the same bits. The default and the zero-phase chain need the
    memory of a minute of signal, however long the stretch; the legacy chain needs all of it.

    Parameters
    ----------
    config : all but the montage is used here; blocks are in montage order already
    n_channels : rows of every block
    source_hz, rate_hz : samples per second before and after

    Raises
    ------
    ConfigError : the band-pass reaches above what ``rate_hz`` can hold

    Examples
    --------
    >>> chain = Preparation(PreprocessingConfig(), 1, source_hz=512.0, rate_hz=256.0)
    >>> blocks = [chain.push(np.zeros((1, 5120), np.float32)), chain.finish()]
    >>> sum(block.shape[1] for block in blocks)
    2560
    """

    def __init__(
        self, config: PreprocessingConfig, n_channels: int, *, source_hz: float, rate_hz: float
    ) -> None:
        check_band(config, rate_hz)
        self._n_channels = n_channels
        self._stages = _stages(config, n_channels, source_hz, rate_hz)

    def push(
        self, block: Float32[np.ndarray, "channels samples"]
    ) -> Float32[np.ndarray, "channels ready"]:
        """Take the next samples, in microvolts; return those that are finished.

        Raises
        ------
        DataError : a value is not finite; it would spoil all that follow
        """
        if not np.isfinite(block).all():
            raise DataError(
                f"A block of {block.shape[1]} samples holds values that are not finite; filters "
                "need numbers. Repair the recording, or leave it out."
            )
        return self._through(block, self._stages)

    def finish(self) -> Float32[np.ndarray, "channels rest"]:
        """Return what is left of the stretch."""
        rest = [np.empty((self._n_channels, 0), np.float32)]
        for position, stage in enumerate(self._stages):
            rest.append(self._through(stage.finish(), self._stages[position + 1 :]))
        return np.hstack(rest)

    def _through(self, block: np.ndarray, stages: Sequence[Stage]) -> np.ndarray:
        for stage in stages:
            block = stage.push(block)
        return block


def _stages(
    config: PreprocessingConfig, n_channels: int, source_hz: float, rate_hz: float
) -> list[Stage]:
    if config.preset == "legacy":
        assert config.bandpass is not None
        assert config.notch_freq is not None
        return [
            LegacyChain(source_hz, rate_hz, bandpass=config.bandpass, notch_freq=config.notch_freq)
        ]
    stages: list[Stage] = [Resampler(n_channels, source_hz, rate_hz)]
    sos = design_cascade(
        rate_hz,
        bandpass=config.bandpass,
        order=config.filter_order,
        notch_freq=_notch_within(config, rate_hz),
        notch_quality=config.notch_quality,
    )
    if len(sos):
        stages.append(CausalFilter(sos) if config.phase == "causal" else ZeroPhaseFilter(sos))
    return stages


def check_band(config: PreprocessingConfig, rate_hz: float) -> None:
    """Refuse a band that recordings cannot hold at the rate they are prepared at.

    Raises
    ------
    ConfigError : the band-pass reaches half the rate; or the legacy notch does
    """
    edges = [config.bandpass[1]] if config.bandpass is not None else []
    if config.preset == "legacy" and config.notch_freq is not None:
        edges.append(config.notch_freq)
    if edges and max(edges) >= rate_hz / 2:
        raise ConfigError(
            f"preprocessing.bandpass and notch reach {max(edges):g} Hz, but signals of "
            f"{rate_hz:g} Hz hold only what lies below {rate_hz / 2:g} Hz. Lower the upper edge, "
            "or prepare at a higher rate."
        )


def _notch_within(config: PreprocessingConfig, rate_hz: float) -> float | None:
    reachable = config.notch_freq is not None and config.notch_freq < rate_hz / 2
    return float(config.notch_freq) if reachable and config.notch_freq is not None else None


def plan_stretches(
    stretches: Sequence[Stretch], source_hz: float, rate_hz: float
) -> tuple[tuple[Stretch, Stretch], ...]:
    """Pair every stretch with what it will be at another rate; times stay as they are.

    A stretch shorter than half a sample of the new rate is left out. Where rounding up would
    reach into the next stretch, the sample is dropped.

    >>> plan_stretches([Stretch(0, 20, 5.0)], 2.0, 8.0)[0][1]
    Stretch(first=0, n_samples=80, onset_s=5.0)
    """
    pairs: list[tuple[Stretch, Stretch]] = []
    first = 0
    for position, source in enumerate(stretches):
        n_samples = resampled_length(source.n_samples, source_hz, rate_hz)
        if position + 1 < len(stretches):
            room_s = stretches[position + 1].onset_s - source.onset_s
            n_samples = min(n_samples, int(room_s * rate_hz + 0.5))
        if n_samples > 0:
            pairs.append((source, Stretch(first, n_samples, source.onset_s)))
            first += n_samples
    return tuple(pairs)


def prepare(recording: Recording, config: PreprocessingConfig, *, rate_hz: float) -> Recording:
    """Bring a recording to the montage, rate and band of the configuration.

    Parameters
    ----------
    recording : microvolts, any rate, any channels that the montage can be made from
    config : section ``preprocessing``
    rate_hz : samples per second of the result

    Returns
    -------
    Recording in microvolts; its notes say what could not be done as asked, for example because
    the source was sampled too slowly

    Raises
    ------
    DataError : channels are missing, or nothing is left of the recording
    ConfigError : the band-pass reaches above what ``rate_hz`` can hold

    Examples
    --------
    >>> from neurorun.core import whole_recording
    >>> signal = np.ones((1, 5000), np.float32)
    >>> raw = Recording("r", "p", ("Cz",), 500.0, signal, whole_recording(5000))
    >>> prepared = prepare(raw, PreprocessingConfig(montage=("Cz",)), rate_hz=256.0)
    >>> prepared.n_samples, round(float(abs(prepared.signal_uv).max()), 3)
    (2560, 0.0)
    """
    check_band(config, rate_hz)
    plan = resolve_montage(recording.channels, config.montage, interpolate=config.use_mne)
    pairs = plan_stretches(recording.stretches, recording.rate_hz, rate_hz)
    if not pairs:
        raise DataError(
            f"Recording '{recording.recording_id}' of {recording.n_samples} samples has no stretch "
            f"as long as one sample at {rate_hz:g} Hz; leave it out."
        )
    signal_uv = np.empty((len(plan.channels), pairs[-1][1].stop), np.float32)
    for source, target in pairs:
        blocks = _montage_blocks(recording, plan, source)
        chain = Preparation(
            config, len(plan.channels), source_hz=recording.rate_hz, rate_hz=rate_hz
        )
        _fill(signal_uv[:, target.first : target.stop], chain, blocks)
    notes = preparation_notes(recording.stretches, recording.rate_hz, config, rate_hz=rate_hz)
    return replace(
        recording,
        channels=plan.channels,
        rate_hz=rate_hz,
        signal_uv=signal_uv,
        stretches=tuple(target for _, target in pairs),
        notes=(*recording.notes, *plan.notes, *notes),
    )


def _montage_blocks(
    recording: Recording, plan: MontagePlan, stretch: Stretch
) -> Iterator[np.ndarray]:
    rows = [recording.channels.index(name) for name in plan.inputs]
    n_block = max(1, int(_BLOCK_S * recording.rate_hz))
    for first in range(stretch.first, stretch.stop, n_block):
        stop = min(first + n_block, stretch.stop)
        yield plan.apply(recording.signal_uv[rows, first:stop])


def _fill(target: np.ndarray, chain: Preparation, blocks: Iterable[np.ndarray]) -> None:
    first = 0
    for block in blocks:
        first = _place(target, chain.push(block), first)
    _place(target, chain.finish(), first)


def _place(target: np.ndarray, piece: np.ndarray, first: int) -> int:
    """Write a piece at a position; what reaches beyond the end is dropped."""
    stop: int = min(first + piece.shape[1], target.shape[1])
    target[:, first:stop] = piece[:, : stop - first]
    return stop


def preparation_notes(
    stretches: Sequence[Stretch],
    source_hz: float,
    config: PreprocessingConfig,
    *,
    rate_hz: float,
) -> tuple[str, ...]:
    """Say what the source or the rate did not allow, one sentence each.

    >>> config = PreprocessingConfig(notch_freq=None)
    >>> preparation_notes([Stretch(0, 1000, 0.0)], 100.0, config, rate_hz=256.0)
    ('Sampled at 100 Hz: nothing above 50 Hz, so the band-pass is empty from there to 120 Hz.',)
    """
    notes = []
    limit_hz = min(source_hz, rate_hz) / 2
    if config.bandpass is not None and config.bandpass[1] > source_hz / 2:
        notes.append(
            f"Sampled at {source_hz:g} Hz: nothing above {source_hz / 2:g} Hz, so the band-pass is "
            f"empty from there to {config.bandpass[1]:g} Hz."
        )
    if config.notch_freq is not None and config.notch_freq >= limit_hz:
        notes.append(
            f"The notch at {config.notch_freq} Hz has nothing to remove: the signal ends at "
            f"{limit_hz:g} Hz."
        )
    notes.extend(_notes_on_length(stretches, source_hz, config, rate_hz))
    return tuple(notes)


def _notes_on_length(
    stretches: Sequence[Stretch], source_hz: float, config: PreprocessingConfig, rate_hz: float
) -> list[str]:
    notes = []
    n_lost = len(stretches) - len(plan_stretches(stretches, source_hz, rate_hz))
    if n_lost:
        notes.append(f"{n_lost} stretches shorter than half a sample at {rate_hz:g} Hz left out.")
    if config.bandpass is not None:
        period_s = 1.0 / config.bandpass[0]
        n_short = sum(stretch.n_samples / source_hz < period_s for stretch in stretches)
        if n_short:
            notes.append(
                f"{n_short} stretches are shorter than one period of the lower band edge "
                f"({period_s:g} s); slow waves in them are not reliable."
            )
    return notes
