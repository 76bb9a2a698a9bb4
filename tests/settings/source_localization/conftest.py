"""Observers of source localization: a head of 24 regions and 10 channels, two clips per region."""

import shutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurorun.models import build_source_model
from neurorun.simulation import (
    Anatomy,
    SourcePlan,
    save_mat,
    spherical_anatomy,
    spherical_leadfield,
    write_anatomy,
    write_plan,
)

batches_module = import_module("neurorun.simulation.source.batches")

N_REGIONS, N_CHANNELS, N_SAMPLES = 24, 10, 500

TINY = {
    "task": "source_localization",
    "experiment.device": "cpu",
    "data.batch_size": 4,
    "data.num_workers": 0,
    "data.val_split": 0.3,
    "data.validation_by": "patch",
    "model.preset": "small",
    "evaluation.n_resamples": 10,
    "evaluation.baselines": ["sLORETA", "MNE"],
    "evaluation.save_estimates": 0,
}


@pytest.fixture(scope="session")
def tiny() -> dict[str, Any]:
    return TINY


@pytest.fixture(scope="session")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Anatomies, leadfields, clips and tables, by name; tests must not change them."""
    folder = tmp_path_factory.mktemp("head")
    for name, seed, scale in (("anatomy", 0, 1.0), ("other_anatomy", 1, 0.8)):
        anatomy = spherical_anatomy(N_REGIONS, N_CHANNELS, seed=seed)
        leadfield = spherical_leadfield(anatomy)
        write_anatomy(folder / name, _scaled(anatomy, scale), leadfield)
        (folder / name / "leadfield.mat").rename(folder / name / "leadfield_75_20k.mat")
        noise = np.random.default_rng(seed).standard_normal((2, N_SAMPLES, N_CHANNELS))
        save_mat(folder / name / "realistic_noise.mat", {"data": noise})
    neighbours = spherical_anatomy(N_REGIONS, N_CHANNELS, seed=0).neighbours
    source = folder / "source"
    for centre in range(N_REGIONS):
        for number in (1, 2):
            _write_clip(source / f"nmm_spikes/a{centre}/nmm_{number}.mat", centre, number)
            _write_clip(source / f"nmm_spikes/b{centre}/nmm_{number}.mat", centre, number + 4)
            _write_clip(source / f"slow_spikes/a{centre}/nmm_{number}.mat", centre, number + 9)
    shutil.copytree(source / "nmm_spikes", source / "holed_spikes")
    for centre in (1, 2, 3):
        (source / f"holed_spikes/a{centre}/nmm_1.mat").unlink()
    plan = _plan(neighbours, clip=1)
    write_plan(source / "train_sample_source1.mat", plan)
    write_plan(source / "test_sample_source1.mat", _plan(neighbours, clip=2))
    write_plan(source / "few.mat", plan.rows(np.arange(30)))
    silent = np.where(np.arange(len(plan))[:, None, None] < 20, np.nan, plan.scales)
    _write_table(source / "without_scale.mat", plan, scale_ratio=silent)
    _write_table(source / "renamed.mat", plan, selected_region=None, patches=_padded(plan))
    low = _plan(neighbours, clip=1, n_sources=1).rows(np.arange(8))
    index = (low.centres + 1.0) * 7 + low.clips + 1
    _write_table(source / "counted.mat", low, random_samples=None, nmm_idx=index)
    return folder


def _scaled(anatomy: Anatomy, scale: float) -> Anatomy:
    assert anatomy.surface is not None
    vertices = anatomy.surface.vertices_mm * scale
    return replace(
        anatomy,
        centre_mm=anatomy.centre_mm * scale,
        growth_mm=anatomy.growth_mm * scale,
        surface=replace(anatomy.surface, vertices_mm=vertices, inflated_mm=vertices),
    )


def _write_clip(path: Path, centre: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    activity = 1.3 + 0.1 * rng.normal(size=(N_SAMPLES, N_REGIONS))
    time = np.arange(N_SAMPLES)
    activity[:, centre] += 12 * np.exp(-0.5 * ((time - 240 - 5 * seed) / 12.0) ** 2)
    save_mat(path, {"data": activity.astype(np.float32)})


def _plan(neighbours, *, clip: int, n_sources: int = 2) -> SourcePlan:
    """Two rows per region, one per level of noise: a source there and one further on."""
    rows = [(region, level) for region in range(N_REGIONS) for level in (5.0, 20.0)]
    regions = np.full((len(rows), n_sources, 3), -1, np.int32)
    weights = np.zeros(regions.shape)
    for row, (region, _) in enumerate(rows):
        for source in range(n_sources):
            centre = (region + 7 * source) % N_REGIONS
            patch = [centre, *neighbours[centre].tolist()[:2]]
            regions[row, source, : len(patch)] = patch
            weights[row, source, : len(patch)] = [1.0, 0.3, 0.3][: len(patch)]
    return SourcePlan(
        regions=regions,
        weights=weights,
        centres=np.ascontiguousarray(regions[:, :, 0]),
        clips=np.full(regions.shape[:2], clip, np.int32),
        scales=np.full((len(rows), n_sources, 2), 15.0),
        snr_db=np.array([level for _, level in rows]),
    )


def _padded(plan: SourcePlan) -> np.ndarray:
    return np.where(plan.regions < 0, 999, plan.regions)


def _write_table(path: Path, plan: SourcePlan, **changes: np.ndarray | None) -> None:
    """Write the fields of a plan, some of them otherwise, or not at all."""
    fields = {
        "selected_region": _padded(plan),
        "mag_change": plan.weights,
        "random_samples": plan.clips,
        "scale_ratio": plan.scales,
        "current_snr": plan.snr_db[:, None],
        **changes,
    }
    save_mat(path, {name: values for name, values in fields.items() if values is not None})


@pytest.fixture
def prepared(place, head, experiment_of):
    """Prepare the data of settings in an empty folder with the head in it."""

    def prepare(settings):
        folder = place()
        for part in head.iterdir():
            (folder / part.name).symlink_to(part)
        checked = experiment_of(settings)
        return checked.task.prepare(checked.settings)

    return prepare


@pytest.fixture
def division(prepared):
    """Which rows of the tables are in which split."""
    return lambda settings: {
        name: sorted(members) for name, members in prepared(settings)._data.members().items()
    }


@pytest.fixture
def n_validation(prepared):
    """Examples for validation."""
    return lambda settings: len(prepared(settings)._data.validation)


@pytest.fixture
def stores(prepared):
    """Folders in which clips are kept ready."""

    def observe(settings):
        prepared(settings)
        return sorted(path.name for path in Path().iterdir() if not path.is_symlink())

    return observe


@pytest.fixture
def kinds(prepared):
    """Kinds of the arrays of a batch."""
    return lambda settings: [type(one).__name__ for one in next(prepared(settings).batches(1))]


@pytest.fixture
def reading(prepared, monkeypatch):
    """How an epoch is read: pools of threads, buffers, and memory asked of CUDA."""

    def observe(settings):
        pools, pinned = [], []

        class Pool(batches_module.ThreadPoolExecutor):
            def __init__(self, n_threads, *arguments):
                pools.append(n_threads)
                super().__init__(n_threads, *arguments)

        def zeros(shape, *, pin_memory=False):
            pinned.append(pin_memory)
            return torch.empty(shape).zero_()

        with monkeypatch.context() as patch:
            patch.setattr(batches_module, "ThreadPoolExecutor", Pool)
            patch.setattr(torch.cuda, "is_available", lambda: True)
            patch.setattr(torch, "zeros", zeros)
            places = {targets.ctypes.data for _, targets in prepared(settings).batches(1)}
        return {"pools": pools, "buffers": len(places), "pinned": pinned}

    return observe


@pytest.fixture
def network(experiment_of, bits_of):
    """Weights, and estimates in training and after it."""

    def observe(settings):
        torch.manual_seed(0)
        model = build_source_model(
            experiment_of(settings).settings.model, n_channels=N_CHANNELS, n_regions=N_REGIONS
        )
        eeg = torch.randn(2, 40, N_CHANNELS, generator=torch.Generator().manual_seed(1))
        torch.manual_seed(2)
        with torch.no_grad():
            trained, after = model.train()(eeg), model.eval()(eeg)
        return bits_of([list(model.state_dict().values()), trained, after])

    return observe


@pytest.fixture
def results(prepared):
    """What a network that has learned nothing is found to be worth."""

    def find(settings):
        task = prepared(settings)
        torch.manual_seed(0)
        return task.results(task.build_model().eval())

    return find


@pytest.fixture
def scores(results):
    """Metrics of the network on validation."""
    return lambda settings: repr(results(settings).metrics)  # NaN equals NaN here


@pytest.fixture
def comparison(results):
    """Means of all methods, with their intervals."""

    def observe(settings):
        rows = results(settings).comparison
        return repr([(row["method"], row["metric"], row["low"], row["high"]) for row in rows])

    return observe


@pytest.fixture
def estimates(results):
    """Examples whose estimates are kept."""
    return lambda settings: [one.example for one in results(settings).kept]
