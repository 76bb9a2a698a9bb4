"""Find seizures in recordings with the best checkpoint of a run."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from neurorun.core import (
    SILENT,
    ConfigError,
    DataError,
    Event,
    NeurorunError,
    Progress,
    Recording,
    RunError,
    Stretch,
    Timeline,
    require,
)
from neurorun.data import (
    CachedRecording,
    RecordingStream,
    prepare,
    read_header,
    read_recording,
    resolve_montage,
    stream_mne,
    stream_recording,
)
from neurorun.evaluation import EventDetector, PostprocessingConfig, RecordingPrediction
from neurorun.experiment.config import experiment_from
from neurorun.experiment.opening import open_network
from neurorun.experiment.probability_stream import WindowStream
from neurorun.formats import write_events
from neurorun.runs import Run, open_run
from neurorun.tasks import SeizureDetectionSections, frozen_points, predictor_of, sections_of
from neurorun.training import Device

logger = logging.getLogger(__name__)

EventFormat = Literal["tsv", "csv_bi", "edf"]
_SUFFIX: dict[EventFormat, str] = {"tsv": "_events.tsv", "csv_bi": ".csv_bi", "edf": "_events.edf"}
_LARGEST_SPREAD_UV = 10_000.0


@dataclass(frozen=True)
class Detector:
    """A trained detector with the settings and thresholds of its run.

    Parameters
    ----------
    model : in evaluation mode, on its device
    sections : how recordings are prepared, cut and stitched
    postprocessing : thresholds and lengths that make events
    batch_size : windows at a time where a recording is streamed; decides how much memory that takes
    """

    model: nn.Module
    sections: SeizureDetectionSections
    postprocessing: PostprocessingConfig
    batch_size: int

    @classmethod
    def open(
        cls,
        run: Run | Path | str,
        *,
        fa_rate: float | None = None,
        batch_size: int | None = None,
        device: Device = "auto",
    ) -> "Detector":
        """Open the best checkpoint of a run.

        Parameters
        ----------
        run : a run of seizure detection, or its folder
        fa_rate : use the thresholds that were chosen on validation for this rate of false alarms
            per 24 h; None uses the configured ones
        batch_size : windows at a time, > 0; None takes ``data.batch_size`` of the run
        device : where the network computes, wherever it was trained; ``auto`` is CUDA where there
            is any, and the CPU elsewhere

        Raises
        ------
        ConfigError : this machine does not have the device, or ``batch_size`` is not positive
        RunError : the run is of another task, has no checkpoint, or no such operating point
        ScoringError : the operating point was not reachable on validation
        """
        if batch_size is not None and batch_size < 1:
            raise ConfigError(
                f"batch_size is {batch_size}; at least 1 window at a time is needed. Give one, or "
                "None for that of training."
            )
        opened = run if isinstance(run, Run) else open_run(run)
        experiment = experiment_from(opened.config, source=str(opened.path / "config.yaml"))
        if experiment.task.name != "seizure_detection":
            raise RunError(
                f"Run '{opened.name}' is of the task {experiment.task.name}; events are detected "
                "by runs of seizure_detection. Give one of these."
            )
        sections = sections_of(experiment.settings)
        weights = opened.checkpoint("best")["model_state_dict"]
        model = open_network(experiment, weights, device=device)
        chosen = sections.postprocessing
        if fa_rate is not None:
            chosen = _point(opened, fa_rate).applied_to(chosen)
        return cls(model, sections, chosen, batch_size or sections.data.batch_size)

    def read(self, path: Path) -> Recording:
        """Read the channels that the run needs, and no others.

        Raises
        ------
        DataError : the file cannot be read, or a channel is missing
        """
        settings = self.sections.preprocessing
        plan = resolve_montage(
            read_header(path).channels, settings.montage, interpolate=settings.use_mne
        )
        return read_recording(path, channels=plan.inputs)

    def detect(self, recording: Recording) -> Timeline:
        """Events of one recording; nothing is detected in stretches shorter than a window.

        Raises
        ------
        DataError : channels are missing, or no stretch is as long as one window
        """
        return self.detect_prepared(self.prepare(recording), duration_s=recording.duration_s)

    def prepare(self, recording: Recording) -> CachedRecording:
        """Bring a recording to the montage, rate and band of the run; its notes say how.

        Raises
        ------
        DataError : channels are missing, or all are flat
        """
        rate_hz = self.sections.data.sampling_rate
        prepared = prepare(recording, self.sections.preprocessing, rate_hz=rate_hz)
        return CachedRecording.from_recording(prepared, None, self.sections.preprocessing)

    def detect_prepared(self, cached: CachedRecording, *, duration_s: float) -> Timeline:
        """Events of a prepared recording.

        Parameters
        ----------
        cached : as `prepare` gives it
        duration_s : of the recording before it was resampled

        Raises
        ------
        DataError : no stretch is as long as one window
        """
        data, header = self.sections.data, cached.header
        with torch.no_grad():
            pieces = predictor_of(self.model, self.sections).predict(cached)
        if not pieces:
            raise self._too_short(cached.recording_id, duration_s)
        reference = Timeline(cached.recording_id, header.duration_s, (), header.gaps)
        prediction = RecordingPrediction(
            cached.recording_id, cached.patient, data.sampling_rate, pieces, reference
        )
        found = prediction.detect(self.postprocessing)
        return replace(found, events=_within(found.events, duration_s), duration_s=duration_s)

    def stream(self, path: Path) -> RecordingStream:
        """Open a recording of any length: only its header is read.

        Raises
        ------
        DataError : the file cannot be read, or a channel is missing
        """
        sections = self.sections
        return stream_recording(path, sections.preprocessing, rate_hz=sections.data.sampling_rate)

    def stream_mne(self, raw: Any) -> RecordingStream:
        """Open an ``mne.io.Raw``, which need not be loaded.

        Raises
        ------
        DataError : a channel is missing or marked bad, or no time is left between the gaps
        """
        sections = self.sections
        return stream_mne(raw, sections.preprocessing, rate_hz=sections.data.sampling_rate)

    def detect_stream(
        self, stream: RecordingStream, *, heard: Callable[[float], None] = lambda _: None
    ) -> Timeline:
        """Events of a recording of any length, in memory that does not grow with it.

        They are those of `detect`; the recording is read twice.

        Parameters
        ----------
        heard : is told now and then how many seconds were done

        Raises
        ------
        DataError : all channels are flat, or no stretch is as long as one window
        """
        length = self.sections.data.prediction_windows.window_samples
        long_enough = [s for s in stream.stretches if s.n_samples >= length]
        if not long_enough:
            raise self._too_short(stream.recording_id, stream.duration_s)
        header = stream.header
        events = [
            event for stretch in long_enough for event in self._follow(stream, stretch, heard)
        ]
        within = _within(events, min(header.duration_s, stream.duration_s))
        return Timeline(stream.recording_id, stream.duration_s, within, header.gaps)

    def _follow(
        self, stream: RecordingStream, stretch: Stretch, heard: Callable[[float], None]
    ) -> Iterator[Event]:
        """Events of one stretch, as soon as they are known."""
        probabilities = WindowStream(
            self.model,
            self.sections.data.prediction_windows,
            batch_size=self.batch_size,
            stitching=self.sections.postprocessing.stitching,
        )
        events = EventDetector(self.postprocessing, stream.rate_hz, onset_s=stretch.onset_s)
        n_done = stretch.first
        for block in stream.blocks(stretch):
            yield from events.process(probabilities.push(block))
            n_done += block.shape[1]
            heard(n_done / stream.rate_hz)
        yield from events.process(probabilities.finish())
        yield from events.flush()

    def _too_short(self, recording_id: str, duration_s: float) -> DataError:
        return DataError(
            f"Recording '{recording_id}' of {duration_s:g} s has no stretch of "
            f"{self.sections.data.window_size:g} s, one window of this run; longer is needed."
        )


def _within(events: Sequence[Event], duration_s: float) -> tuple[Event, ...]:
    """Events of a resampled recording, whose last sample may reach beyond the recording's end."""
    return tuple(
        replace(event, offset_s=min(event.offset_s, duration_s))
        for event in events
        if event.onset_s < duration_s
    )


