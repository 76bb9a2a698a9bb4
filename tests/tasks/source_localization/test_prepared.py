import math

import numpy as np
import pytest
import torch

from neurorun.core import SILENT, DataError
from neurorun.evaluation import localization_metrics
from neurorun.tasks import TASKS
from neurorun.training.arrays import to_tensors

pytestmark = pytest.mark.integration

TASK = TASKS["source_localization"]


class Oracle(torch.nn.Module):
    """Knows the answer to every example that it is asked in order."""

    def __init__(self, examples):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.examples = examples

    def forward(self, eeg):
        every = (self.examples.example(row) for row in range(len(self.examples)))
        known = {example.eeg.tobytes(): example.target for example in every}
        found = [known[np.ascontiguousarray(one.T.numpy()).tobytes()].T for one in eeg]
        return torch.from_numpy(np.stack(found))


def test_a_perfect_network_is_perfect(settings):
    prepared = TASK.prepare(settings())
    oracle = Oracle(prepared._data.validation)
    found = prepared.evaluate(oracle, None, progress=SILENT)
    assert found["val_loss"] == found["mse"] == found["mae"] == 0.0
    assert found["peak_error_mm"] == pytest.approx(0.0, abs=1e-6)
    assert found["average_precision"] == pytest.approx(1.0)
    assert found["nmse"] == pytest.approx(0.0, abs=1e-6)
    assert set(found) == {"val_loss", *(metric.name for metric in prepared.metrics)}


@pytest.mark.parametrize("sparse", [False, True])
def test_batches_and_loss_fit_the_network(settings, sparse):
    prepared = TASK.prepare(
        settings(data={"sparse_targets": sparse, "batch_size": 4, "num_workers": 0})
    )
    model = prepared.build_model()
    eeg, targets = next(iter(prepared.batches(1)))
    tensors = (
        tuple(map(torch.from_numpy, targets)) if sparse else torch.from_numpy(np.array(targets))
    )
    figures = prepared.loss(model, torch.from_numpy(eeg), tensors, None)
    assert eeg.shape == (4, 10, 500)
    assert set(figures) == {"loss", "mae"}
    assert float(figures["loss"].detach()) > 0
    assert figures["loss"].requires_grad


@pytest.mark.parametrize("sparse", [False, True])
def test_batches_of_a_device_are_those_of_threads(settings, sparse):
    loading = {"sparse_targets": sparse, "batch_size": 4, "num_workers": 0}
    there, here = (
        TASK.prepare(settings(data={**loading, "device": device})) for device in ("cpu", None)
    )
    model = here.build_model()
    assert there.n_batches(1) == here.n_batches(1)

    def losses(one):
        for batch in one.batches(1):
            eeg, targets = (to_tensors(part, torch.device("cpu")) for part in batch)
            yield float(one.loss(model, eeg, targets, None)["loss"].detach())

    np.testing.assert_allclose(list(losses(there)), list(losses(here)), rtol=1e-4)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is such a device")
def test_a_device_that_is_not_there_is_refused_before_training(settings):
    with pytest.raises(
        DataError, match=r"does not find the device 'cuda' here .*data.device: null"
    ):
        TASK.prepare(settings(data={"device": "cuda"}))


def test_whole_and_sparse_targets_give_the_same_loss(settings):
    losses = []
    for sparse in (False, True):
        data = {"sparse_targets": sparse, "batch_size": 4, "num_workers": 0}
        prepared = TASK.prepare(settings(data=data))
        torch.manual_seed(0)
        model = prepared.build_model()
        eeg, targets = next(iter(prepared.batches(1)))
        given = tuple(map(torch.from_numpy, targets)) if sparse else torch.from_numpy(targets)
        figures = prepared.loss(model, torch.from_numpy(eeg), given, None)
        losses.append(float(figures["loss"].detach()))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_splits_share_no_sources(settings):
    prepared = TASK.prepare(settings())
    members = prepared.members()
    assert sum(map(len, members.values())) == 48 + 48
    assert prepared.shared_patients() == ()
    assert all(name.startswith("validation row ") for name in members["validation"])
    groups = [set(some.values()) for some in members.values()]
    assert not groups[0] & groups[1]


def test_sources_on_both_sides_are_told(settings):
    prepared = TASK.prepare(settings(data={"validation_by": "row", "val_split": 0.5}))
    assert prepared.shared_patients()


def test_examples_are_counted_by_noise(settings):
    prepared = TASK.prepare(settings())
    counts = prepared.class_distributions()
    assert counts["test"] == {"5 dB": 24, "20 dB": 24}
    assert list(counts) == ["train", "validation", "test"]


def test_without_validation_there_is_nothing_to_choose_by(settings):
    with pytest.raises(DataError, match=r"No example is left for validation beside 48"):
        TASK.prepare(settings(data={"val_split": 0.0}))


def test_no_sample_is_positive(settings):
    assert math.isnan(TASK.prepare(settings()).positive_fraction())


def test_without_anatomy_training_works_and_millimetres_are_undefined(settings, project):
    for path in (project / "anatomy").iterdir():
        if not path.name.startswith("leadfield"):
            path.unlink()
    prepared = TASK.prepare(settings())
    found = prepared.evaluate(prepared.build_model().eval(), None, progress=SILENT)
    assert math.isnan(found["peak_error_mm"])
    assert not math.isnan(found["average_precision"])
    results = prepared.results(prepared.build_model().eval())
    assert results.cortex is None
    assert results.kept == ()


def test_results_hold_all_methods_and_pictures(settings):
    config = settings(evaluation={"save_estimates": 2})
    prepared = TASK.prepare(config)
    results = prepared.results(Oracle(prepared._data.validation))
    methods = list(dict.fromkeys(row["method"] for row in results.comparison))
    assert methods == ["model", "sLORETA", "MNE"]
    assert {row["by"] for row in results.comparison} == {
        "all",
        "noise",
        "sources",
        "deepest source",
    }
    names = {row["metric"] for row in results.comparison}
    assert names == {metric.name for metric in localization_metrics(config.evaluation)}
    assert len(results.rows) == len(prepared.members()["validation"])
    assert len(results.kept) == 2
    assert [one.method for one in results.kept[0].methods] == ["model", "sLORETA", "MNE"]
    assert results.kept[0].methods[0].error_mm == pytest.approx(0.0, abs=1e-6)
    assert results.cortex is not None
    levels = [row["value"] for row in results.comparison if row["by"] == "noise"]
    assert list(dict.fromkeys(levels)) == ["5 dB", "20 dB"]


def test_nothing_is_kept_where_nothing_is_asked_for(settings):
    prepared = TASK.prepare(settings(evaluation={"save_estimates": 0, "baselines": []}))
    results = prepared.results(Oracle(prepared._data.validation))
    assert results.kept == ()
    assert {row["method"] for row in results.comparison} == {"model"}
