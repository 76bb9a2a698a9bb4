import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from neurorun.core import DataError, Recording, Stretch
from neurorun.experiment import Detector, detect_file, detect_files
from neurorun.formats import read_events, read_recording, to_mne_raw, write_recording

pytestmark = pytest.mark.unit

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("loud", HERE / "loud.py")
loud = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(loud)

LIMIT_MB = 200
"""What a day of 19 channels may take beyond the imported libraries and the model."""


def recording(stretches, rate_hz=100.0, channels=("EEG C3-REF", "EEG C4-REF"), seed=0):
    """Noise that is loud from time to time; EEG-like in size."""
    rng = np.random.default_rng(seed)
    n_samples = stretches[-1].stop
    gain = 1 + 2 * (np.sin(np.arange(n_samples) / rate_hz / 3) > 0.4)
    signal = 20 * gain * rng.standard_normal((len(channels), n_samples))
    return Recording("night", "p1", channels, rate_hz, signal.astype(np.float32), stretches)


ONE = (Stretch(0, 9000, 0.0),)
CUT = (Stretch(0, 3000, 0.0), Stretch(3000, 600, 50.0), Stretch(3600, 4040, 70.0))


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="zscore"),
        pytest.param({"preprocessing": {"standardize": "robust"}}, id="robust"),
        pytest.param({"preprocessing": {"normalize": False}}, id="microvolts"),
        pytest.param({"preprocessing": {"phase": "zero"}}, id="zero-phase"),
        pytest.param({"preprocessing": {"preset": "legacy", "bandpass": [0.5, 120],
                                        "notch_freq": 60},
                      "data": {"sampling_rate": 256}}, id="legacy"),
        pytest.param({"postprocessing": {"stitching": {"method": "max"}}}, id="max"),
        pytest.param({"batch_size": 64}, id="one-batch"),
        pytest.param({"data": {"prediction_stride": 7}}, id="odd-stride"),
    ],
)  # fmt: skip
def test_a_file_read_by_blocks_has_the_events_of_the_recording_in_memory(options, tmp_path):
    path = tmp_path / "night.edf"
    write_recording(path, recording(ONE))
    detector = loud.detector(**options)
    expected = detector.detect(read_recording(path))
    found = detector.detect_stream(detector.stream(path))
    assert len(expected.events) > 1
    assert found == expected


def test_no_event_reaches_over_a_gap_and_short_stretches_have_none():
    raw = to_mne_raw(recording(CUT))
    detector = loud.detector()
    found = detector.detect_stream(detector.stream_mne(raw))
    assert found.events == detector.detect(recording(CUT)).events
    assert found.gaps == ((30.0, 50.0), (56.0, 70.0))
    assert {event.onset_s < 30 for event in found.events} == {True, False}
    assert not [event for event in found.events if 30 < event.offset_s < 70]


def test_channels_and_limits_are_told(tmp_path):
    path = tmp_path / "night.edf"
    one = recording(ONE, channels=("EEG C3-REF", "EEG C4-REF", "EOG"))
    one.signal_uv[0, 4000] = 5000
    write_recording(path, one)
    detector = loud.detector()
    stream = detector.stream(path)
    heard = []
    detector.detect_stream(stream, heard=heard.append)
    assert heard[-1] == 90.0
    assert stream.limited()[0].endswith("values beyond 20 deviations of their channel limited.")
    in_memory = detector.prepare(detector.read(path)).header
    assert (*stream.header.notes, *stream.limited()) == in_memory.notes


def test_a_stream_without_a_whole_window_is_refused():
    raw = to_mne_raw(recording((Stretch(0, 900, 0.0),)))
    detector = loud.detector()
    with pytest.raises(DataError, match="of 9 s has no stretch of 10 s, one window"):
        detector.detect_stream(detector.stream_mne(raw))


