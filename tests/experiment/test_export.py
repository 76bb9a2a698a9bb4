import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from neurorun import experiment
from neurorun.cli.export import FOR, export
from neurorun.core import RunError
from neurorun.experiment.export import _check, _example, _onnx, _onnx_program
from neurorun.runs import open_run

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("experiment")]

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    """What each format computes beside the original, and what it says of itself."""
    for library in ("onnx", "onnxscript", "onnxruntime", "safetensors"):
        pytest.importorskip(library)
    folder = tmp_path_factory.mktemp("exported")
    done = subprocess.run(
        [sys.executable, HERE / "export_programs.py", trained, folder],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("to", ["onnx", "torchscript", "safetensors"])
def test_an_export_computes_what_the_run_computes(exported, to):
    assert exported[to]["found"] < 1e-4


def test_an_export_says_how_far_it_is_from_the_original(exported):
    assert exported["onnx"]["said"] < 1e-4
    assert exported["torchscript"]["said"] < 1e-4
    assert exported["safetensors"]["said"] is None


def test_what_a_user_needs_travels_in_the_file(exported, trained):
    about = exported["onnx"]["about"]
    run = open_run(trained)
    assert json.loads(about["channels"])[:3] == ["Fp1", "F3", "C3"]
    assert json.loads(about["rate_hz"]) == 256
    assert json.loads(about["window_samples"]) == 2560
    assert json.loads(about["preprocessing"]) == run.config["preprocessing"]
    assert json.loads(about["postprocessing"]) == run.config["postprocessing"]
    assert [p["fa_rate"] for p in json.loads(about["operating_points"])] == [10, 2.5]
    assert (about["run"], about["epoch"]) == (run.name, str(run.best_epoch))


def test_every_format_says_the_same(exported):
    expected = exported["onnx"]["about"]
    assert exported["torchscript"]["about"] == exported["safetensors"]["about"] == expected


def test_the_command_writes_weights_and_names_the_file(trained, tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "weights.safetensors"
    done = CliRunner().invoke(export, [str(trained), "--to", "safetensors", "-o", str(path)])
    assert (done.exit_code, done.output) == (0, f"{path}\n")
    assert path.is_file()


@pytest.mark.parametrize("options", [[], ["--to", "onnx", "--for", "crackseg", "out"]])
def test_the_command_wants_to_know_one_target(trained, options):
    done = CliRunner().invoke(export, [str(trained), *options])
    assert done.exit_code == 2
    assert "Say either --to FORMAT or --for PROGRAM DIR." in done.output


@pytest.mark.parametrize("to", ["wandb", "mlflow"])
def test_figures_of_a_run_go_to_a_tracker(trained, monkeypatch, to):
    monkeypatch.setattr(f"neurorun.runs.export_to_{to}", lambda run: f"{run.name} of {to}")
    done = CliRunner().invoke(export, [str(trained), "--to", to])
    assert (done.exit_code, done.output.split(" run ")[1]) == (0, f"{trained.name} of {to}\n")
    done = CliRunner().invoke(export, [str(trained), "--to", to, "-o", "file"])
    assert done.exit_code == 2
    assert f"--to {to} writes no file of its own" in done.output


def test_a_folder_for_another_program_is_written(trained, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "neurorun.runs.export_for_crackseg", lambda run, folder: asked.append(run) or folder
    )
    done = CliRunner().invoke(export, [str(trained), "--for", "crackseg", str(tmp_path)])
    assert (done.exit_code, done.output, asked) == (0, f"{tmp_path}\n", [trained])


def test_an_unknown_program_is_refused(trained):
    done = CliRunner().invoke(export, [str(trained), "--for", "nothing", "out"])
    assert done.exit_code == 2
    assert "'nothing' is not a known program; known:" in done.output
    assert all(name in done.output for name in FOR)


def test_an_export_that_computes_something_else_is_refused():
    _check(None, "onnx")
    _check(1e-6, "onnx")
    with pytest.raises(RunError, match=r"exported to onnx differs from the original by 0\.5"):
        _check(0.5, "onnx")
    with pytest.raises(RunError, match="by nan"):
        _check(float("nan"), "onnx")


def test_a_network_that_onnx_cannot_hold_is_told():
    pytest.importorskip("onnxscript")

    class Undecided(torch.nn.Module):
        def forward(self, eeg):
            return eeg[:, 0] if eeg.sum() > 0 else eeg[:, 1]

    with pytest.raises(RunError, match="cannot write this network as ONNX"):
        _onnx_program(Undecided().eval(), torch.zeros(3, 2, 8))


def test_libraries_that_no_network_needs_are_not_spoken_of(monkeypatch):
    pytest.importorskip("onnxscript")
    from torch.onnx._internal.exporter import _registration

    told = []
    monkeypatch.setattr(_registration.logger, "handle", told.append)
    _onnx(torch.nn.Conv1d(2, 1, 3).eval(), torch.zeros(3, 2, 8), {})
    assert told == []
    assert _registration.logger.isEnabledFor(logging.WARNING)


def test_of_another_task_there_are_weights_only(trained, monkeypatch):
    run = open_run(trained)
    asked = experiment.experiment_from(run.config, source="run")
    monkeypatch.setattr(type(asked.task), "name", "another")
    with pytest.raises(RunError, match="is of the task another; whole networks are exported of"):
        _example(run, asked)
    about = experiment.metadata_of(run, asked, epoch=1)
    assert (about["task"], about["epoch"], "channels" in about) == ("another", "1", False)
