"""Checkpoints: plain tensors and plain values, which ``torch.load`` opens as it is.

``last`` holds all that is needed to go on as if nothing had happened, and is written in one piece
after everything that it implies; ``best`` and ``epoch_NNN`` hold what people reopen. Equal states
give equal bytes.
"""

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePath
from pickle import UnpicklingError
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from neurorun.core import RunError, TrainingError, validate_settings
from neurorun.training.config import TrainingConfig
from neurorun.training.devices import is_sharded, scaler_of
from neurorun.training.record import TrainingRecord
from neurorun.training.state import TrainingState
from neurorun.training.stepper import Stepper

FORMAT = "neurorun-training-state"
WEIGHTS_FORMAT = "neurorun-weights"
FORMAT_VERSION = 1
MAY_CHANGE = frozenset(
    {
        "checkpoint_interval",
        "checkpoint_minutes",
        "compile",
        "devices",
        "max_bad_steps",
        "num_nodes",
        "strategy",
    }
)
"""Settings that a resumed run may have otherwise: they do not change what is optimized."""


def save_last(
    record: TrainingRecord | None,
    stepper: Stepper,
    state: TrainingState,
    *,
    seed: int,
    config: TrainingConfig,
) -> None:
    """Write everything that a resumed run needs.

    Call it in every process; those without record take part only where the model is sharded.
    """
    weights, updates = _weights(stepper)
    if record is None:
        return
    scaler = scaler_of(stepper.fabric)
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "seed": seed,
        "n_processes": stepper.fabric.world_size,
        "training": config.model_dump(mode="json"),
        "state": state.to_dict(),
        "model_state_dict": weights,
        "optimizer_state_dict": updates,
        "average": None if stepper.average is None else stepper.average.state_dict(),
        "scaler": None if scaler is None else scaler.state_dict(),
    }
    record.save_checkpoint("last", partial(_save, content))


def save_finished_epoch(
    record: TrainingRecord | None,
    name: str,
    stepper: Stepper,
    state: TrainingState,
    *,
    metrics: tuple[str, ...],
    monitored: str,
    settings: Mapping[str, Any],
) -> None:
    """Write the weights of the epoch that was just finished, with what was measured in it.

    Figures whose name begins with ``val_`` are found under ``eval_``, too.

    Parameters
    ----------
    name : ``best``, or ``epoch_NNN``
    metrics : names that the checkpoint lists under ``metrics``
    monitored : the one that chooses the best epoch, which it tells under ``best``
    settings : the whole configuration
    """
    weights, updates = _weights(stepper, averaged=True)
    if record is None:
        return
    losses = {key: value for key, value in state.row.items() if key.endswith("_loss")}
    also = {
        f"eval_{key.removeprefix('val_')}": value
        for key, value in state.row.items()
        if key.startswith("val_")
    }
    content = {
        "format": WEIGHTS_FORMAT,
        "format_version": FORMAT_VERSION,
        "epoch": state.finished_epochs,
        "model_state_dict": weights,
        "optimizer_state_dict": updates,
        **losses,
        **also,
        "metrics": {key: state.row[key] for key in metrics},
        "best": {
            "metric": monitored,
            "value": state.selection.value,
            "epoch": state.selection.epoch,
        },
        "config": settings,
    }
    record.save_checkpoint(name, partial(_save, content))


def _save(content: Mapping[str, Any], stream: IO[bytes]) -> None:
    try:
        torch.save(as_plain(content), stream)
    except RuntimeError as error:
        if isinstance(error.__context__, OSError):  # PyTorch trips over its own end of file
            raise error.__context__ from None
        raise


