import hashlib
import itertools
import json

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt, welch

from neurorun.core import DataError
from neurorun.formats import read_events, read_recording
from neurorun.simulation import CorpusPlan, draw_patients, simulate_corpus, simulate_recording
from neurorun.simulation.eeg_corpus import SimulatedPatient
from neurorun.simulation.eeg_resting import RestingTraits, electrode_names
from neurorun.simulation.eeg_seizure import SeizureTraits
from neurorun.simulation.eeg_signal import ELECTRODES

pytestmark = pytest.mark.unit

NAMES = list(ELECTRODES)
TINY = CorpusPlan(n_patients=4, recordings_per_patient=2, minutes=1.5, seed=7)
RESTING = RestingTraits(alpha_hz=10.0, alpha_uv=20.0, background_uv=10.0, line_hz=50.0, line_uv=3.0)


def patient(seizures=None, rate_hz=256.0):
    return SimulatedPatient("simuaaaa", "train", rate_hz, RESTING, seizures)


def simulated(who, *, seed=0, duration_s=300.0, n_seizures=0):
    return simulate_recording(
        np.random.default_rng(seed),
        who,
        recording_id="r",
        duration_s=duration_s,
        n_seizures=n_seizures,
    )


def filtered(recording, low_hz, high_hz):
    sos = butter(3, (low_hz, high_hz), "bandpass", fs=recording.rate_hz, output="sos")
    return sosfiltfilt(sos, recording.signal_uv)


def spectrum(recording, name):
    row = recording.signal_uv[NAMES.index(name)]
    return welch(row, recording.rate_hz, nperseg=int(4 * recording.rate_hz))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    return folder, simulate_corpus(folder, TINY)


def test_recordings_lie_as_in_tusz_with_their_events(corpus):
    folder, paths = corpus
    assert [str(path.relative_to(folder)) for path in paths[:3]] == [
        "train/simuaaaa/s001_2025/01_tcp_ar/simuaaaa_s001_t000.edf",
        "train/simuaaaa/s001_2025/01_tcp_ar/simuaaaa_s001_t001.edf",
        "train/simuaaab/s001_2025/01_tcp_ar/simuaaab_s001_t000.edf",
    ]
    assert len(paths) == 8
    for path in paths:
        spans = [
            [(e.onset_s, round(e.offset_s, 6)) for e in read_events(path.with_name(name)).seizures]
            for name in (f"{path.stem}.csv_bi", f"{path.stem}_events.tsv")
        ]
        assert spans[0] == spans[1]


def test_recordings_read_back(corpus):
    _, paths = corpus
    rates = []
    for path in paths:
        recording = read_recording(path)
        rates.append(recording.rate_hz)
        assert recording.channels == tuple(electrode_names())
        assert recording.patient == path.stem[:8]
        assert 1.35 * 60 <= recording.duration_s <= 1.65 * 60
        assert read_events(path.with_suffix(".csv_bi")).duration_s == recording.duration_s
    assert rates == [256, 256, 250, 250, 500, 500, 256, 256]


def test_the_first_recording_of_a_patient_with_seizures_has_one(corpus):
    _, paths = corpus
    assert all(read_events(path.with_suffix(".csv_bi")).seizures for path in paths[::2])


def test_the_plan_and_the_traits_are_kept(corpus):
    folder, _ = corpus
    content = json.loads((folder / "corpus.json").read_text())
    assert (content["format"], content["format_version"]) == ("neurorun-simulated-corpus", 1)
    assert CorpusPlan(**content["plan"]) == TINY
    assert [p["name"] for p in content["patients"]] == [p.name for p in draw_patients(TINY)]


def test_equal_plans_give_equal_files(corpus, tmp_path):
    _folder, paths = corpus
    again = simulate_corpus(tmp_path, TINY)
    for first, second in zip(paths, again, strict=True):
        for ending in (".edf", ".csv_bi", "_events.tsv"):
            digests = [
                hashlib.sha256(p.with_name(p.stem + ending).read_bytes()).digest()
                for p in (first, second)
            ]
            assert digests[0] == digests[1]


def test_a_recording_does_not_depend_on_the_others(corpus, tmp_path):
    _, paths = corpus
    one = TINY.model_copy(update={"recordings_per_patient": 1})
    again = simulate_corpus(tmp_path, one)
    assert [p.read_bytes() for p in again] == [p.read_bytes() for p in paths[::2]]


def test_another_seed_gives_another_corpus(tmp_path):
    plans = [TINY.model_copy(update={"seed": seed, "recordings_per_patient": 1}) for seed in (1, 2)]
    first, second = (simulate_corpus(tmp_path / str(p.seed), p)[0].read_bytes() for p in plans)
    assert first != second


def test_a_folder_in_use_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DataError, match="is not empty; a simulated corpus needs a folder of its"):
        simulate_corpus(tmp_path, TINY)


@pytest.mark.parametrize(
    ("n_patients", "splits"), [(3, (1, 1, 1)), (8, (4, 2, 2)), (20, (12, 4, 4))]
)
def test_every_split_has_a_patient_with_seizures(n_patients, splits):
    patients = draw_patients(CorpusPlan(n_patients=n_patients))
    assert len({p.name for p in patients}) == n_patients
    for split, n in zip(("train", "dev", "eval"), splits, strict=True):
        members = [p for p in patients if p.split == split]
        assert len(members) == n
        assert members[0].seizures is not None
    if n_patients >= 8:
        assert any(p.seizures is None for p in patients)


