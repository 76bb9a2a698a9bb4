"""A corpus of simulated patients on disk, laid out as TUSZ: recordings, events, splits.

Every patient has a rate, a posterior rhythm and, unless free of seizures, one focus. A recording is
drawn from ``(seed, patient, recording)`` alone, whatever others the corpus holds.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from neurorun.core import (
    SEIZURE,
    SILENT,
    Config,
    DataError,
    Event,
    Progress,
    Recording,
    Timeline,
    whole_recording,
    write_json,
)
from neurorun.formats import write_events, write_recording
from neurorun.simulation.eeg_resting import (
    RestingTraits,
    add_resting_eeg,
    draw_resting_traits,
    electrode_names,
)
from neurorun.simulation.eeg_seizure import (
    SeizureTraits,
    add_seizure,
    calm_factor,
    draw_seizure_traits,
)
from neurorun.simulation.eeg_signal import Scalp

CORPUS_FORMAT = "neurorun-simulated-corpus"
CORPUS_FORMAT_VERSION = 1
CORPUS_FILE = "corpus.json"

RATES_HZ = (256.0, 250.0, 500.0)
"""Rates of the patients, in turn."""

_FOLDERS = ("train", "dev", "eval")
_START = datetime(2025, 1, 1, 8)
_PATIENT_STREAM, _RECORDING_STREAM = 1, 2
_SHARE_HELD_OUT = 0.2
_EVERY_NTH_WITHOUT_SEIZURES = 4
_SHORTEST_S, _LONGEST_S = 15.0, 60.0


class CorpusPlan(Config):
    """What corpus is simulated; equal plans give equal files."""

    n_patients: int = Field(default=8, ge=3, le=10_000)
    """Patients; a fifth each for ``dev`` and ``eval``, at least one."""

    recordings_per_patient: int = Field(default=2, ge=1, le=1000)
    """Recordings of each patient."""

    minutes: float = Field(default=6.0, ge=1.0, le=1440.0)
    """Typical length of a recording; they vary by a tenth."""

    seizures_per_recording: float = Field(default=1.0, ge=0.0, le=20.0)
    """Mean number in the recordings of patients with seizures; the first has at least one."""

    line_freq: Literal[50, 60] = 60
    """Frequency of the mains, Hz."""

    seed: int = Field(default=42, ge=0)
    """Decides everything that the other settings leave open."""


@dataclass(frozen=True, slots=True)
class SimulatedPatient:
    """One simulated person.

    Parameters
    ----------
    name : eight small letters, as in TUSZ
    split : folder of the corpus
    rate_hz : samples per second of all recordings
    resting : what the EEG looks like between seizures
    seizures : what seizures look like; None for a patient without
    """

    name: str
    split: str
    rate_hz: float
    resting: RestingTraits
    seizures: SeizureTraits | None


def simulate_corpus(
    folder: Path, plan: CorpusPlan | None = None, *, progress: Progress = SILENT
) -> tuple[Path, ...]:
    """Write a corpus: EDF recordings, each with a ``csv_bi`` and an ``_events.tsv`` beside it.

    Parameters
    ----------
    folder : new or empty
    plan : size and seed; the default is 16 recordings of about 6 minutes
    progress : one step per recording

    Returns
    -------
    The EDF files, in order. ``corpus.json`` holds the plan and the traits of every patient.

    Raises
    ------
    DataError : the folder is not empty
    """
    plan = plan or CorpusPlan()
    if folder.exists() and any(folder.iterdir()):
        raise DataError(
            f"Folder '{folder}' is not empty; a simulated corpus needs a folder of its own. Give "
            "another, or delete it."
        )
    patients = draw_patients(plan)
    paths = []
    with progress.phase(
        "simulating recordings", len(patients) * plan.recordings_per_patient
    ) as advance:
        for number, patient in enumerate(patients):
            for index in range(plan.recordings_per_patient):
                paths.append(_write(folder, plan, patient, number, index))
                advance()
    _write_contents(folder, plan, patients)
    return tuple(paths)


def draw_patients(plan: CorpusPlan) -> tuple[SimulatedPatient, ...]:
    """Draw the patients of a corpus; every fourth has no seizures, unless it is alone in its split.

    >>> [patient.split for patient in draw_patients(CorpusPlan(n_patients=4))]
    ['train', 'train', 'dev', 'eval']
    """
    n_held_out = max(1, round(_SHARE_HELD_OUT * plan.n_patients))
    n_train = plan.n_patients - 2 * n_held_out
    folders = [
        f
        for f, n in zip(_FOLDERS, (n_train, n_held_out, n_held_out), strict=True)
        for _ in range(n)
    ]
    patients = []
    for number, split in enumerate(folders):
        rng = np.random.default_rng([plan.seed, _PATIENT_STREAM, number])
        every_nth = (number + 1) % _EVERY_NTH_WITHOUT_SEIZURES == 0
        spared = every_nth and folders.index(split) != number
        patients.append(
            SimulatedPatient(
                name=_patient_name(number),
                split=split,
                rate_hz=RATES_HZ[number % len(RATES_HZ)],
                resting=draw_resting_traits(rng, line_hz=float(plan.line_freq)),
                seizures=None if spared else draw_seizure_traits(rng),
            )
        )
    return tuple(patients)


def _patient_name(number: int) -> str:
    letters = ""
    for _ in range(4):
        number, letter = divmod(number, 26)
        letters = chr(ord("a") + letter) + letters
    return f"simu{letters}"


def simulate_recording(
    rng: np.random.Generator,
    patient: SimulatedPatient,
    *,
    recording_id: str,
    duration_s: float,
    n_seizures: int,
    start: datetime | None = None,
) -> tuple[Recording, Timeline]:
    """Simulate one recording with its reference events.

    Parameters
    ----------
    rng : decides all of it
    patient : whose EEG it is
    recording_id : its name
    duration_s : whole seconds, at least 60
    n_seizures : as many as fit are placed, each at least 10 s from its neighbours
    start : wall clock of the first sample

    Returns
    -------
    19 channels named as in TUSZ, microvolts, with drift and mains; and its events
    """
    scalp = Scalp(duration_s, patient.rate_hz)
    events = _schedule(rng, duration_s, n_seizures) if patient.seizures is not None else ()
    add_resting_eeg(scalp, rng, patient.resting, calm=calm_factor(scalp, events))
    if patient.seizures is not None:
        for event in events:
            add_seizure(scalp, rng, patient.seizures, event)
    recording = Recording(
        recording_id=recording_id,
        patient=patient.name,
        channels=tuple(electrode_names()),
        rate_hz=patient.rate_hz,
        signal_uv=scalp.signal_uv,
        stretches=whole_recording(scalp.n_samples),
        start=start,
    )
    return recording, Timeline(recording_id, duration_s, events)


def _schedule(rng: np.random.Generator, duration_s: float, n_seizures: int) -> tuple[Event, ...]:
    """Place seizures in equal parts of the recording, one in each, at least 10 s from its ends."""
    n_placed = min(n_seizures, int(duration_s // (_SHORTEST_S + 20)))
    part_s = duration_s / max(n_placed, 1)
    events = []
    for part in range(n_placed):
        length_s = round(rng.uniform(_SHORTEST_S, min(_LONGEST_S, part_s - 20)), 2)
        onset_s = round(part * part_s + rng.uniform(10, part_s - 10 - length_s), 2)
        events.append(Event(onset_s, round(onset_s + length_s, 2), SEIZURE))
    return tuple(events)


def _write(
    folder: Path, plan: CorpusPlan, patient: SimulatedPatient, number: int, index: int
) -> Path:
    rng = np.random.default_rng([plan.seed, _RECORDING_STREAM, number, index])
    n_seizures = int(rng.poisson(plan.seizures_per_recording))
    if index == 0 and plan.seizures_per_recording > 0:
        n_seizures = max(1, n_seizures)
    recording, timeline = simulate_recording(
        rng,
        patient,
        recording_id=f"{patient.name}_s001_t{index:03d}",
        duration_s=float(round(60 * plan.minutes * rng.uniform(0.9, 1.1))),
        n_seizures=n_seizures,
        start=_START + timedelta(hours=index),
    )
    place = folder / patient.split / patient.name / "s001_2025" / "01_tcp_ar"
    path = place / f"{recording.recording_id}.edf"
    write_recording(path, recording)
    write_events(path.with_suffix(".csv_bi"), timeline, format="csv_bi")
    write_events(path.with_name(f"{path.stem}_events.tsv"), timeline, start=recording.start)
    return path


def _write_contents(folder: Path, plan: CorpusPlan, patients: Sequence[SimulatedPatient]) -> None:
    write_json(
        folder / CORPUS_FILE,
        {
            "format": CORPUS_FORMAT,
            "format_version": CORPUS_FORMAT_VERSION,
            "plan": plan.model_dump(mode="json"),
            "patients": [asdict(patient) for patient in patients],
        },
    )