def as_plain(value: Any) -> Any:
    """Copy nested containers into plain ones; tensors go to the CPU.

    What compares equal is written in equal bytes afterwards: no two places share a container, and
    equal strings are one string.

    Raises
    ------
    TrainingError : a value that ``torch.load`` would not read back

    Examples
    --------
    >>> as_plain({"dir": Path("cache"), "rate": np.float64(256)})
    {'dir': 'cache', 'rate': 256.0}
    """
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if isinstance(value, Mapping):
        return {as_plain(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [as_plain(item) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, str | PurePath):
        return sys.intern(str(value))
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float):
        return value
    raise TrainingError(
        f"A checkpoint cannot hold {value!r} of type {type(value).__name__}; tensors, numbers, "
        "text, lists and mappings are allowed. Convert it first."
    )


def _weights(stepper: Stepper, *, averaged: bool = False) -> tuple[Any, Any]:
    if is_sharded(stepper.fabric):
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict

        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        return get_state_dict(stepper.bare_model, stepper.optimizer, options=options)
    weights = stepper.bare_model.state_dict()
    if averaged and stepper.average is not None:
        weights = {**weights, **stepper.average.weights}
    return weights, stepper.optimizer.state_dict()


def read_last(path: Path) -> dict[str, Any]:
    """Read a checkpoint written by `save_last`, tensors on the CPU.

    Raises
    ------
    RunError : damaged, or of a format that we do not know
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, UnpicklingError, EOFError, OSError) as error:
        raise RunError(
            f"'{path}' cannot be read as a checkpoint ({_first_line(error)}); restore it "
            "from a copy, or start the run anew."
        ) from error
    found = (
        (content.get("format"), content.get("format_version"))
        if isinstance(content, dict)
        else (None, None)
    )
    if found != (FORMAT, FORMAT_VERSION):
        raise RunError(
            f"'{path}' has the format and version {found}; {(FORMAT, FORMAT_VERSION)} can be "
            "resumed. Give the last.pt of a run that this version of neurorun made."
        )
    assert isinstance(content, dict)
    return content


def check_resumable(path: Path, *, seed: int, config: TrainingConfig, n_processes: int) -> None:
    """Refuse to go on from a checkpoint with another seed, configuration or number of processes.

    Nothing is changed, so a run that is not to be resumed like this stays as it is.

    Raises
    ------
    RunError : the checkpoint is damaged, or the run was begun otherwise
    ConfigError : it has training settings that this version does not know
    """
    content = read_last(path)
    _check_settings(content, seed=seed, config=config)
    _check_processes(content["n_processes"], n_processes)


def restore(
    content: Mapping[str, Any], stepper: Stepper, *, seed: int, config: TrainingConfig
) -> TrainingState:
    """Bring model, optimizer and all else to where a checkpoint was written.

    Raises
    ------
    RunError : the checkpoint belongs to another model, seed, training configuration or number of
        processes
    ConfigError : it has training settings that this version does not know
    """
    _check_settings(content, seed=seed, config=config)
    _check_processes(content["n_processes"], stepper.fabric.world_size)
    try:
        if is_sharded(stepper.fabric):
            from torch.distributed.checkpoint.state_dict import StateDictOptions, set_state_dict

            set_state_dict(
                stepper.bare_model,
                stepper.optimizer,
                model_state_dict=content["model_state_dict"],
                optim_state_dict=content["optimizer_state_dict"],
                options=StateDictOptions(full_state_dict=True),
            )
        else:
            stepper.bare_model.load_state_dict(content["model_state_dict"])
            stepper.optimizer.load_state_dict(content["optimizer_state_dict"])
    except (RuntimeError, ValueError) as error:
        raise RunError(
            f"The checkpoint does not fit the configured model ({_first_line(error)}); set "
            "the section 'model' back to what the run began with."
        ) from error
    if stepper.average is not None:
        stepper.average.load_state_dict(content["average"])
    scaler = scaler_of(stepper.fabric)
    if scaler is not None and content["scaler"] is not None:
        scaler.load_state_dict(content["scaler"])
    return TrainingState.from_dict(content["state"])


def _check_settings(content: Mapping[str, Any], *, seed: int, config: TrainingConfig) -> None:
    """Compare settings; one that did not exist yet had the effect of its default."""
    stored = validate_settings(content["training"], TrainingConfig, source="the checkpoint")
    then = {**stored.model_dump(mode="json"), "seed": content["seed"]}
    now = {**config.model_dump(mode="json"), "seed": seed}
    changed = [
        f"{key} was {then[key]!r} and is {now[key]!r}"
        for key in now
        if then[key] != now[key] and key not in MAY_CHANGE
    ]
    if changed:
        raise RunError(
            f"The run to resume was configured otherwise: {'; '.join(changed)}. Only "
            f"{', '.join(sorted(MAY_CHANGE))} may change; set the others back, or start a new run."
        )


def _check_processes(then: int, now: int) -> None:
    if then != now:
        raise RunError(
            f"The run to resume was trained in {then} process(es), now there are {now}; its "
            "batches and learning rate depend on them. Set training.devices times "
            f"training.num_nodes to {then}, or start a new run."
        )


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
