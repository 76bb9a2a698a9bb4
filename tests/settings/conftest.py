"""Every setting does something: the frame of the tests in the folders below, one per task.

A test module lists cases: a field, another value of it, an observer, and the settings in which the
field matters. An observer is a fixture: a function that is given settings, does what they are for,
and tells what came of it. It tells no setting, no configuration that was written down, and nothing
that was made of these; what cannot be seen on a machine without GPU is seen where it is handed
over. Three things are then tested: another value has another effect, the observer sees the same
again where settings differ that are not its business, and every field of the configuration classes
has a case.
"""

import copy
import functools
import hashlib
import logging
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
import yaml

from neurorun import experiment
from neurorun.core import Config, NeurorunError, write_text
from neurorun.data import loader
from neurorun.experiment import Experiment, experiment_from, experiment_model
from neurorun.experiment.config import ExperimentConfig
from neurorun.runs import environment

Settings = Mapping[str, Any]
"""Values by dotted key, ``data.batch_size``; a whole section may stand under its own key."""

INERT: Settings = {
    "experiment.description": "nobody looks at this",
    "experiment.wandb.project": "nor at this",
    "training.max_bad_steps": 7,
    "training.checkpoint_minutes": 600,
}
"""Settings whose other values no observer but their own may see."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make tests of the table ``CASES`` of a module: ``(field, other, observer[, base])``."""
    cases = [(*case, {})[:4] for case in getattr(metafunc.module, "CASES", ())]
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", cases, ids=[f"{case[0]}-{case[2]}" for case in cases])
    if "scene" in metafunc.fixturenames:
        scenes = {f"{case[2]}-{case[3]}": (case[2], case[3]) for case in cases}
        numbers = {key: number for number, key in enumerate(scenes)}
        ids = [f"{scene[0]}-{numbers[key]}" for key, scene in scenes.items()]
        metafunc.parametrize("scene", scenes.values(), ids=ids)


@pytest.fixture(scope="session")
def evidence() -> dict[Any, Any]:
    """What was seen so far, by module, observer and settings."""
    return {}


@pytest.fixture
def see(request: pytest.FixtureRequest, evidence, tiny) -> Callable[[str, Settings], Any]:
    """Look with an observer at what settings do, added to those of a tiny experiment."""

    def look(observer: str, settings: Settings) -> Any:
        key = (request.module.__name__, observer, repr(sorted(settings.items())))
        if key not in evidence:
            evidence[key] = request.getfixturevalue(observer)({**tiny, **settings})
        return evidence[key]

    return look


@pytest.fixture
def inert(request: pytest.FixtureRequest) -> Callable[[str], Settings]:
    """Other values of settings that are not the business of an observer."""

    def chosen(observer: str) -> Settings:
        watched = {case[0] for case in request.module.CASES if case[2] == observer}
        return {key: value for key, value in INERT.items() if key not in watched}

    return chosen


@pytest.fixture(scope="session")
def fields_of() -> Callable[..., set[str]]:
    """Dotted keys of all settings of a task that are no sections, read from the classes."""

    def fields(model: type[Config], place: str = "") -> Iterator[str]:
        for name, field in model.model_fields.items():
            sections = list(sections_in(field.annotation))
            if not sections:
                yield place + name
            for section in sections:
                yield from fields(section, f"{place}{name}.")

    return lambda task: set(fields(experiment_model(task)))


@pytest.fixture(scope="session")
def fields_of_all_tasks(fields_of) -> set[str]:
    """Those of the sections that every task has; they are tested with seizure detection."""
    shared = tuple(f"{name}." for name in ExperimentConfig.model_fields)
    return {key for key in fields_of("seizure_detection") if key.startswith(shared)} | {"task"}


def sections_in(annotation: Any) -> Iterator[type[Config]]:
    """Configuration classes in a type, also below ``| None`` and in containers."""
    if isinstance(annotation, type) and issubclass(annotation, Config):
        yield annotation
    for inner in get_args(annotation):
        yield from sections_in(inner)


# what observers are made of


def nested(settings: Settings) -> dict[str, Any]:
    """Sections of dotted keys; a later key wins, and a whole section replaces what it had."""
    sections: dict[str, Any] = {}
    for key, value in settings.items():
        *outer, last = key.split(".")
        place = functools.reduce(lambda inner, name: inner.setdefault(name, {}), outer, sections)
        place[last] = copy.deepcopy(value)
    return sections