def _point(run: Run, fa_rate: float) -> Any:
    points = {point.fa_rate: point for point in frozen_points(run)}
    if fa_rate not in points:
        known = ", ".join(f"{rate:g}" for rate in points) or "none"
        raise RunError(
            f"Run '{run.name}' has no operating point for {fa_rate:g} false alarms per 24 h; it "
            f"has {known}. Choose one of these."
        )
    return points[fa_rate]


@dataclass(frozen=True)
class Detection:
    """What became of one recording.

    Parameters
    ----------
    recording : its file
    written : files of its events; those that were written before a problem, if there is one
    n_events : how many were found
    notes : what the channels were mapped from, what was repaired or could not be done
    problem : why it could not be used, empty if it could
    """

    recording: Path
    written: tuple[Path, ...] = ()
    n_events: int = 0
    notes: tuple[str, ...] = ()
    problem: str = ""


def detect_files(
    run: Path | str,
    recordings: Sequence[Path],
    output: Path,
    *,
    formats: Sequence[EventFormat] = ("tsv",),
    fa_rate: float | None = None,
    batch_size: int | None = None,
    device: Device = "auto",
    progress: Progress = SILENT,
) -> list[Detection]:
    """Write the events of recordings, one file per recording and format.

    A recording that cannot be used, or whose events cannot be written, stops nothing; its
    `Detection` says why. Recordings are read twice, a minute at a time, so a day takes no more
    memory than an hour.

    Parameters
    ----------
    fa_rate, batch_size, device : see `Detector.open`

    Raises
    ------
    ConfigError, RunError : the run cannot be used
    DataError : two recordings would have the same output file
    """
    detector = Detector.open(run, fa_rate=fa_rate, batch_size=batch_size, device=device)
    stems = [path.stem.removesuffix("_eeg") for path in recordings]
    repeated = sorted({stem for stem in stems if stems.count(stem) > 1})
    if repeated:
        raise DataError(
            f"{stems.count(repeated[0])} recordings are called '{repeated[0]}', so their events "
            "would overwrite each other; detect them into different folders."
        )
    done = []
    with progress.phase("Detecting", len(recordings)) as advance:
        for path, stem in zip(recordings, stems, strict=True):
            done.append(
                _detect_file(
                    detector,
                    path,
                    output / stem,
                    formats=formats,
                    heard=lambda done_s: advance(0, hours=done_s / 3600),
                )
            )
            advance()
    return done


