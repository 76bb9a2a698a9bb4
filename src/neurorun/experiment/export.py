"""Hand the best network of a run to programs that do not know neurorun: ONNX, TorchScript, weights.

What is needed to use a network travels in the file, under the same keys in every format: channels,
rate, preparation, windows, thresholds. What an exported network computes is compared with the
original before the file is written.
"""

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from neurorun.core import MissingExtraError, RunError, atomic_write, require, to_json
from neurorun.data import montage_channels
from neurorun.experiment.config import Experiment, experiment_from
from neurorun.runs import Run, open_run
from neurorun.tasks import sections_of

ExportFormat = Literal["onnx", "torchscript", "safetensors"]
SUFFIX: Mapping[ExportFormat, str] = {
    "onnx": ".onnx",
    "torchscript": ".torchscript.pt",
    "safetensors": ".safetensors",
}
FORMAT, FORMAT_VERSION = "neurorun-exported-model", 1
EXTRA_FILE = "neurorun.json"
"""Name of the extra file of TorchScript that holds what other formats hold as metadata."""

_N_COMPARED = 3
_REGISTRATION = "torch.onnx._internal.exporter._registration"
"""Who says that torchvision is not installed, which no network of ours needs."""
_LARGEST_DIFFERENCE = 1e-3


@dataclass(frozen=True, slots=True)
class Export:
    """A network that was exported.

    Parameters
    ----------
    path : the file
    largest_difference : between logits of the export and of the original, on random windows; None
        where only weights were written, or ``onnxruntime`` is not installed
    """

    path: Path
    largest_difference: float | None


def export_model(run: Run | Path | str, output: Path | None = None, *, to: ExportFormat) -> Export:
    """Write the best network of a run for other programs.

    The networks take standardized windows ``eeg`` (batch, channels, samples), of any batch size and
    the length of the run's windows, and give ``logits`` (batch, samples); the logistic function of
    these are probabilities.

    Parameters
    ----------
    run : a run, or its folder
    output : file; by default ``model`` with the suffix of the format in the current folder
    to : ``safetensors`` holds weights only, of any task; ``onnx`` and ``torchscript`` hold the
        network itself, of seizure detection

    Raises
    ------
    RunError : the run has no checkpoint, is of another task, or the export computes something else
    MissingExtraError : the format needs a library that is not installed
    """
    opened = run if isinstance(run, Run) else open_run(run)
    experiment = experiment_from(opened.config, source=str(opened.path / "config.yaml"))
    checkpoint = opened.checkpoint("best")
    path = output or Path(f"model{SUFFIX[to]}")
    about = metadata_of(opened, experiment, epoch=int(checkpoint["epoch"]))
    if to == "safetensors":
        write, difference = _weights(checkpoint["model_state_dict"], about), None
    else:
        model = experiment.task.open_model(experiment.settings, checkpoint["model_state_dict"])
        example = _example(opened, experiment)
        write, difference = _NETWORKS[to](model, example, about)
    _check(difference, to)
    with atomic_write(path) as stream:
        write(stream)
    return Export(path, difference)


def metadata_of(run: Run, experiment: Experiment, *, epoch: int) -> dict[str, str]:
    """What somebody needs to use a network, as text under fixed keys.

    All but names are JSON. ``operating_points`` are the thresholds that the run chose on
    validation, with the false alarms per 24 h that they stand for.
    """
    about = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "task": experiment.task.name,
        "run": run.name,
        "epoch": str(epoch),
        "model": to_json(experiment.resolved["model"]),
    }
    if experiment.task.name == "seizure_detection":
        about |= _about_detector(run, experiment)
    return about