def bits(value: Any) -> str:
    """Hash of the bits of an array or a tensor, with its type and shape."""
    array = np.ascontiguousarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value)
    kind = f"{array.dtype} {array.shape} ".encode()
    return hashlib.sha256(kind + array.tobytes()).hexdigest()[:16]


@pytest.fixture(scope="session")
def bits_of() -> Callable[[Any], Any]:
    """Hashes in the place of arrays, also in mappings and sequences."""

    def hashed(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: hashed(part) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return [hashed(part) for part in value]
        return bits(value)

    return hashed


@pytest.fixture(scope="session")
def experiment_of() -> Callable[[Settings], Experiment]:
    """Checked settings of dotted keys."""
    return lambda settings: experiment_from(nested(settings), source="the case")


@pytest.fixture(scope="session")
def written() -> Callable[[Path, Settings], Path]:
    """A configuration file of dotted keys."""

    def write(path: Path, settings: Settings) -> Path:
        write_text(path, yaml.safe_dump(nested(settings)))
        return path

    return write


@pytest.fixture(scope="session")
def packages() -> dict[str, str]:
    """The installed packages, looked up once and not for every run."""
    return environment._packages()


@pytest.fixture
def place(monkeypatch, tmp_path_factory, packages) -> Callable[[], Path]:
    """Make an empty folder, go there, and write run folders quickly."""
    monkeypatch.setattr(environment, "_packages", lambda: packages)
    monkeypatch.setattr("os.fsync", lambda _: None)

    def go() -> Path:
        folder = tmp_path_factory.mktemp("place")
        monkeypatch.chdir(folder)
        return folder

    return go


@pytest.fixture
def refusal() -> Callable[[Callable[[], Any]], str | None]:
    """Kind of the error with which something is refused; None where it is not."""

    def refused(act: Callable[[], Any]) -> str | None:
        try:
            act()
        except NeurorunError as error:
            return type(error).__name__
        return None

    return refused


@pytest.fixture
def train_here(place, written) -> Callable[[Settings], Path]:
    """Train in an empty folder; return the run folder."""
    return lambda settings: experiment.train(written(place() / "tiny.yaml", settings))


@pytest.fixture(autouse=True)
def leaves_no_trace() -> Iterator[None]:
    """Training sets generators, threads and determinism of the process; put them back."""
    threads, states = torch.get_num_threads(), (random.getstate(), np.random.get_state())  # noqa: NPY002
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    logging.getLogger("neurorun").setLevel(logging.NOTSET)


# what is seen of every task; `prepared` is a fixture of its folder


@pytest.fixture
def batches(prepared, bits_of):
    """What the model gets to see in two epochs, batch by batch."""

    def observe(settings):
        task = prepared(settings)
        return [bits_of(batch) for epoch in (1, 2) for batch in task.batches(epoch)]

    return observe


@pytest.fixture
def reading(prepared, monkeypatch):
    """How two epochs are read: pools of threads, buffers, and memory asked of CUDA."""

    def observe(settings):
        pools, pinned = [], []

        class Pool(loader.ThreadPoolExecutor):
            def __init__(self, n_threads, *arguments):
                pools.append(n_threads)
                super().__init__(n_threads, *arguments)

        def zeros(shape, *, pin_memory=False):
            pinned.append(pin_memory)
            return torch.empty(shape).zero_()

        with monkeypatch.context() as patch:
            patch.setattr(loader, "ThreadPoolExecutor", Pool)
            patch.setattr(torch.cuda, "is_available", lambda: True)
            patch.setattr(torch, "zeros", zeros)
            task = prepared(settings)
            places = [{t.ctypes.data for _, t in task.batches(epoch)} for epoch in (1, 2)]
            task._loader.close()
        return {"pools": pools, "buffers": len(places[0]), "pinned": pinned}

    return observe


@pytest.fixture
def refused_settings(experiment_of, refusal):
    """Whether settings are refused as they are written."""
    return lambda settings: refusal(lambda: experiment_of(settings))


@pytest.fixture
def refused_preparation(prepared, refusal):
    """Whether data cannot be prepared as the settings ask."""
    return lambda settings: refusal(lambda: prepared(settings))