def detect_file(detector: Detector, recording: Path, output: Path) -> Timeline:
    """Write the events of one recording into one file, as SzCORE reads them (HED-SCORE TSV).

    Raises
    ------
    DataError : the recording cannot be used, or the file cannot be written
    """
    stream = detector.stream(recording)
    timeline = detector.detect_stream(stream)
    write_events(output, timeline, start=stream.start)
    return timeline


def _detect_file(
    detector: Detector,
    path: Path,
    target: Path,
    *,
    formats: Sequence[EventFormat],
    heard: Callable[[float], None],
) -> Detection:
    written: list[Path] = []
    try:
        stream = detector.stream(path)
        timeline = detector.detect_stream(stream, heard=heard)
        for name in formats:
            file = target.with_name(target.name + _SUFFIX[name])
            write_events(file, timeline, format=name, start=stream.start)
            written.append(file)
    except NeurorunError as error:
        logger.info("%s: %s", path, error)
        return Detection(path, tuple(written), problem=str(error))
    return Detection(path, tuple(written), len(timeline.events), _remarks(stream))


def _remarks(stream: RecordingStream) -> tuple[str, ...]:
    """What there is to say of a recording whose events were detected."""
    return (*stream.header.notes, *_doubts(stream), *stream.limited())


def _doubts(stream: RecordingStream) -> tuple[str, ...]:
    """What lets a user doubt the signal itself."""
    measured = stream.header.statistics["zscore"]
    if measured is None:
        return ()
    doubts = []
    if measured.flat:
        flat = ", ".join(f"'{name}'" for name in measured.flat)
        doubts.append(f"Flat throughout, and so without a say in what was detected: {flat}.")
    too_large = measured.spread > _LARGEST_SPREAD_UV
    if too_large.any():
        names = ", ".join(
            f"'{n}'" for n, yes in zip(stream.plan.channels, too_large, strict=True) if yes
        )
        doubts.append(
            f"The spread of {names} is up to {measured.spread.max() / 1000:.3g} millivolts, far "
            "more than that of any EEG; check the unit (MNE-Python holds volts)."
        )
    return tuple(doubts)


def detect(
    run: Path | str,
    raw: Any,
    *,
    fa_rate: float | None = None,
    batch_size: int | None = None,
    device: Device = "auto",
) -> Any:
    """Find seizures in an ``mne.io.Raw`` and return them as ``mne.Annotations``.

    ``raw.set_annotations(found)`` places them, also on a cropped Raw. Channels in
    ``raw.info["bads"]`` count as missing: Fz and Pz are interpolated where they alone are, as in
    files; others are refused if the run needs them. What was mapped or repaired is logged; channels
    that are flat throughout, or larger than any EEG, as a warning.

    Parameters
    ----------
    run : folder of a run
    raw : any MNE raw object with EEG channels; if its data are not loaded, they are read a minute
        at a time
    fa_rate, batch_size, device : see `Detector.open`

    Raises
    ------
    ConfigError, RunError : see `Detector.open`
    DataError : ``raw`` is no Raw, channels are missing or marked bad, or the signal is shorter than
        one window
    """
    mne = require("mne", extra="mne")
    if not isinstance(raw, mne.io.BaseRaw):
        raise DataError(
            f"Events were to be detected in {_described(raw)}; an mne.io.Raw is needed. Read a "
            "file with mne.io.read_raw, make one of an array with mne.io.RawArray, or give files "
            "to neurorun.experiment.detect_files."
        )
    detector = Detector.open(run, fa_rate=fa_rate, batch_size=batch_size, device=device)
    stream = detector.stream_mne(raw)
    events = detector.detect_stream(stream).events
    for remark in _remarks(stream):
        logger.log(logging.WARNING if remark in _doubts(stream) else logging.INFO, "%s", remark)
    # with a date, MNE counts from it; without, from the first sample that is left
    first_s = 0.0 if raw.annotations.orig_time is None else float(raw.first_time)
    return mne.Annotations(
        onset=[first_s + event.onset_s for event in events],
        duration=[event.duration_s for event in events],
        description=[event.label for event in events],
        orig_time=raw.annotations.orig_time,
    )


def _described(value: object) -> str:
    kind = type(value).__name__
    return f"{kind} '{value}'" if isinstance(value, (str, Path)) else f"an object of type {kind}"
