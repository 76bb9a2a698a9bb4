"""The device of training is no property of the run's network."""

import shutil

import numpy as np
import pytest
import torch

from neurorun import cli, experiment
from neurorun.experiment import Detector, LiveDetector, Reviewer
from neurorun.runs import open_run

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("experiment")]

ELSEWHERE = "cpu" if torch.backends.mps.is_available() else "mps"


@pytest.fixture
def run(trained, tmp_path):
    """A run that was trained on a device that this machine does not have."""
    folder = shutil.copytree(trained, tmp_path / trained.name)
    config = folder / "config.yaml"
    text = config.read_text(encoding="utf-8")
    assert text.count("device: cpu") == 1
    config.write_text(text.replace("device: cpu", f"device: {ELSEWHERE}"), encoding="utf-8")
    return folder


def test_events_are_detected_wherever_the_run_was_trained(run, trained, corpus, tmp_path):
    path = min((corpus / "dev").rglob("*.edf"))
    expected = Detector.open(trained)
    expected_events = expected.detect_stream(expected.stream(path)).events
    (done,) = experiment.detect_files(run, [path], tmp_path / "out")
    assert (done.problem, done.n_events) == ("", len(expected_events))
    live = LiveDetector(run, channels=expected.stream(path).plan.inputs, rate_hz=256)
    assert not live.push(np.zeros((19, 10), np.float32)).probabilities.size


def test_splits_are_scored_wherever_the_run_was_trained(run):
    assert experiment.evaluate(run, split="validation").rows


def test_recordings_are_predicted_again_wherever_the_run_was_trained(run):
    for folder in (run / "events", run / "probabilities"):
        shutil.rmtree(folder, ignore_errors=True)
    reviewer = Reviewer(open_run(run))
    found = next(iter(reviewer.materials(reviewer.recordings("validation"))))
    assert found.probabilities
    assert found.missing == ()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA")
@pytest.mark.parametrize("words", [("evaluate",), ("review",), ("detect", "a.edf", "-o", "out")])
def test_a_device_that_is_asked_for_and_not_there_is_refused(words, run, capsys):
    name, *others = words
    with pytest.raises(SystemExit) as stopped:
        cli.main([name, str(run), *others, "--device", "cuda"])
    assert stopped.value.code == 2
    told = capsys.readouterr().err
    assert "device is 'cuda', which PyTorch does not find here; set it to 'auto' or 'cpu'" in told
