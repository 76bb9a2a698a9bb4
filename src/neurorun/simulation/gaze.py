"""Normal and abnormal EEG with the gaze of a simulated reader, in the folders of NMT.

Abnormal recordings hold sharp waves or bursts of delta at one of three places, or generalised spike
and wave; all recordings hold harmless transients at the vertex.
The reader pages through each recording, ten seconds at a time, every eight; the eye rests mostly
on what is abnormal, or on harmless sharp transients where there is nothing else, and otherwise
anywhere, with a liking for some channels. Blinks, muscle and chewing are larger than anything
abnormal and are passed over: gaze is not a question of amplitude. Durations and numbers of
fixations follow those of 898 recorded ones (0.10 to 0.9 s, median 0.18 s; mostly 1 or 2 channels).
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32
from pydantic import Field

from neurorun.core import (
    SILENT,
    Config,
    Event,
    Progress,
    Recording,
    whole_recording,
    write_json,
    write_text,
)
from neurorun.formats import write_recording
from neurorun.simulation.eeg_resting import add_resting_eeg, draw_resting_traits
from neurorun.simulation.eeg_signal import (
    ELECTRODES,
    Scalp,
    gate,
    place,
    weights_around,
)

PLAN_FILE = "corpus.json"
CORPUS_FORMAT, CORPUS_FORMAT_VERSION = "neurorun-simulated-gaze-corpus", 1

PAGE_S, PAGE_STEP_S = 10.0, 8.0
TRACKER_HZ = 33.0
_RATE_HZ = 100.0
_EYES_OPENED_AT = 1_761_815_600.0
_FILE_CHANNELS = (
    "FP1", "FP2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2", "F7",
    "F8", "T3", "T4", "T5", "T6", "FZ", "PZ", "CZ", "A1", "A2", "ECG",
)  # fmt: skip
_LIKED = ("O2", "F7")
_FOCI = ("T3", "T4", "O1")
_SHARE_ON_DULL_PAGES = 0.25

Kind = Literal["Sharp Wave", "Delta Slow Wave", "Spike and Wave", "Harmless Transient"]


class GazeCorpusPlan(Config):
    """What a simulated corpus with gaze holds; the corpus follows from it, bit by bit."""

    n_train: int = Field(default=24, ge=4)
    """Recordings in the folder train, half of them abnormal; each is a patient of its own."""
    n_eval: int = Field(default=12, ge=2)
    """Recordings in the folder eval."""
    minutes: float = Field(default=5.0, ge=0.5, le=60)
    """Length of every recording."""
    share_with_gaze: float = Field(default=0.9, ge=0, le=1)
    """Share of the recordings that were read with an eye tracker."""
    events_per_minute: float = Field(default=6.0, gt=0, le=20)
    """Abnormal events in abnormal recordings."""
    fixations_per_page: float = Field(default=9.0, gt=0, le=50)
    """Mean number of fixations on a page with something to look at; a quarter of it on others."""
    attentiveness: float = Field(default=0.85, ge=0, le=1)
    """Share of the fixations that fall on something worth looking at, if the page has any."""
    seed: int = Field(default=42, ge=0)
    """Decides everything."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a recording that a reader looks at.

    Parameters
    ----------
    event : when, and the channels that show it, strongest first
    kind : what it is
    """

    event: Event
    kind: Kind

    @property
    def is_abnormal(self) -> bool:
        """Whether it makes the recording abnormal."""
        return self.kind != "Harmless Transient"


@dataclass(frozen=True, eq=False)
class ReadRecording:
    """A simulated recording with what is in it and where it was looked at.

    Parameters
    ----------
    recording : 22 channels named as in NMT, microvolts
    is_abnormal : its class
    findings : in order of time
    fixations : as files hold them; None if nobody's gaze was recorded
    """

    recording: Recording
    is_abnormal: bool
    findings: tuple[Finding, ...]
    fixations: tuple[Mapping[str, Any], ...] | None


def simulate_read_recording(
    rng: np.random.Generator, plan: GazeCorpusPlan, *, recording_id: str, is_abnormal: bool
) -> ReadRecording:
    """Simulate one recording and its reader.

    Parameters
    ----------
    rng : decides all of it
    """
    scalp = Scalp(60 * plan.minutes, _RATE_HZ)
    traits = draw_resting_traits(rng, line_hz=50.0)
    add_resting_eeg(scalp, rng, traits, calm=np.ones(scalp.n_samples, np.float32))
    findings = _add_findings(scalp, rng, plan, is_abnormal=is_abnormal)
    signal = _with_ears_and_heart(scalp, rng)
    recording = Recording(
        recording_id=recording_id,
        patient=recording_id,
        channels=_FILE_CHANNELS,
        rate_hz=_RATE_HZ,
        signal_uv=signal,
        stretches=whole_recording(signal.shape[1]),
    )
    has_gaze = rng.uniform() < plan.share_with_gaze
    fixations = tuple(_read(rng, plan, findings, scalp.duration_s)) if has_gaze else None
    return ReadRecording(recording, is_abnormal, findings, fixations)


def _add_findings(
    scalp: Scalp, rng: np.random.Generator, plan: GazeCorpusPlan, *, is_abnormal: bool
) -> tuple[Finding, ...]:
    """Put events onto the scalp: abnormal ones of one kind and place, and harmless transients."""
    kinds: tuple[Kind, ...] = ("Sharp Wave", "Delta Slow Wave", "Spike and Wave")
    kind = kinds[int(rng.integers(len(kinds)))]
    home = "Fz" if kind == "Spike and Wave" else _FOCI[int(rng.integers(len(_FOCI)))]
    n = max(3, int(rng.poisson(plan.events_per_minute * plan.minutes)))
    found: list[tuple[Kind, str]] = [(kind, home)] * n if is_abnormal else []
    n_harmless = int(rng.poisson(0.25 * plan.events_per_minute * plan.minutes))
    found += [("Harmless Transient", "Cz")] * n_harmless
    onsets = np.sort(rng.uniform(1, scalp.duration_s - 6, len(found)))
    order = rng.permutation(len(found))
    return tuple(
        _add_finding(scalp, rng, *found[int(i)], onset_s=float(onset_s))
        for i, onset_s in zip(order, onsets, strict=True)
    )


def _add_finding(
    scalp: Scalp, rng: np.random.Generator, kind: Kind, home: str, *, onset_s: float
) -> Finding:
    width = {"Sharp Wave": 0.45, "Delta Slow Wave": 0.6, "Spike and Wave": 1.2}.get(kind, 0.4)
    weights = weights_around(place(*ELECTRODES[home]), width)
    waveform = _waveform(rng, kind)
    scalp.add(weights, waveform, onset_s)
    order = np.argsort(-weights)
    channels = tuple(list(ELECTRODES)[int(i)].upper() for i in order if weights[int(i)] > 0.6)
    offset_s = onset_s + len(waveform) / _RATE_HZ
    return Finding(Event(onset_s, offset_s, kind, channels=channels), kind)


def _waveform(rng: np.random.Generator, kind: Kind) -> Float32[np.ndarray, " samples"]:
    if kind == "Delta Slow Wave":
        seconds = rng.uniform(1.5, 4.0)
        clock = np.arange(int(seconds * _RATE_HZ)) / _RATE_HZ
        wave = np.sin(2 * np.pi * rng.uniform(1.2, 2.8) * clock + rng.uniform(0, 2 * np.pi))
        envelope = gate(len(clock), _RATE_HZ, 0.0, seconds, ramp_s=0.3)
        return np.asarray(rng.uniform(45, 80) * wave * envelope, np.float32)
    if kind == "Spike and Wave":
        n_waves = int(rng.integers(4, 12))
        return np.tile(_spike(rng.uniform(70, 110), slow_uv=rng.uniform(50, 80)), n_waves)
    size = rng.uniform(70, 120) if kind == "Sharp Wave" else rng.uniform(45, 65)
    return _spike(size, slow_uv=0.4 * size)


def _spike(size_uv: float, *, slow_uv: float) -> Float32[np.ndarray, " samples"]:
    """A sharp wave of some 80 ms, followed by a slow one; a third of a second in all."""
    clock = np.arange(int(_RATE_HZ / 3)) / _RATE_HZ
    sharp = -size_uv * np.exp(-0.5 * ((clock - 0.06) / 0.02) ** 2)
    slow = slow_uv * np.exp(-0.5 * ((clock - 0.2) / 0.05) ** 2)
    return np.asarray(sharp + slow, np.float32)


def _with_ears_and_heart(
    scalp: Scalp, rng: np.random.Generator
) -> Float32[np.ndarray, "channels samples"]:
    rows = {name.upper(): row for name, row in zip(ELECTRODES, scalp.signal_uv, strict=True)}
    noise = rng.standard_normal((2, scalp.n_samples)).astype(np.float32)
    rows["A1"], rows["A2"] = 0.3 * rows["T3"] + 4 * noise[0], 0.3 * rows["T4"] + 4 * noise[1]
    beats = np.zeros(scalp.n_samples, np.float32)
    clock_s = 0.0
    while clock_s < scalp.duration_s - 0.1:
        beats[int(clock_s * _RATE_HZ)] = 800.0
        clock_s += rng.normal(0.9, 0.05)
    rows["ECG"] = np.convolve(beats, [0.2, 1.0, -0.3], mode="same").astype(np.float32)
    return np.stack([rows[name] for name in _FILE_CHANNELS]).astype(np.float32)


def _read(
    rng: np.random.Generator, plan: GazeCorpusPlan, findings: Sequence[Finding], duration_s: float
) -> list[dict[str, Any]]:
    """Page through a recording; abnormal findings draw the eye three times as often as others."""
    fixations = []
    clock = _EYES_OPENED_AT
    for page in np.arange(0.0, max(duration_s - PAGE_S, 0) + PAGE_STEP_S, PAGE_STEP_S):
        stop = min(page + PAGE_S, duration_s)
        here = [f for f in findings if f.event.onset_s < stop and page < f.event.offset_s]
        mean = plan.fixations_per_page * (1.0 if here else _SHARE_ON_DULL_PAGES)
        for _ in range(int(rng.poisson(mean))):
            clock += rng.uniform(0.1, 0.9)
            x_s, channels = _look(rng, plan, here, float(page), float(stop))
            fixation = _fixation(rng, clock, x_s, channels)
            clock = fixation["end_time"]
            fixations.append(fixation)
        clock += rng.uniform(0.5, 2)
    return fixations


def _look(
    rng: np.random.Generator,
    plan: GazeCorpusPlan,
    here: Sequence[Finding],
    page: float,
    stop: float,
) -> tuple[float, list[str]]:
    """Where the next fixation falls: seconds, and channels under the gaze."""
    if here and rng.uniform() < plan.attentiveness:
        weights = np.array([3.0 if finding.is_abnormal else 1.0 for finding in here])
        event = here[int(rng.choice(len(here), p=weights / weights.sum()))].event
        middle = rng.uniform(event.onset_s, event.offset_s)
        near = list(event.channels[: 1 + int(rng.integers(0, min(3, len(event.channels))))])
        channels = [near[int(rng.integers(len(near)))] if near else "CZ"]
        return float(np.clip(middle + rng.normal(0, 0.15), page, stop - 1e-3)), channels
    names = [name.upper() for name in ELECTRODES]
    liked = rng.uniform() < 0.3
    first = _LIKED[int(rng.integers(2))] if liked else names[int(rng.integers(len(names)))]
    return float(rng.uniform(page, stop - 1e-3)), [first]


def _fixation(
    rng: np.random.Generator, clock: float, x_s: float, channels: list[str]
) -> dict[str, Any]:
    duration = float(np.clip(rng.lognormal(np.log(0.19), 0.5), 0.1, 2.9))
    trace = _FILE_CHANNELS.index(channels[0])
    if rng.uniform() < 0.5 and 0 < trace < 18:
        channels = [*channels, _FILE_CHANNELS[trace + 1]]
    if rng.uniform() < 0.004:
        channels = []
    return {
        "start_time": clock,
        "end_time": clock + duration,
        "duration": duration,
        "x": x_s,
        "y": 200.0 * trace + float(rng.normal(0, 40)),
        "word": None,
        "channel": channels,
        "num_points": max(3, round(duration * TRACKER_HZ)),
        "speech_meta": None,
    }


def simulate_gaze_corpus(
    folder: Path, plan: GazeCorpusPlan, *, progress: Progress = SILENT
) -> tuple[Path, ...]:
    """Write a corpus: EDF by split and class, gaze, annotations, and ``Labels.csv``.

    Parameters
    ----------
    folder : to fill; what lies there under the same names is overwritten

    Returns
    -------
    The recordings

    Raises
    ------
    DataError : the folder cannot be written
    """
    jobs = [("train", n) for n in range(plan.n_train)] + [("eval", n) for n in range(plan.n_eval)]
    written, labels = [], []
    with progress.phase("Simulating recordings", len(jobs)) as advance:
        for number, (part, place_in_part) in enumerate(jobs, 1):
            rng = np.random.default_rng([plan.seed, number])
            read = simulate_read_recording(
                rng, plan, recording_id=f"{number:07d}", is_abnormal=place_in_part % 2 == 1
            )
            written.append(_write(folder, part, read))
            labels.append((f"{number:07d}.edf", _class(read), part))
            advance()
    rows = "".join(f"{name},{label},,not specified,{part}\n" for name, label, part in labels)
    write_text(folder / "Labels.csv", f"recordname,label,age,gender,loc\n{rows}")
    write_json(
        folder / PLAN_FILE,
        {
            "format": CORPUS_FORMAT,
            "format_version": CORPUS_FORMAT_VERSION,
            "plan": plan.model_dump(mode="json"),
        },
    )
    return tuple(written)


def _class(read: ReadRecording) -> str:
    return "abnormal" if read.is_abnormal else "normal"


def _write(folder: Path, part: str, read: ReadRecording) -> Path:
    name = read.recording.recording_id
    path = folder / "edf" / part / _class(read) / f"{name}.edf"
    write_recording(path, read.recording)
    if read.fixations is not None:
        content = {"edf_file": path.name, "fixations": list(read.fixations)}
        write_json(folder / "gaze" / f"{name}_P0.json", content)
    if read.is_abnormal:
        abnormal = [finding.event for finding in read.findings if finding.is_abnormal]
        write_text(folder / "annotations" / f"{name}.csv", _annotation_table(abnormal))
    return path


def _annotation_table(events: Sequence[Event]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    header = ("Gender", "Age", "File Start", "Start time", "End time", "Channel names", "Comment")
    writer.writerow(header)
    for row, event in enumerate(events):
        start = _clock(0.0) if row == 0 else ""
        channels = " ".join(event.channels)
        times = (_clock(event.onset_s), _clock(event.offset_s))
        writer.writerow(("not specified", "", start, *times, channels, event.label))
    return stream.getvalue()


def _clock(seconds: float) -> str:
    """Wall clock of a moment in a recording that began at nine."""
    ms = round(1000 * seconds) + 9 * 3_600_000
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}:{ms % 1000:03d}"
