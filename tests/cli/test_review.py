from types import SimpleNamespace

import numpy as np
import pytest

from neurorun import cli, experiment
from neurorun.core import Event, Metric, Stretch
from neurorun.runs import create_run

pytestmark = pytest.mark.unit

AUROC = Metric("auroc", "higher", "1", "")


@pytest.fixture
def run(tmp_path):
    with create_run(
        tmp_path, "night", config={}, metrics=[AUROC], monitor="auroc", source_dir=tmp_path
    ) as made:
        made.log_epoch(1, {"auroc": 0.5})
    return made.folder


class Signal:
    channels, rate_hz, stretches = ("Cz",), 64.0, (Stretch(0, 640, 0.0),)

    def microvolts(self, first, n_samples):
        return np.zeros((1, n_samples), np.float32)


def material(name):
    return SimpleNamespace(
        recording_id=name,
        patient="p",
        duration_s=10.0,
        gaps=(),
        reference=(Event(1, 2),),
        detected=(),
        probabilities=None,
        probability_rate_hz=64.0,
        signal=Signal(),
        missing=(),
    )


class Reviewer:
    """Knows three recordings, and remembers what it was asked for."""

    asked: tuple = ()

    device = ""

    def __init__(self, run, *, device):
        self.run, Reviewer.device = run, device

    def recordings(self, split, recording_id=None):
        Reviewer.asked = (split, recording_id)
        names = [recording_id] if recording_id else ["a/1", "b", "index"]
        return dict.fromkeys(names, split)

    def materials(self, recordings, *, progress):
        return map(material, recordings)

    def of_file(self, file, *, recording_id, reference):
        Reviewer.asked = (file, recording_id, reference)
        return material(recording_id or file.stem)


@pytest.fixture(autouse=True)
def simulated(monkeypatch):
    monkeypatch.setattr(experiment, "Reviewer", Reviewer)


def exit_code_of(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(one) for one in arguments])
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


def test_every_recording_gets_a_page_and_the_list_is_printed(run, capsys):
    assert exit_code_of("review", run) == 0
    assert capsys.readouterr().out == f"{run / 'review' / 'index.html'}\n"
    assert sorted(path.name for path in (run / "review").iterdir()) == [
        "a%2F1_review.html",
        "b_review.html",
        "index.html",
        "index_review.html",
    ]
    assert Reviewer.asked == ("validation", None)


def test_one_recording_gets_its_page_which_is_printed(run, tmp_path, capsys):
    assert (
        exit_code_of(
            "review", run, "b", "-o", tmp_path / "pages", "--split", "test", "--device", "cpu"
        )
        == 0
    )
    assert capsys.readouterr().out == f"{tmp_path / 'pages' / 'b_review.html'}\n"
    assert Reviewer.asked == ("test", "b")
    assert Reviewer.device == "cpu"
    assert "b_review.html" in (tmp_path / "pages" / "index.html").read_text(encoding="utf-8")


def test_a_file_may_be_reviewed_instead(run, tmp_path, capsys):
    file, reference = tmp_path / "mine.edf", tmp_path / "mine.tsv"
    assert exit_code_of("review", run, "--recording", file, "--reference", reference) == 0
    assert Reviewer.asked == (file, None, reference)
    assert capsys.readouterr().out.endswith("mine_review.html\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--reference", "a.tsv"], "--reference belongs to --recording FILE"),
        (["--largest-mb", "0.5"], "0.5 is not in the range x>=1"),
        (["--split", "eval"], "'eval' is not one of 'train', 'validation', 'test'"),
    ],
)
def test_what_cannot_be_meant_is_refused(run, capsys, arguments, words):
    assert exit_code_of("review", run, *arguments) == 2
    assert words in capsys.readouterr().err


def test_what_is_no_run_is_refused_in_one_line(tmp_path, capsys):
    assert exit_code_of("review", tmp_path) == 2
    assert "is not a run folder" in capsys.readouterr().err
