"""The container of SzCORE without a container: its entry, and the paths and commands it names."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from neurorun import experiment
from neurorun.core import parse_yaml
from neurorun.formats import read_events
from neurorun.simulation import CorpusPlan, simulate_corpus

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy/szcore"
HEADER = "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration"
SETTINGS = """
experiment: {{name: tiny, output_dir: "{place}/runs", device: cpu}}
data: {{dataset: tuh_eeg, data_dir: "{place}/corpus", cache_dir: "{place}/cache", cache_workers: 1,
  split_policy: official_tusz, window_size: 10, stride: 5, max_samples: 8, batch_size: 8}}
model: {{preset: small, mamba: {{d_model: 16, n_layers: 1, head_dim: 8}},
  encoder: {{channels: [4, 8], downsample_factor: 4}}}}
training: {{epochs: 1, early_stopping: {{metric: auroc}}}}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a corpus and a run called ``run``."""
    folder = tmp_path_factory.mktemp("szcore")
    simulate_corpus(
        folder / "corpus", CorpusPlan(n_patients=3, recordings_per_patient=1, minutes=1)
    )
    config = folder / "tiny.yaml"
    config.write_text(SETTINGS.format(place=folder))
    shutil.copytree(experiment.train(config), folder / "run")
    (folder / "data").mkdir()
    shutil.copy(min((folder / "corpus").rglob("*.edf")), folder / "data/unipolar.edf")
    return folder


def start(place, **variables):
    """Do what the container does when it starts, with other places of its volumes."""
    command = [sys.executable, FOLDER / "detect.py", "--run", place / "run"]
    command += ["--data", place / "data", "--output", place / "output"]
    environment = {k: v for k, v in os.environ.items() if k not in ("INPUT", "OUTPUT", "FA_RATE")}
    return subprocess.run(
        command, env=environment | variables, capture_output=True, text=True, check=False
    )


def test_the_entry_writes_the_events_that_the_run_finds(place):
    done = start(place, INPUT="unipolar.edf", OUTPUT="sub-01/ses-01/eeg/events.tsv", FA_RATE="")
    assert done.returncode == 0, done.stderr
    path = place / "output/sub-01/ses-01/eeg/events.tsv"
    assert path.read_text().splitlines()[0].startswith(HEADER)
    detector = experiment.Detector.open(place / "run")
    expected = detector.detect_stream(detector.stream(place / "data/unipolar.edf"))
    found = read_events(path)
    assert found.duration_s == pytest.approx(expected.duration_s, abs=1e-3)
    assert len(found.seizures) == len(expected.events)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"OUTPUT": "a.tsv"}, "The environment variable INPUT is empty"),
        ({"INPUT": "unipolar.edf"}, "The environment variable OUTPUT is empty"),
        ({"INPUT": "absent.edf", "OUTPUT": "a.tsv"}, "absent.edf"),
        ({"INPUT": "unipolar.edf", "OUTPUT": "a.tsv", "FA_RATE": "7"}, "no operating point for 7"),
        ({"INPUT": "unipolar.edf", "OUTPUT": "a.tsv", "FA_RATE": "x"}, "FA_RATE is 'x'; a number"),
    ],
)
def test_what_is_missing_is_told(place, variables, message):
    done = start(place, **variables)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (place / "output/a.tsv").exists()


def instructions():
    text = (FOLDER / "Dockerfile").read_text()
    joined = re.sub(r"\\\n\s*", "", text)
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def test_everything_that_the_image_copies_is_there():
    copied = [words.split()[:-1] for name, words in instructions() if name == "COPY"]
    for source in (one for sources in copied for one in sources):
        assert source == "${RUN}" or (ROOT / source).exists(), source


def test_the_image_keeps_to_the_interface():
    found = instructions()
    assert [words for name, words in found if name == "VOLUME"] == ['["/data"]', '["/output"]']
    assert ("CMD", '["python", "/opt/szcore/detect.py"]') in found
    assert ("USER", "10001") in found
    assert any(name == "ENV" and 'INPUT="" OUTPUT=""' in words for name, words in found)
    installed = next(words for name, words in found if "pip install" in words)
    (extras,) = re.findall(r'"\.\[([\w,]+)\]"', installed)
    project = (ROOT / "pyproject.toml").read_text()
    assert all(f"\n{extra} = [" in project for extra in extras.split(","))


def test_the_description_for_a_submission_is_complete():
    described = parse_yaml((FOLDER / "algorithm.yaml").read_text())
    assert len(described["short_title"]) <= 20
    assert {"title", "image", "authors", "version", "date_released", "abstract", "license"} <= set(
        described
    )