@pytest.mark.parametrize("n_seizures", [0, 1, 3, 50])
def test_seizures_lie_apart_and_inside(n_seizures):
    traits = SeizureTraits((90.0, -90.0), "falling", 80.0, generalises=False)
    _, timeline = simulated(patient(traits), n_seizures=n_seizures, duration_s=120.0)
    events = timeline.seizures
    assert len(events) == min(n_seizures, 3)
    borders = [0.0, *(t for e in events for t in (e.onset_s, e.offset_s)), 120.0]
    assert all(later - earlier >= 10 for earlier, later in itertools.pairwise(borders))
    assert all(15 <= e.duration_s <= 60 for e in events)


def test_a_patient_without_seizures_has_none_however_many_are_asked_for():
    assert simulated(patient(), n_seizures=3, duration_s=60.0)[1].events == ()


def test_amplitudes_are_those_of_scalp_eeg():
    recording, _ = simulated(patient())
    spread = filtered(recording, 0.5, 40).std(axis=1)
    assert 6 < np.median(spread) < 30
    assert np.abs(recording.signal_uv).max() < 1000


def test_alpha_is_posterior_and_at_the_frequency_of_the_patient():
    recording, _ = simulated(patient())
    f_hz, power = spectrum(recording, "O1")
    inside = (f_hz > 7) & (f_hz < 14)
    assert f_hz[inside][power[inside].argmax()] == pytest.approx(10, abs=0.5)
    alpha = filtered(recording, 8.5, 11.5).std(axis=1)
    assert alpha[NAMES.index("O2")] > 2 * alpha[NAMES.index("F4")]


def test_blinks_are_frontopolar():
    recording, _ = simulated(patient())
    slow = filtered(recording, 0.5, 8)
    peaks = dict(zip(NAMES, np.quantile(slow, 0.999, axis=1), strict=True))
    assert peaks["Fp1"] > 60
    assert peaks["Fp1"] > 2 * peaks["F3"] > 2 * peaks["O1"] * 0.5


@pytest.mark.parametrize("rate_hz", [250.0, 256.0, 500.0])
def test_the_mains_is_there(rate_hz):
    recording, _ = simulated(patient(rate_hz=rate_hz), duration_s=60.0)
    f_hz, power = spectrum(recording, "Cz")
    at_50 = power[np.abs(f_hz - 50).argmin()]
    assert at_50 > 20 * np.median(power[(f_hz > 42) & (f_hz < 48)])


@pytest.mark.parametrize(
    ("evolution", "early", "late"), [("falling", (9, 13), (3, 6)), ("rising", (2, 3.5), (4.5, 7))]
)
def test_seizures_evolve_in_frequency_and_grow_at_their_focus(evolution, early, late):
    traits = SeizureTraits((90.0, -90.0), evolution, 90.0, generalises=False)
    recording, timeline = simulated(patient(traits), n_seizures=1)
    (event,) = timeline.seizures
    trace = filtered(recording, 1.5, 30)
    rate, focus = recording.rate_hz, NAMES.index("T3")

    def piece(onset_s, offset_s, row):
        return trace[row, int(onset_s * rate) : int(offset_s * rate)]

    def peak_hz(values):
        f_hz, power = welch(values, rate, nperseg=min(len(values), int(4 * rate)))
        return f_hz[power.argmax()]

    third = event.duration_s / 3
    first = piece(event.onset_s, event.onset_s + third / 2, focus)
    last = piece(event.offset_s - third, event.offset_s - 1, focus)
    assert early[0] <= peak_hz(first) <= early[1]
    assert late[0] <= peak_hz(last) <= late[1]
    assert last.std() > 1.5 * first.std()
    before = piece(event.onset_s - 10, event.onset_s, focus)
    assert last.std() > 3 * before.std()
    assert (
        last.std() > 3 * piece(event.offset_s - third, event.offset_s - 1, NAMES.index("T4")).std()
    )


def test_a_generalising_seizure_reaches_the_other_side():
    spreads = []
    for generalises in (False, True):
        traits = SeizureTraits((90.0, -90.0), "falling", 90.0, generalises=generalises)
        recording, timeline = simulated(patient(traits), n_seizures=1)
        (event,) = timeline.seizures
        rate = recording.rate_hz
        end = slice(int((event.offset_s - 5) * rate), int((event.offset_s - 1) * rate))
        spreads.append(filtered(recording, 2, 15)[NAMES.index("T4"), end].std())
    assert spreads[1] > 2 * spreads[0]


def test_slow_waves_follow_a_seizure():
    traits = SeizureTraits((90.0, -90.0), "rising", 100.0, generalises=False)
    recording, timeline = simulated(patient(traits), n_seizures=1)
    (event,) = timeline.seizures
    slow = filtered(recording, 0.8, 3)[NAMES.index("T3")]
    after = slow[int((event.offset_s + 1) * 256) : int((event.offset_s + 9) * 256)]
    assert after.std() > 1.5 * slow[: int((event.onset_s - 1) * 256)].std()


def test_progress_counts_recordings(tmp_path):
    from contextlib import contextmanager

    class Counting:
        def __init__(self):
            self.steps, self.total = 0, 0

        @contextmanager
        def phase(self, name, total):
            self.total = total

            def advance(n=1, /, **figures):
                self.steps += n

            yield advance

    progress = Counting()
    plan = TINY.model_copy(update={"n_patients": 3, "recordings_per_patient": 1, "minutes": 1.0})
    simulate_corpus(tmp_path, plan, progress=progress)
    assert (progress.steps, progress.total) == (3, 3)