def _about_detector(run: Run, experiment: Experiment) -> dict[str, str]:
    sections = sections_of(experiment.settings)
    data, preprocessing = sections.data, sections.preprocessing
    return {
        "input": "eeg: float32 (batch, channels, samples), prepared and standardized",
        "output": "logits: float32 (batch, samples); probability = 1 / (1 + exp(-logit))",
        "channels": to_json(montage_channels(preprocessing.montage)),
        "rate_hz": to_json(data.sampling_rate),
        "window_samples": to_json(data.window_samples),
        "prediction_stride_s": to_json(data.prediction_windows.stride),
        "preprocessing": to_json(preprocessing.model_dump(mode="json")),
        "postprocessing": to_json(sections.postprocessing.model_dump(mode="json")),
        "operating_points": to_json([asdict(point) for point in run.operating_points]),
    }


def _example(run: Run, experiment: Experiment) -> Tensor:
    if experiment.task.name != "seizure_detection":
        raise RunError(
            f"Run '{run.name}' is of the task {experiment.task.name}; whole networks are exported "
            "of seizure_detection. Export the weights with safetensors instead."
        )
    sections = sections_of(experiment.settings)
    n_channels = len(montage_channels(sections.preprocessing.montage))
    rng = np.random.default_rng(0)
    shape = (_N_COMPARED, n_channels, sections.data.window_samples)
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))


def _check(difference: float | None, to: str) -> None:
    if difference is not None and not difference <= _LARGEST_DIFFERENCE:
        raise RunError(
            f"The network exported to {to} differs from the original by {difference:g} in a logit; "
            f"at most {_LARGEST_DIFFERENCE:g} is allowed. Export to another format."
        )


Write = Callable[[IO[bytes]], None]


def _weights(weights: Mapping[str, Tensor], about: Mapping[str, str]) -> Write:
    torch_files = require("safetensors.torch", extra="safetensors")
    tensors = {name: tensor.contiguous() for name, tensor in weights.items()}
    content: bytes = torch_files.save(tensors, metadata=dict(about))
    return partial(_write, content)


def _write(content: bytes, stream: IO[bytes]) -> None:
    stream.write(content)


def _torchscript(
    model: nn.Module, example: Tensor, about: Mapping[str, str]
) -> tuple[Write, float | None]:
    # Shapes that the tracer calls constants are those of the window; the batch is compared below.
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(model, (example[:2],), check_trace=False)  # type: ignore[no-untyped-call]
        difference = float((traced(example) - model(example)).abs().max())
    return partial(_save_traced, traced, json.dumps(dict(about))), difference


def _save_traced(traced: Any, about: str, stream: IO[bytes]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(traced, stream, _extra_files={EXTRA_FILE: about})


def _onnx(
    model: nn.Module, example: Tensor, about: Mapping[str, str]
) -> tuple[Write, float | None]:
    for needed in ("onnx", "onnxscript"):
        require(needed, extra="onnx")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = _onnx_program(model, example)
        expected = model(example).numpy()
    program.model.metadata_props.update(about)
    content: bytes = program.model_proto.SerializeToString()
    return partial(_write, content), _difference_of_onnx(content, example, expected)


def _onnx_program(model: nn.Module, example: Tensor) -> torch.onnx.ONNXProgram:
    try:
        with _without_remarks(_REGISTRATION):
            program = torch.onnx.export(
                model,
                (example[:2],),
                input_names=["eeg"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        raise RunError(
            f"PyTorch {torch.__version__} cannot write this network as ONNX "
            f"({str(error).splitlines()[0]}); export to torchscript or safetensors instead."
        ) from error
    assert program is not None
    return program


@contextmanager
def _without_remarks(name: str) -> Iterator[None]:
    """Let a logger speak of errors only."""
    speaker = logging.getLogger(name)
    level = speaker.level
    speaker.setLevel(logging.ERROR)
    try:
        yield
    finally:
        speaker.setLevel(level)


def _difference_of_onnx(content: bytes, example: Tensor, expected: np.ndarray) -> float | None:
    try:
        runtime = require("onnxruntime", extra="onnx")
    except MissingExtraError:
        return None
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"eeg": example.numpy()})
    return float(np.abs(found - expected).max())


_NETWORKS = {"onnx": _onnx, "torchscript": _torchscript}
