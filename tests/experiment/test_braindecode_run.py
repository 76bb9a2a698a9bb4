import pytest

from neurorun import experiment
from neurorun.core import MissingExtraError
from neurorun.experiment.detect import Detector
from neurorun.formats import read_recording
from neurorun.models.braindecode_adapter import _import_models
from neurorun.runs import open_run

pytestmark = [
    pytest.mark.integration,
    pytest.mark.xdist_group("experiment"),
    pytest.mark.filterwarnings("ignore"),  # those of braindecode and what it imports
]


def test_a_network_of_braindecode_trains_and_detects(
    corpus, settings_for, write_settings, tmp_path
):
    try:
        _import_models()
    except MissingExtraError as error:
        pytest.skip(str(error))
    settings = settings_for(corpus, tmp_path)
    settings["model"] = {"braindecode": {"name": "EEGNet", "parameters": {"F1": 4}, "segment_s": 2}}
    settings["training"]["epochs"] = 1
    path = write_settings(tmp_path / "braindecode.yaml", settings)
    plan = experiment.resolved_plan(experiment.load_experiment(path))
    assert "EEGNet of braindecode" in plan
    assert "F1: 4" in plan
    run = open_run(experiment.train(path))
    assert run.status == "completed"
    detector = Detector.open(run)
    recording = read_recording(min(corpus.rglob("*.edf")))
    assert detector.detect(recording).duration_s == recording.duration_s
