"""Build caches and train on Modal: the commands of this machine, under another root.

Usage, from the folder of the repository:

    modal run deploy/modal/app.py --action build-cache --split train
    modal run --detach deploy/modal/app.py --action train --config configs/production.yaml
    modal run --detach deploy/modal/app.py --action train --resume RUN

Recordings lie in the volume ``neurorun-data``; caches and runs go into ``neurorun-results``, laid
out as on any other machine. Nothing is ever deleted.
"""

import subprocess
from pathlib import Path, PurePosixPath

import modal

PROJECT = Path(__file__).resolve().parents[2]
CODE = PurePosixPath("/opt/neurorun")
DATA, RESULTS = PurePosixPath("/data"), PurePosixPath("/results")
ROOTS = {
    "data.data_dir": DATA / "tusz",
    "data.cache_dir": RESULTS / "cache/tusz",
    "experiment.output_dir": RESULTS / "runs",
}

app = modal.App("neurorun")
data = modal.Volume.from_name("neurorun-data", create_if_missing=True)
results = modal.Volume.from_name("neurorun-results", create_if_missing=True)
volumes = {str(DATA): data, str(RESULTS): results}

image = modal.Image.debian_slim(python_version="3.11")
if modal.is_local():
    for name in ("pyproject.toml", "constraints.txt", "README.md", "LICENSE"):
        image = image.add_local_file(PROJECT / name, str(CODE / name), copy=True)
    for name in ("src", "configs"):
        image = image.add_local_dir(PROJECT / name, str(CODE / name), copy=True)
    image = image.run_commands(f"pip install '{CODE}[train,report,mne,cloud]'")


def command(action: str, config: str, *, split: str = "", resume: str = "") -> list[str]:
    """The command line that an action is, with the roots of this place."""
    words = ["neurorun", action]
    if action == "build-cache":
        words += ["--config", config, "--split", split or "train", "--workers", "16"]
    else:
        words += ["--resume", str(RESULTS / "runs" / resume)] if resume else [config]
    if resume:
        return words
    return words + [word for key, root in ROOTS.items() for word in ("--set", f"{key}={root}")]


def run(words: list[str]) -> int:
    """Run a command where the configurations lie, and keep what it wrote whatever happens."""
    try:
        done = subprocess.run(words, cwd=CODE, check=False)  # noqa: S603 - made by `command`
        return done.returncode
    finally:
        results.commit()


@app.function(image=image, volumes=volumes, cpu=16, memory=32 << 10, timeout=6 * 3600)
def build_cache(config: str, split: str) -> int:
    """Prepare the recordings of one split."""
    return run(command("build-cache", config, split=split))


@app.function(
    image=image, volumes=volumes, gpu="A100-80GB", cpu=8, memory=64 << 10, timeout=24 * 3600
)
def train(config: str, resume: str) -> int:
    """Train one run, or go on with one."""
    return run(command("train", config, resume=resume))


@app.local_entrypoint()
def main(
    action: str, config: str = "configs/production.yaml", split: str = "train", resume: str = ""
) -> None:
    """Start an action and end with its exit code."""
    if action == "build-cache":
        code = build_cache.remote(config, split)
    elif action == "train":
        code = train.remote(config, resume)
    else:
        raise SystemExit(f"--action is '{action}'; build-cache and train are known.")
    raise SystemExit(code)
