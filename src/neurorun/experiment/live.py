"""Follow a recording while it is made: samples in, probabilities and events out.

The chain is the one that recordings take from a file: montage, resampling, filters, standardizing,
network, stitching, events. Whatever the sizes of the blocks, the output is the same.
"""

import math
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
)
from neurorun.evaluation import EventDetector
from neurorun.experiment.calibration import Calibration
from neurorun.experiment.detect import Detector
from neurorun.experiment.probability_stream import (
    CausalStream,
    ProbabilityStream,
    WindowStream,
    follows_live,
)
from neurorun.runs import Run
from neurorun.training import Device

_PROBE_S, _PROBE_STEP_S = 60.0, 0.01


@dataclass(frozen=True, eq=False)
class LiveOutput:
    """What became final with the latest samples.

    Parameters
    ----------
    onset_s : seconds from the start of the recording to the first of the probabilities
    probabilities : one per sample at the rate of the run; may be empty
    events : seizures whose end is known now; seconds from the start of the recording
    running_onset_s : onset of the seizure that is running: it is in no ``events`` yet, and will be
        when it has ended, with this onset; None where there is none
    """

    onset_s: float
    probabilities: Float32[np.ndarray, " samples"]
    events: tuple[Event, ...]
    running_onset_s: float | None = None


class LiveDetector:
    """Detects seizures in a signal that arrives in blocks of any size.

    A causal detector (``model.causal: true``) follows the signal in pieces of ``piece_s``; any
    other network reads windows of ``data.window_size`` every ``data.prediction_stride`` seconds, as
    it does with files. `latency_s` says how long that takes.

    An alarm can be raised while a seizure lasts: `LiveOutput.running_onset_s` states its onset as
    soon as nothing that follows can change it, `LiveOutput.events` the whole of it when it has
    ended. A seizure that begins and ends within one block is in ``events`` alone.

    Runs that standardize by the mean and deviation of a whole recording (``zscore``, ``robust``)
    cannot know these at its start. They are taken from ``calibration``, an earlier recording of the
    same patient and amplifier, or else from the first ``calibration_s`` seconds of each channel,
    for which the output then waits; afterwards they stay as they are (`is_calibrated`). Time in
    which a channel is flat is left out. A gap does not end the gathering; what waited before it is
    given by what was heard so far. A channel that comes later than the others is 0 until it has
    been heard for a second, and then follows what was heard of it. Runs with ``standardize: fixed``
    wait for nothing.

    Parameters
    ----------
    run : a run of seizure detection, its folder, or an opened `Detector`
    channels : name of every row that will be pushed
    rate_hz : samples per second that will be pushed, > 0
    fa_rate, device : see `Detector.open`; ignored where a `Detector` is given
    piece_s : how often a causal detector computes, > 0
    calibration : whose centre and spread to use
    calibration_s : how much signal to take them from, where there is no such recording, > 0; made
        up to whole seconds

    Raises
    ------
    ConfigError : the run prepares recordings in a way that needs their end; a number is not
        positive; or this machine does not have the device
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
        device: Device = "auto",
        piece_s: float = 1.0,
        calibration: Recording | None = None,
        calibration_s: float = 300.0,
    ) -> None:
        _check_positive(rate_hz=rate_hz, piece_s=piece_s, calibration_s=calibration_s)
        opened = (
            run if isinstance(run, Detector) else Detector.open(run, fa_rate=fa_rate, device=device)
        )
        self._detector, self._config = opened, opened.sections.preprocessing
        _check(self._config)
        plan = resolve_montage(channels, self._config.montage, interpolate=self._config.use_mne)
        self._plan, self._rows = plan, [list(channels).index(name) for name in plan.inputs]
        self._n_rows, self._source_hz = len(channels), rate_hz
        self._rate_hz = opened.sections.data.sampling_rate
        self._piece_samples = round(piece_s * self._rate_hz)
        self._calibration = Calibration(
            plan.channels,
            self._config,
            rate_hz=self._rate_hz,
            needed_s=calibration_s,
            known=self._known_statistics(calibration),
        )
        self._onset_s, self._n_in, self._n_out = 0.0, 0, 0
        self._begin()

    @cached_property
    def _lag_s(self) -> float:
        return _preparation_lag_s(self._config, self._source_hz, self._rate_hz)

    @property
    def is_calibrated(self) -> bool:
        """Whether centre and spread of every channel are final."""
        return self._calibration.is_complete

    @property
    def probability_latency_s(self) -> float:
        """Seconds after which a sample's probability has been given, at the latest.

        While the output waits for calibration, this is its length, if that is more.
        """
        follows_s = self._stream.latency_samples / self._rate_hz
        return self._lag_s + max(self._calibration.latency_s, follows_s)

    @property
    def onset_latency_s(self) -> float:
        """Seconds after its onset by which a seizure has been told as running, at the latest.

        One that is shorter is returned with its end.
        """
        return self.probability_latency_s + self._events.onset_latency_s

    @property
    def latency_s(self) -> float:
        """Seconds after its end by which an event has been returned, at the latest."""
        return self.probability_latency_s + self._events.latency_s

    def push(self, samples: Float32[np.ndarray, "channels samples"]) -> LiveOutput:
        """Take the next samples, any number of them, in microvolts.

        Samples that are refused count as not pushed; `gap` tells of their time.

        Raises
        ------
        DataError : another number of rows than channels, or a value that is not finite
        """
        if samples.ndim != 2 or samples.shape[0] != self._n_rows:
            raise DataError(
                f"Samples of shape {samples.shape} for {self._n_rows} channels; push an array "
                "(channels, samples) with one row for each of the channels that were named."
            )
        block = self._plan.apply(np.ascontiguousarray(samples[self._rows], np.float32))
        ready = self._chain.push(block)
        self._n_in += samples.shape[1]
        return self._output(self._calibration.push(ready))

    def finish(self) -> LiveOutput:
        """End the stretch: give what is left of it. What is pushed next goes on without a gap."""
        return self.gap(0.0)

    def gap(self, duration_s: float) -> LiveOutput:
        """End the stretch, because nothing was recorded for a while; give what is left of it.

        Nothing along time reaches from one stretch into the next.

        Parameters
        ----------
        duration_s : seconds that are missing, >= 0

        Raises
        ------
        ConfigError : it is negative
        """
        if not 0 <= duration_s < math.inf:
            raise ConfigError(
                f"A gap of {duration_s:g} s; it must last 0 s or longer. Give the seconds between "
                "the last sample and the next."
            )
        last = [self._calibration.push(self._chain.finish()), self._calibration.finish()]
        first = self._output(np.hstack(last))
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

    def _output(self, block: Float32[np.ndarray, "channels samples"]) -> LiveOutput:
        probabilities = self._stream.push(block)
        onset_s = self._onset_s + self._n_out / self._rate_hz
        self._n_out += probabilities.size
        events = self._events.process(probabilities)
        return LiveOutput(onset_s, probabilities, events, self._events.running_onset_s)


def _check_positive(**numbers: float) -> None:
    for name, value in numbers.items():
        if not 0 < value < math.inf:
            raise ConfigError(f"{name} is {value:g}; it must be above 0. Give a positive number.")


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
