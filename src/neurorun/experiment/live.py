"""Follow a recording while it is made: samples in, probabilities and events out.

The chain is the one that recordings take from a file: montage, resampling, filters, standardizing,
network, stitching, events. Whatever the sizes of the blocks, the output is the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from neurorun.core import ConfigError, DataError, Event, Recording
from neurorun.data import (
    ChannelStatistics,
    Preparation,
    PreprocessingConfig,
    StatisticsAccumulator,
    channel_statistics,
    prepare,
    resolve_montage,
    standardized,
)
from neurorun.evaluation import EventDetector
from neurorun.experiment.detect import Detector
from neurorun.experiment.probability_stream import (
    CausalStream,
    ProbabilityStream,
    WindowStream,
    follows_live,
)
from neurorun.runs import Run

_PROBE_S, _PROBE_STEP_S = 60.0, 0.01


@dataclass(frozen=True, eq=False)
class LiveOutput:
    """What became final with the latest samples.

    Parameters
    ----------
    onset_s : seconds from the start of the recording to the first of the probabilities
    probabilities : one per sample at the rate of the run; may be empty
    events : seizures whose end is known now; seconds from the start of the recording
    """

    onset_s: float
    probabilities: Float32[np.ndarray, " samples"]
    events: tuple[Event, ...]


class LiveDetector:
    """Detects seizures in a signal that arrives in blocks of any size.

    A causal detector (``model.causal: true``) follows the signal in pieces of ``piece_s``; any
    other network reads windows of ``data.window_size`` every ``data.prediction_stride`` seconds, as
    it does with files. `latency_s` says how long that takes.

    Runs that standardize by the mean and deviation of a whole recording (``zscore``, ``robust``)
    cannot know these at its start. They are taken from ``calibration``, an earlier recording of the
    same patient and amplifier, or else from the first ``calibration_s`` seconds, for which the
    output then waits; afterwards they stay as they are. Runs with ``standardize: fixed`` wait for
    nothing.

    Parameters
    ----------
    run : a run of seizure detection, its folder, or an opened `Detector`
    channels : name of every row that will be pushed
    rate_hz : samples per second that will be pushed
    fa_rate : see `Detector.open`; ignored where a `Detector` is given
    piece_s : how often a causal detector computes
    calibration : whose centre and spread to use
    calibration_s : how much signal to take them from, where there is no such recording

    Raises
    ------
    ConfigError : the run prepares recordings in a way that needs their end
    DataError : a channel of the montage is missing
    RunError, ScoringError : see `Detector.open`
    """

    def __init__(
        self,
        run: Run | Path | str | Detector,
        *,
        channels: Sequence[str],
        rate_hz: float,
        fa_rate: float | None = None,
        piece_s: float = 1.0,
        calibration: Recording | None = None,
        calibration_s: float = 300.0,
    ) -> None:
        opened = run if isinstance(run, Detector) else Detector.open(run, fa_rate=fa_rate)
        self._detector, self._config = opened, opened.sections.preprocessing
        _check(self._config)
        plan = resolve_montage(channels, self._config.montage, interpolate=self._config.use_mne)
        self._plan, self._rows = plan, [list(channels).index(name) for name in plan.inputs]
        self._n_rows, self._source_hz = len(channels), rate_hz
        self._rate_hz = opened.sections.data.sampling_rate
        self._piece_samples = round(piece_s * self._rate_hz)
        self._statistics = self._known_statistics(calibration)
        self._n_calibration = round(calibration_s * self._rate_hz)
        self._held = np.zeros((len(plan.channels), 0), np.float32)
        self._onset_s, self._n_in, self._n_out = 0.0, 0, 0
        self._begin()

    @cached_property
    def _lag_s(self) -> float:
        return _preparation_lag_s(self._config, self._source_hz, self._rate_hz)

    @property
    def probability_latency_s(self) -> float:
        """Seconds after which a sample's probability has been given, at the latest."""
        return self._lag_s + self._stream.latency_samples / self._rate_hz

    @property
    def latency_s(self) -> float:
        """Seconds after its end by which an event has been returned, at the latest."""
        return self.probability_latency_s + self._events.latency_s

    def push(self, samples: Float32[np.ndarray, "channels samples"]) -> LiveOutput:
        """Take the next samples, any number of them, in microvolts.

        Raises
        ------
        DataError : another number of rows than channels, a value that is not finite, or every
            channel is flat
        """
        if samples.shape[0] != self._n_rows:
            raise DataError(
                f"{samples.shape[0]} rows of samples for {self._n_rows} channels; push one row for "
                "each of the channels that were named."
            )
        self._n_in += samples.shape[1]
        block = self._plan.apply(np.ascontiguousarray(samples[self._rows], np.float32))
        return self._output(self._calibrated(self._chain.push(block)))

    def finish(self) -> LiveOutput:
        """End the stretch: give what is left of it. What is pushed next goes on without a gap."""
        return self.gap(0.0)

    def gap(self, duration_s: float) -> LiveOutput:
        """End the stretch, because nothing was recorded for a while; give what is left of it.

        Nothing along time reaches from one stretch into the next.

        Parameters
        ----------
        duration_s : seconds that are missing, >= 0
        """
        last = self._calibrated(self._chain.finish(), is_end=True)
        first = self._output(last)
        rest = self._stream.finish()
        events = (*first.events, *self._events.process(rest), *self._events.flush())
        output = LiveOutput(first.onset_s, np.concatenate([first.probabilities, rest]), events)
        self._onset_s += self._n_in / self._source_hz + duration_s
        self._begin()
        return output

    def _begin(self) -> None:
        self._n_in = self._n_out = 0
        self._chain = Preparation(
            self._config,
            len(self._plan.channels),
            source_hz=self._source_hz,
            rate_hz=self._rate_hz,
        )
        self._stream = self._new_stream()
        self._events = EventDetector(
            self._detector.postprocessing, self._rate_hz, onset_s=self._onset_s
        )

    def _new_stream(self) -> ProbabilityStream:
        model, sections = self._detector.model, self._detector.sections
        if follows_live(model):
            return CausalStream(model, piece_samples=self._piece_samples)
        return WindowStream(
            model,
            sections.data.prediction_windows,
            batch_size=1,
            stitching=sections.postprocessing.stitching,
        )

    def _known_statistics(self, calibration: Recording | None) -> ChannelStatistics | None:
        config = self._config
        if not config.normalize or config.standardize == "fixed":
            return StatisticsAccumulator(self._plan.channels, config).result()
        if calibration is None:
            return None
        return channel_statistics(prepare(calibration, config, rate_hz=self._rate_hz), config)

    def _calibrated(
        self, block: Float32[np.ndarray, "channels ready"], *, is_end: bool = False
    ) -> Float32[np.ndarray, "channels standardized"]:
        """Standardized signal; nothing while the centre and spread are not known yet."""
        if self._statistics is None:
            self._held = np.hstack([self._held, block])
            n_held = self._held.shape[1]
            if not n_held or (n_held < self._n_calibration and not is_end):
                return block[:, :0]
            accumulator = StatisticsAccumulator(self._plan.channels, self._config)
            accumulator.push(self._held[:, : self._n_calibration])
            self._statistics = accumulator.result()
            block, self._held = self._held, self._held[:, :0].copy()
        return standardized(block, self._statistics, self._config)

    def _output(self, block: Float32[np.ndarray, "channels samples"]) -> LiveOutput:
        probabilities = self._stream.push(block)
        onset_s = self._onset_s + self._n_out / self._rate_hz
        self._n_out += probabilities.size
        return LiveOutput(onset_s, probabilities, self._events.process(probabilities))


def _check(config: PreprocessingConfig) -> None:
    if config.preset == "legacy" or config.phase != "causal":
        raise ConfigError(
            f"The run prepares recordings with preset '{config.preset}' and phase "
            f"'{config.phase}', which need their end; live use needs preset 'default' and phase "
            "'causal'. Train such a run."
        )


def _preparation_lag_s(config: PreprocessingConfig, source_hz: float, rate_hz: float) -> float:
    """How long the resampler holds samples back, found by trying it; filters hold none."""
    alone = config.model_copy(update={"bandpass": None, "notch_freq": None})
    chain = Preparation(alone, 1, source_hz=source_hz, rate_hz=rate_hz)
    n_step = max(1, round(_PROBE_STEP_S * source_hz))
    silence, n_in, n_out, longest_s = np.zeros((1, n_step), np.float32), 0, 0, 0.0
    while n_in < _PROBE_S * source_hz:
        longest_s = max(longest_s, (n_in + n_step) / source_hz - n_out / rate_hz)
        n_out += chain.push(silence).shape[1]
        n_in += n_step
    return 0.0 if source_hz == rate_hz else longest_s
