import math

import numpy as np
import pytest
import torch

from neurorun.core import ConfigError, DataError
from neurorun.tasks import PreparedTask, Task
from neurorun.tasks.abnormality import ABNORMALITY
from neurorun.tasks.abnormality.sections import METRICS
from neurorun.training import TrainingTask

pytestmark = pytest.mark.integration


def tensors(batch):
    inputs, targets = batch
    return torch.from_numpy(inputs), {
        name: torch.from_numpy(np.asarray(value)) for name, value in targets.items()
    }


def prepared_of(experiment):
    return experiment.task.prepare(experiment.settings)


def test_it_keeps_the_protocols(experiment_of):
    assert isinstance(ABNORMALITY, Task)
    prepared = prepared_of(experiment_of())
    assert isinstance(prepared, PreparedTask)
    assert isinstance(prepared, TrainingTask)


def test_the_first_metric_is_the_loss_so_that_it_chooses():
    from neurorun.training.early_stopping import VAL_LOSS

    assert METRICS[0] == VAL_LOSS


def test_a_batch_depends_on_seed_epoch_and_place_alone(experiment_of):
    prepared = prepared_of(experiment_of())
    whole = [inputs.copy() for inputs, _ in prepared.batches(2)]
    assert len(whole) == prepared.n_batches(2)
    later = [inputs.copy() for inputs, _ in prepared.batches(2, start=1)]
    np.testing.assert_array_equal(whole[1], later[0])
    other = next(iter(prepared.batches(1)))[0]
    assert not np.array_equal(whole[0], other)


def test_the_loss_of_an_epoch_is_that_of_validation(experiment_of):
    """Batch means add up to mean cross-entropy plus weight times mean gaze loss over gaze."""
    prepared = prepared_of(experiment_of(data={"class_balance": "none"}))
    prepared.validation = prepared.train
    model = prepared.build_model().eval()
    sums, n = {}, 0
    with torch.no_grad():
        for batch in prepared.batches(1):
            inputs, targets = tensors(batch)
            for name, value in prepared.loss(model, inputs, targets, None).items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(inputs)
            n += len(inputs)
    trained = {name: value / n for name, value in sums.items()}
    validated = prepared.evaluate(model, None)
    for name in ("loss", "cls_loss", "gaze_loss", "gaze_loss_weighted", "acc"):
        assert trained[name] == pytest.approx(validated[f"val_{name}"], rel=1e-4), name
    assert trained["gaze_samples"] == pytest.approx(int(prepared.train.has_gaze.sum()))
    assert trained["gaze_batches"] == pytest.approx(
        sum(targets["has_gaze"].any() for _, targets in prepared.batches(1))
    )


def test_windows_without_gaze_do_not_enter_the_gaze_loss(experiment_of, tmp_path):
    prepared = prepared_of(experiment_of())
    inputs, targets = tensors(next(iter(prepared.batches(1))))
    model = prepared.build_model().eval()
    blind = {**targets, "has_gaze": torch.zeros_like(targets["has_gaze"])}
    with torch.no_grad():
        found = prepared.loss(model, inputs, blind, None)
    assert float(found["gaze_loss"]) == 0
    assert float(found["loss"]) == pytest.approx(float(found["cls_loss"]))


def test_without_any_gaze_its_loss_is_undefined_and_the_rest_goes_on(experiment_of, tmp_path):
    empty = tmp_path / "no-gaze"
    empty.mkdir()
    prepared = prepared_of(experiment_of(data={"gaze_dir": str(empty)}))
    model = prepared.build_model().eval()
    with torch.no_grad():
        found = prepared.loss(model, *tensors(next(iter(prepared.batches(1)))), None)
    assert math.isnan(float(found["gaze_loss"]))
    assert math.isfinite(float(found["loss"]))
    validated = prepared.evaluate(model, None)
    assert math.isnan(validated["val_gaze_loss"])
    assert math.isnan(validated["val_gaze_cc"])
    assert validated["val_loss"] == pytest.approx(validated["val_cls_loss"])


def test_evaluation_gives_all_that_is_declared(experiment_of):
    prepared = prepared_of(experiment_of())
    found = prepared.evaluate(prepared.build_model().eval(), None)
    assert {metric.name for metric in METRICS} <= set(found)
    cells = [found[f"val_{cell}"] for cell in ("tn", "fp", "fn", "tp")]
    assert sum(cells) == len(prepared.validation)
    assert found["val_f1"] == found["val_macro_f1"]


@pytest.mark.parametrize("balance", ["none", "weights", "sampler"])
def test_classes_are_balanced_once(experiment_of, balance):
    prepared = prepared_of(experiment_of(data={"class_balance": balance}))
    assert sorted(prepared.order(1)) == list(range(len(prepared.train))) or balance == "sampler"
    weights = prepared.class_weights()
    counts = prepared.train.class_counts()
    if balance == "weights":
        assert weights[0] * counts[0] == pytest.approx(weights[1] * counts[1])
    else:
        assert weights == (1.0, 1.0)


def test_what_is_kept_of_the_data(experiment_of):
    prepared = prepared_of(experiment_of())
    members = prepared.members()
    assert len(members["test"]) == 4
    assert not set(members["train"]) & set(members["validation"])
    counts = prepared.class_distributions()
    assert sum(counts["train"].values()) == len(prepared.train)
    assert counts["test"] == {"0": 2, "1": 2}
    assert prepared.data_identity()["channels"][0] == "Fp1-F7"
    assert prepared.shared_patients() == ()
    assert 0 < prepared.positive_fraction() < 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"data": {"window_size": 2.0}}, "the network needs a multiple of 125"),
        ({"data": {"window_size": 2.501}}, r"data.window_size or evaluation.bin_s: 2.501 s at"),
        ({"evaluation": {"bin_s": 40.0}}, "evaluation.bin_s is 40 s, longer than a window of 20 s"),
        ({"gaze": {"recipe": "original"}}, "whose rows are electrodes, with preprocessing.montage"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(experiment_of, more, message):
    with pytest.raises(ConfigError, match=message):
        experiment_of(**more)


def test_a_class_that_is_missing_is_told(experiment_of, tmp_path, corpus):
    only = tmp_path / "normal-only"
    (only / "train").mkdir(parents=True)
    (only / "train" / "normal").symlink_to(corpus / "edf" / "train" / "normal")
    with pytest.raises(DataError, match=r"normal and abnormal recordings are needed|no EDF"):
        prepared_of(experiment_of(data={"data_dir": str(only)}))


def test_the_original_recipe_and_the_signals_of_the_file_go_through(experiment_of):
    prepared = prepared_of(
        experiment_of(
            preprocessing={"montage": "referential"},
            gaze={"recipe": "original", "unplaced": "smear", "gaze_loss_type": "mse"},
        )
    )
    found = prepared.evaluate(prepared.build_model().eval(), None)
    assert math.isfinite(found["val_gaze_loss"])
