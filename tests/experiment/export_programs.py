"""Export a run and compare: in a process of its own, without the shape checks of the tests."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

from neurorun.core import read_json
from neurorun.experiment import Detector, export_model


def main(run: Path, folder: Path) -> None:
    torch.set_num_threads(1)
    model = Detector.open(run).model
    eeg = torch.randn(5, 19, 2560, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        expected = model(eeg).numpy()
    told = {}
    for to in ("onnx", "torchscript", "safetensors"):
        made = export_model(run, folder / f"{to}.bin", to=to)
        found, about = READERS[to](made.path, eeg, model)
        told[to] = {
            "said": made.largest_difference,
            "found": float(np.abs(found - expected).max()),
            "about": about,
        }
    sys.stdout.write(json.dumps(told))


def onnx(path, eeg, _):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    about = session.get_modelmeta().custom_metadata_map
    return session.run(["logits"], {"eeg": eeg.numpy()})[0], dict(about)


def torchscript(path, eeg, _):
    extra = {"neurorun.json": ""}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", DeprecationWarning)
        loaded = torch.jit.load(path, _extra_files=extra)
        return loaded(eeg).numpy(), json.loads(extra["neurorun.json"])


def safetensors(path, eeg, model):
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        about = file.metadata()
    for parameter in model.parameters():
        parameter.data.zero_()
    model.load_state_dict(weights)
    with torch.no_grad():
        return model(eeg).numpy(), about


READERS = {"onnx": onnx, "torchscript": torchscript, "safetensors": safetensors}


if __name__ == "__main__":
    assert read_json(Path(sys.argv[1]) / "run.json")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
