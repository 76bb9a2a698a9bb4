"""All that is known of recordings, brought together for a reader who judges a detector.

What a run kept is taken from its folder. EEG and annotations come from the cache of the run's data,
which is made up to date if it can be; what was not kept, the best checkpoint is asked again.
Whatever cannot be had is said to be missing, and why.
"""

import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from neurorun.core import (
    SILENT,
    DataError,
    Event,
    NeurorunError,
    Progress,
    RunError,
    Stretch,
    Timeline,
)
from neurorun.data import (
    FOLDER_OF_SPLIT,
    Cache,
    CachedRecording,
    Corpus,
    SplitName,
    open_cache,
    prepare,
)
from neurorun.evaluation import RecordingPrediction
from neurorun.experiment.config import experiment_from
from neurorun.experiment.detect import Detector
from neurorun.formats import read_events
from neurorun.runs import Kept, Run
from neurorun.tasks import predictor_of, sections_of
from neurorun.training import Device, resolve_device

logger = logging.getLogger(__name__)

Piece = tuple[float, Float32[np.ndarray, " _"]]


_NO_REFERENCE = "What was annotated is not known: no file of reference events was given."
_NOT_ANNOTATED = "What was annotated is not known: nobody annotated this recording."
_NO_MICROVOLTS = (
    "The EEG is not in this page: its cache was converted from standardized values, so its "
    "microvolts are not known."
)


@dataclass(frozen=True, eq=False)
class ReviewMaterial:
    """One recording with what was annotated in it and what was detected.

    Parameters
    ----------
    recording_id, patient : names; the patient is empty where unknown
    duration_s : length, gaps included
    gaps : times without EEG
    reference, detected : seizures; None where not known
    probabilities : of every stretch that was predicted; None where not known
    probability_rate_hz : probabilities per second
    signal : the EEG as the detector was given it, before it was standardized; None where not known
    missing : what is not known, and why, in whole sentences
    """

    recording_id: str
    patient: str
    duration_s: float
    gaps: tuple[tuple[float, float], ...]
    reference: tuple[Event, ...] | None
    detected: tuple[Event, ...] | None
    probabilities: tuple[Piece, ...] | None
    probability_rate_hz: float
    signal: "PreparedSignal | None"
    missing: tuple[str, ...]


class PreparedSignal:
    """Microvolts of a prepared recording, decoded when they are asked for."""

    def __init__(self, recording: CachedRecording) -> None:
        self._recording = recording

    @property
    def channels(self) -> tuple[str, ...]:
        """Name of every row."""
        return self._recording.channels

    @property
    def rate_hz(self) -> float:
        """Samples per second."""
        return self._recording.rate_hz

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """Pieces without a gap."""
        return self._recording.stretches

    def microvolts(self, first: int, n_samples: int) -> Float32[np.ndarray, "channels samples"]:
        """Decode some samples."""
        steps, _ = self._recording.stored_window(first, n_samples)
        signal_uv: Float32[np.ndarray, "channels samples"] = (
            steps * self._recording.scale[:, None] + self._recording.offset[:, None]
        )
        return signal_uv


@dataclass(frozen=True, eq=False)
class _Prediction:
    """What a detector says of a recording; None where it is not known."""

    pieces: tuple[Piece, ...] | None
    rate_hz: float
    detected: tuple[Event, ...] | None


