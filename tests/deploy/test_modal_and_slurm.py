"""The files in deploy/ are thin: they can be read by their machines, and call what there is."""

import os
import py_compile
import re
import runpy
import shlex
import subprocess
import sys
import types
from pathlib import Path

import click
import pytest

from neurorun.cli import COMMANDS
from neurorun.core import read_settings
from neurorun.experiment import experiment_from

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SCRIPTS = sorted((DEPLOY / "slurm").glob("*.sbatch"))


def parsed(words):
    """What click makes of the words after ``neurorun``; unknown options are errors."""
    command = COMMANDS[words[0]].load(words[0])
    context = click.Context(command, info_name=words[0])
    command.parse_args(context, list(words[1:]))
    return context.params


@pytest.fixture(scope="module")
def modal_app():
    """The app, built without network."""
    pytest.importorskip("modal")
    return types.SimpleNamespace(**runpy.run_path(str(DEPLOY / "modal/app.py")))


def test_the_app_of_modal_is_built_offline(modal_app):
    assert modal_app.app.name == "neurorun"
    modal = pytest.importorskip("modal")
    assert isinstance(modal_app.build_cache, modal.Function)
    assert isinstance(modal_app.train, modal.Function)
    assert callable(modal_app.main)
    assert sorted(modal_app.volumes) == ["/data", "/results"]


@pytest.mark.parametrize(
    ("action", "options"),
    [("build-cache", {"split": "val"}), ("train", {}), ("train", {"resume": "20250131-local"})],
)
def test_its_commands_exist(modal_app, action, options):
    words = modal_app.command(action, "configs/production.yaml", **options)
    assert words[:2] == ["neurorun", action]
    given = parsed(words[1:])
    if "resume" in options:
        assert str(given["resume"]) == "/results/runs/20250131-local"
        return
    settings = read_settings(ROOT / "configs/production.yaml", given["overrides"])
    experiment = experiment_from(settings, source="deploy")
    assert str(experiment.settings.data.cache_dir) == "/results/cache/tusz"
    assert str(experiment.settings.experiment.output_dir) == "/results/runs"


def test_an_action_keeps_what_it_wrote_and_hands_on_the_exit_code(modal_app, monkeypatch, tmp_path):
    committed = []
    run = modal_app.run
    monkeypatch.setitem(
        run.__globals__, "results", types.SimpleNamespace(commit=lambda: committed.append(1))
    )
    monkeypatch.setitem(run.__globals__, "CODE", tmp_path)
    assert run([sys.executable, "-c", "raise SystemExit(3)"]) == 3
    assert committed == [1]


def test_every_file_that_the_image_takes_exists(modal_app):
    text = (DEPLOY / "modal/app.py").read_text()
    for group in re.findall(r"for name in \(([^)]*)\)", text):
        assert all((ROOT / name).exists() for name in re.findall(r'"([^"]+)"', group))
    extras = re.search(r"\[([a-z,]+)\]'", text)[1].split(",")
    project = (ROOT / "pyproject.toml").read_text()
    assert all(re.search(rf"^{extra} = ", project, re.MULTILINE) for extra in extras)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_of_slurm_are_bash(path):
    subprocess.run(["bash", "-n", path], check=True)
    lines = path.read_text().splitlines()
    assert lines[0] == "#!/bin/bash"
    assert "set -euo pipefail" in lines
    shown = [line for line in lines if line.startswith("#SBATCH")]
    assert all(re.fullmatch(r"#SBATCH --[a-z-]+=\S+", line) for line in shown)


def called_by(script, tmp_path, **environment):
    """Words of every command that a script runs, with stand-ins for the programs of a cluster."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, does in {
        "srun": 'exec "$@"',
        "scontrol": "echo node1; echo node2",
        "torchrun": f'printf "%s\\n" "$@" > {tmp_path}/called',
        "python": f'printf "%s\\n" "$@" > {tmp_path}/called',
    }.items():
        tool = tools / name
        tool.write_text(f"#!/bin/bash\n{does}\n")
        tool.chmod(0o755)
    path = f"{tools}:{os.environ['PATH']}"
    subprocess.run(
        ["bash", script], check=True, cwd=ROOT, env={**os.environ, "PATH": path, **environment}
    )
    return (tmp_path / "called").read_text().splitlines()


def test_training_on_several_machines_calls_train(tmp_path):
    cluster = {
        "SLURM_JOB_NODELIST": "node[1-2]",
        "SLURM_NNODES": "2",
        "SLURM_GPUS_ON_NODE": "4",
        "SLURM_JOB_ID": "7",
    }
    words = called_by(DEPLOY / "slurm/train.sbatch", tmp_path, **cluster)
    assert words[words.index("--rdzv-endpoint") + 1] == "node1:29500"
    module = words.index("-m")
    assert words[module + 1] == "neurorun"
    given = parsed(words[module + 2 :])
    settings = read_settings(ROOT / given["config"], given["overrides"])
    training = experiment_from(settings, source="deploy").settings.training
    assert (training.devices, training.num_nodes) == (4, 2)


def test_building_on_a_cluster_calls_build_cache(tmp_path, monkeypatch):
    words = called_by(DEPLOY / "slurm/build_cache.sbatch", tmp_path, WORKERS="5")
    assert words[:2] == ["deploy/slurm/build_cache.py", "5"]
    py_compile.compile(str(ROOT / words[0]), cfile=str(tmp_path / "compiled"), doraise=True)
    scaled = []

    class Cluster:
        scheduler_address = "tcp://10.0.0.1:8786"

        def __init__(self, **options):
            assert options["cores"] == options["processes"] == 1

        def __enter__(self):
            return self

        def __exit__(self, *fault):
            scaled.append("let go")

        def scale(self, jobs):
            scaled.append(jobs)

    started = []
    monkeypatch.setitem(sys.modules, "dask_jobqueue", types.SimpleNamespace(SLURMCluster=Cluster))
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda words, check: started.append(words) or types.SimpleNamespace(returncode=3),
    )
    assert runpy.run_path(str(ROOT / words[0]))["main"]() == 3
    assert scaled == [5, "let go"]
    given = parsed(started[0][1:])
    assert given["cluster"] == "tcp://10.0.0.1:8786"
    assert (str(given["config"]), given["split"]) == ("configs/production.yaml", "train")


def test_the_page_names_files_and_actions_that_exist():
    text = (DEPLOY / "README.md").read_text()
    for name in re.findall(r"`((?:modal|slurm|szcore)/[\w.]*)`", text):
        assert (DEPLOY / name).exists(), name
    for line in re.findall(r"^modal run .*$", text, re.MULTILINE):
        words = shlex.split(line)
        assert (ROOT / next(word for word in words if word.endswith("app.py"))).exists()
        assert words[words.index("--action") + 1] in ("build-cache", "train")
