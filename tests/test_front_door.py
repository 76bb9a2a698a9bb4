import sys

import pytest

import neurorun
from neurorun import experiment
from neurorun.runs import open_run

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", ["detect", "evaluate"])
def test_the_functions_of_the_package_are_those_of_experiment(name):
    assert getattr(neurorun, name) is getattr(experiment, name)


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A small run, which ``experiment.train`` gives back for ``asked`` of it."""
    from neurorun.core import Metric
    from neurorun.runs import create_run

    auroc = Metric("auroc", "higher", "1", "Area under the curve.")
    config = {"evaluation": {"save_plots": True}}
    with create_run(tmp_path, "t", config=config, metrics=(auroc,), monitor="auroc") as run:
        run.log_epoch(1, {"train_loss": 1.0, "val_loss": 1.0, "auroc": 0.5})
        run.finish("all 1 epochs were trained")
    asked = []

    def train(*arguments, **options):
        asked.append((arguments, options))
        return run.folder

    monkeypatch.setattr(experiment, "train", train)
    return run.folder, asked


def test_training_ends_with_figures_and_report_as_the_command_does(finished):
    folder, asked = finished
    assert neurorun.train("local.yaml", overrides=["training.epochs=1"]) == folder
    (arguments, options) = asked[0]
    assert arguments == ("local.yaml",)
    assert options["overrides"] == ["training.epochs=1"]
    assert (folder / "training_curves.png").is_file()
    assert (folder / "report.html").is_file()


def test_without_the_extra_the_run_is_given_and_the_rest_is_told(finished, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert neurorun.train("local.yaml") == finished[0]
    assert "No report was written. This needs 'matplotlib'" in caplog.text
    assert open_run(finished[0]).status == "completed"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        neurorun.trian  # noqa: B018 - the access itself is tested
