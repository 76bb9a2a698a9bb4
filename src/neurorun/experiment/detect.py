"""Find seizures in recordings with the best checkpoint of a run."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from neurorun.core import SILENT, DataError, NeurorunError, Progress, Recording, RunError, Timeline
from neurorun.data import (
    CachedRecording,
    prepare,
    read_header,
    read_recording,
    resolve_montage,
)
from neurorun.evaluation import PostprocessingConfig, RecordingPrediction
from neurorun.experiment.config import experiment_from
from neurorun.formats import from_mne_raw, write_events
from neurorun.runs import Run, open_run
from neurorun.tasks import SeizureDetectionSections, frozen_points, predictor_of, sections_of
from neurorun.training import resolve_device

logger = logging.getLogger(__name__)

EventFormat = Literal["tsv", "csv_bi", "edf"]
_SUFFIX: dict[EventFormat, str] = {"tsv": "_events.tsv", "csv_bi": ".csv_bi", "edf": "_events.edf"}


@dataclass(frozen=True)
class Detector:
    """A trained detector with the settings and thresholds of its run.

    Parameters
    ----------
    model : in evaluation mode, on its device
    sections : how recordings are prepared, cut and stitched
    postprocessing : thresholds and lengths that make events
    """

    model: nn.Module
    sections: SeizureDetectionSections
    postprocessing: PostprocessingConfig

    @classmethod
    def open(cls, run: Run | Path | str, *, fa_rate: float | None = None) -> "Detector":
        """Open the best checkpoint of a run.

        Parameters
        ----------
        run : a run of seizure detection, or its folder
        fa_rate : use the thresholds that were chosen on validation for this rate of false alarms
            per 24 h; None uses the configured ones

        Raises
        ------
        RunError : the run is of another task, has no checkpoint, or no such operating point
        ScoringError : the operating point was not reachable on validation
        """
        opened = run if isinstance(run, Run) else open_run(run)
        experiment = experiment_from(opened.config, source=str(opened.path / "config.yaml"))
        if experiment.task.name != "seizure_detection":
            raise RunError(
                f"Run '{opened.name}' is of the task {experiment.task.name}; events are detected "
                "by runs of seizure_detection. Give one of these."
            )
        sections = sections_of(experiment.settings)
        weights = opened.checkpoint("best")["model_state_dict"]
        model = experiment.task.open_model(experiment.settings, weights)
        device = resolve_device(experiment.settings.experiment.device)
        chosen = sections.postprocessing
        if fa_rate is not None:
            chosen = _point(opened, fa_rate).applied_to(chosen)
        return cls(model.to(device), sections, chosen)

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
            raise DataError(
                f"Recording '{cached.recording_id}' of {duration_s:g} s has no "
                f"stretch of {data.window_size:g} s, one window of this run; longer is needed."
            )
        reference = Timeline(cached.recording_id, header.duration_s, (), header.gaps)
        prediction = RecordingPrediction(
            cached.recording_id, cached.patient, data.sampling_rate, pieces, reference
        )
        return replace(prediction.detect(self.postprocessing), duration_s=duration_s)


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
    written : files of its events; empty if it could not be used
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
    progress: Progress = SILENT,
) -> list[Detection]:
    """Write the events of recordings, one file per recording and format.

    A recording that cannot be used stops nothing; its `Detection` says why.

    Raises
    ------
    RunError : the run cannot be used
    DataError : two recordings would have the same output file
    """
    detector = Detector.open(run, fa_rate=fa_rate)
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
            done.append(_detect_file(detector, path, output / stem, formats))
            advance()
    return done


def _detect_file(
    detector: Detector, path: Path, target: Path, formats: Sequence[EventFormat]
) -> Detection:
    try:
        recording = detector.read(path)
        prepared = detector.prepare(recording)
        timeline = detector.detect_prepared(prepared, duration_s=recording.duration_s)
    except NeurorunError as error:
        logger.info("%s: %s", path, error)
        return Detection(path, problem=str(error))
    written = []
    for name in formats:
        file = target.with_name(target.name + _SUFFIX[name])
        write_events(file, timeline, format=name)
        written.append(file)
    return Detection(path, tuple(written), len(timeline.events), prepared.header.notes)


def detect(run: Path | str, raw: Any, *, fa_rate: float | None = None) -> Any:
    """Find seizures in an ``mne.io.Raw`` and return them as ``mne.Annotations``.

    Parameters
    ----------
    run : folder of a run
    raw : any MNE raw object with EEG channels
    fa_rate : see `Detector.open`

    Raises
    ------
    RunError : the run cannot be used
    DataError : channels are missing, or the signal is shorter than one window
    """
    from neurorun.core import require

    mne = require("mne", extra="mne")
    timeline = Detector.open(run, fa_rate=fa_rate).detect(from_mne_raw(raw))
    return mne.Annotations(
        onset=[event.onset_s for event in timeline.events],
        duration=[event.duration_s for event in timeline.events],
        description=[event.label for event in timeline.events],
        orig_time=raw.annotations.orig_time,
    )