def test_a_stream_without_a_sample_at_its_rate_is_refused():
    raw = to_mne_raw(recording((Stretch(0, 1, 0.0),), rate_hz=1000.0))
    detector = loud.detector()
    with pytest.raises(DataError, match="has no stretch as long as one sample at 64 Hz"):
        detector.detect_stream(detector.stream_mne(raw))


class Always(nn.Module):
    """Calls all a seizure, to the last sample."""

    def __init__(self) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.tensor(5.0))

    def forward(self, eeg):
        return self.logit + 0 * eeg[:, 0]


@pytest.mark.parametrize(
    ("rate_hz", "n_samples"), [(500, 35006), (173.61, 10603), (256, 15619), (1000, 61055)]
)
def test_no_event_reaches_beyond_the_end_of_its_recording(rate_hz, n_samples):
    one, detector = recording((Stretch(0, n_samples, 0.0),), rate_hz), loud.detector(model=Always())
    length_s = n_samples / rate_hz
    in_memory = detector.detect(one)
    by_blocks = detector.detect_stream(detector.stream_mne(to_mne_raw(one)))
    for found in (in_memory, by_blocks):
        assert found.duration_s == pytest.approx(length_s)
        assert length_s - 0.01 < found.events[-1].offset_s <= found.duration_s


def test_events_at_the_end_are_written_in_every_format(tmp_path, monkeypatch):
    detector = loud.detector(model=Always())
    monkeypatch.setattr(Detector, "open", lambda *_, **__: detector)
    path = tmp_path / "night.edf"
    write_recording(path, recording((Stretch(0, 35006, 0.0),), 500.0))
    (done,) = detect_files("run", [path], tmp_path / "out", formats=("tsv", "csv_bi", "edf"))
    assert done.problem == ""
    for file in done.written:
        assert read_events(file).seizures[-1].offset_s == pytest.approx(70.012, abs=0.002)
    detect_file(detector, path, tmp_path / "szcore.tsv")
    assert (tmp_path / "szcore.tsv").is_file()


def test_events_that_cannot_be_written_stop_no_other_recording(tmp_path, monkeypatch):
    monkeypatch.setattr(Detector, "open", lambda *_, **__: loud.detector())
    paths = [tmp_path / "a.edf", tmp_path / "b.edf"]
    for path in paths:
        write_recording(path, recording(ONE))
    (tmp_path / "out/a.csv_bi").mkdir(parents=True)
    first, second = detect_files("run", paths, tmp_path / "out", formats=("tsv", "csv_bi"))
    assert "Cannot write" in first.problem
    assert [path.name for path in first.written] == ["a_events.tsv"]
    assert second.problem == ""
    assert [path.name for path in second.written] == ["b_events.tsv", "b.csv_bi"]


def repeated(path, hours):
    """Make an EDF file longer by repeating its data records."""
    content = path.read_bytes()
    n_header = int(content[184:192])
    n_records = int(content[236:244])
    n_times = round(hours * 3600 / (n_records * float(content[244:252])))
    with path.open("wb") as stream:
        stream.write(content[:236] + f"{n_records * n_times:<8}".encode() + content[244:n_header])
        for _ in range(n_times):
            stream.write(content[n_header:])


@pytest.mark.slow
def test_a_day_of_19_channels_takes_no_more_memory_than_an_hour(tmp_path):
    channels = [f"E{i}" for i in range(19)]
    one = recording((Stretch(0, 600 * 256, 0.0),), rate_hz=256.0, channels=tuple(channels))
    rises = {}
    for hours in (1, 24):
        path = tmp_path / f"{hours}.edf"
        write_recording(path, one)
        repeated(path, hours)
        done = subprocess.run(
            [sys.executable, HERE / "loud.py", path, ",".join(channels)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        told = json.loads(done.stdout)
        assert told["n_events"] > 100 * hours
        rises[hours] = told["rise_mb"]
    assert rises[24] < LIMIT_MB
    assert rises[24] < rises[1] + 60