class Reviewer:
    """Brings together what is known of the recordings of one run.

    Parameters
    ----------
    run : of seizure detection
    device : where its network computes, if it must be asked again; see `Detector.open`

    Raises
    ------
    ConfigError : this machine does not have the device
    RunError : the run is of another task
    """

    def __init__(self, run: Run, *, device: Device = "auto") -> None:
        experiment = experiment_from(run.config, source=str(run.path / "config.yaml"))
        if experiment.task.name != "seizure_detection":
            raise RunError(
                f"Run '{run.name}' is of the task {experiment.task.name}; recordings are reviewed "
                "by runs of seizure_detection. Give one of these."
            )
        self._run, self._sections = run, sections_of(experiment.settings)
        self._device = resolve_device(device, name="device")

    @functools.cached_property
    def _detector(self) -> Detector:
        return Detector.open(self._run, device=self._device)

    def recordings(self, split: SplitName, recording_id: str | None = None) -> dict[str, SplitName]:
        """Recordings to review, each with its split.

        Parameters
        ----------
        split : all of it; ignored where a recording is named
        recording_id : one recording of any split

        Raises
        ------
        RunError : the run has no such recording, or nothing in that split
        """
        members = self._run.splits.by_name
        if recording_id is None and members[split]:
            return dict.fromkeys(sorted(members[split]), split)
        if recording_id is None:
            raise RunError(
                f"Run '{self._run.name}' has nothing in the split '{split}'; choose another."
            )
        for name in FOLDER_OF_SPLIT:
            if recording_id in members[name]:
                return {recording_id: name}
        known = [one for some in members.values() for one in some]
        close = get_close_matches(recording_id, known, n=3)
        raise RunError(
            f"Run '{self._run.name}' has no recording '{recording_id}' among its {len(known)}"
            f"{'; near are ' if close else ''}{', '.join(close)}. Choose one of splits.json, or "
            "give another recording as --recording FILE."
        )

    def materials(
        self, recordings: dict[str, SplitName], *, progress: Progress = SILENT
    ) -> Iterator[ReviewMaterial]:
        """Bring together what is known of recordings, one after the other.

        Parameters
        ----------
        recordings : with their splits

        Raises
        ------
        DataError : not even the length of a recording is known
        """
        opened: dict[SplitName, Cache | str] = {}
        for recording_id, split in recordings.items():
            if split not in opened:
                opened[split] = self._cache(split, progress)
            cached, reason = _in_cache(opened[split], recording_id)
            patient = self._run.splits.by_name[split][recording_id]
            yield self._material(recording_id, patient, cached, reason)

    def of_file(
        self, file: Path, *, recording_id: str | None = None, reference: Path | None = None
    ) -> ReviewMaterial:
        """Bring together what is known of a recording that is read from its own file.

        Parameters
        ----------
        file : EDF or BDF
        recording_id : under which the run knows it; None takes the name of the file
        reference : file of its annotated events; None if they are not known

        Raises
        ------
        DataError : a file cannot be used
        RunError : the run has no checkpoint
        """
        recording = self._detector.read(file)
        settings, rate_hz = self._sections.preprocessing, self._sections.data.sampling_rate
        prepared = prepare(recording, settings, rate_hz=rate_hz)
        timeline = None
        if reference is not None:
            length_s = recording.duration_s
            read = read_events(reference, duration_s=length_s)
            timeline = replace(read, duration_s=length_s, gaps=recording.gaps)
        cached = CachedRecording.from_recording(prepared, timeline, settings)
        name = recording_id or recording.recording_id
        return self._material(name, recording.patient, cached, _NO_REFERENCE)

    def _cache(self, split: SplitName, progress: Progress) -> Cache | str:
        """Open the cache of a split, brought up to date if need be; or why there is none."""
        data, preprocessing = self._sections.data, self._sections.preprocessing
        folder = data.cache_dir / FOLDER_OF_SPLIT[split]
        try:
            return open_cache(folder, preprocessing=preprocessing, rate_hz=data.sampling_rate)
        except DataError as error:
            logger.info("The cache of '%s' is made up to date: %s", split, error)
        try:
            corpus = Corpus.find(data, preprocessing, progress=progress)
            return corpus.cache(tuple(self._run.splits.by_name[split]), folder, progress=progress)
        except DataError as error:
            return str(error)

    def _material(
        self, recording_id: str, patient: str, cached: CachedRecording | None, reason: str
    ) -> ReviewMaterial:
        """Put together what is known; ``reason`` says why the rest of the data is not."""
        missing = []
        reference = signal = None
        if cached is None:
            missing.append(f"The EEG and its annotations are not in this page: {reason}")
        else:
            signal = PreparedSignal(cached) if cached.header.unit == "uV" else None
            reference = None if cached.timeline is None else cached.timeline.seizures
            missing += [] if signal else [_NO_MICROVOLTS]
            missing += [] if cached.timeline else [reason or _NOT_ANNOTATED]
        predicted = self._prediction(recording_id, cached, missing)
        duration_s, gaps = self._extent(recording_id, cached, reason)
        return ReviewMaterial(
            recording_id=recording_id,
            patient=patient,
            duration_s=duration_s,
            gaps=gaps,
            reference=reference,
            detected=predicted.detected,
            probabilities=predicted.pieces,
            probability_rate_hz=predicted.rate_hz,
            signal=signal,
            missing=tuple(missing),
        )

    def _extent(
        self, recording_id: str, cached: CachedRecording | None, reason: str
    ) -> tuple[float, tuple[tuple[float, float], ...]]:
        """Length and gaps of a recording, from the data or else from what the run kept."""
        if cached is not None:
            return cached.header.duration_s, cached.header.gaps
        events = self._kept(recording_id).events
        if recording_id not in events:
            raise DataError(
                f"Nothing is known of '{recording_id}': run '{self._run.name}' kept no events of "
                f"it, and its data cannot be used ({reason}). Restore the data, or give the "
                "recording as --recording FILE."
            )
        return events[recording_id].duration_s, ()

    def _kept(self, recording_id: str) -> Kept:
        """What the run kept of the split that a recording belongs to."""
        for split, members in self._run.splits.by_name.items():
            if recording_id in members:
                return self._run.of(split)
        return self._run

    def _prediction(
        self, recording_id: str, cached: CachedRecording | None, missing: list[str]
    ) -> _Prediction:
        """What the run kept; what it did not keep, its best checkpoint says again."""
        kept, rate_hz = self._kept(recording_id), self._sections.data.sampling_rate
        pieces = detected = None
        if recording_id in kept.probabilities:
            probabilities = kept.probabilities[recording_id]
            pieces, rate_hz = probabilities.pieces, probabilities.rate_hz
        if recording_id in kept.events:
            detected = kept.events[recording_id].seizures
        if cached is not None and (pieces is None or detected is None):
            try:
                again = self._predict(cached)
            except NeurorunError as error:
                missing.append(f"The detector could not be asked again: {error}")
            else:
                if pieces is None:
                    pieces, rate_hz = again.pieces, again.rate_hz
                detected = again.detected if detected is None else detected
        missing += [] if pieces else ["The probability of a seizure is not known."]
        missing += [] if detected is not None else ["What was detected is not known."]
        return _Prediction(pieces, rate_hz, detected)

    def _predict(self, cached: CachedRecording) -> _Prediction:
        detector, rate_hz = self._detector, self._sections.data.sampling_rate
        with torch.no_grad():
            pieces = predictor_of(detector.model, self._sections).predict(cached)
        header = cached.header
        if not pieces:
            raise DataError(
                f"no stretch of the recording is as long as one window of this run, "
                f"{self._sections.data.window_size:g} s."
            )
        whole = Timeline(cached.recording_id, header.duration_s, (), header.gaps)
        prediction = RecordingPrediction(
            cached.recording_id, cached.patient, rate_hz, pieces, whole
        )
        detected = prediction.detect(detector.postprocessing).seizures
        return _Prediction(pieces, rate_hz, detected)


def _in_cache(cache: Cache | str, recording_id: str) -> tuple[CachedRecording | None, str]:
    """A recording of a cache; or nothing, and why."""
    if isinstance(cache, str):
        return None, cache
    if recording_id in cache.recording_ids:
        return cache[cache.recording_ids.index(recording_id)], ""
    reasons = [row.reason for row in cache.table.rows if row.recording_id == recording_id]
    return None, reasons[0] if reasons else f"'{cache.folder}' does not hold it."
