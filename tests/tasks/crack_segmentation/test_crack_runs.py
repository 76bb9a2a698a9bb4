"""The task through the engine that all tasks share: train, reopen, evaluate, report."""

import math
import shutil

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from neurorun import experiment
from neurorun.core import ConfigError, DataError, write_text
from neurorun.evaluation import MaskEvaluationConfig, MaskEvaluator
from neurorun.reporting import write_report
from neurorun.runs import check_run, open_run
from neurorun.tasks import CRACK_SEGMENTATION, PreparedTask, Results, Task
from neurorun.tasks.crack_segmentation.scoring import worth_seeing

pytestmark = pytest.mark.integration


def settings_for(pictures, place, **training):
    return {
        "task": "crack_segmentation",
        "experiment": {"name": "tiny", "output_dir": str(place / "runs"), "device": "cpu"},
        "data": {
            "data_dir": str(pictures),
            "crop_size": 32,
            "crops_per_image": 1,
            "batch_size": 4,
            "num_workers": 1,
        },
        "model": {"unet": {"channels": [8, 16]}},
        "training": {"epochs": 2, "learning_rate": 5e-3, **training},
        "evaluation": {"bootstrap_resamples": 100, "n_overlays": 2},
    }


def train(place, settings, **keywords):
    path = place / "cracks.yaml"
    write_text(path, yaml.safe_dump(settings))
    return experiment.train(path, **keywords)


def experiment_of(settings):
    return experiment.experiment_from(settings, source="test")


@pytest.fixture(scope="module")
def trained(pictures, tmp_path_factory):
    place = tmp_path_factory.mktemp("run")
    return train(place, settings_for(pictures, place))


def test_the_task_keeps_the_protocols(pictures, tmp_path):
    assert isinstance(CRACK_SEGMENTATION, Task)
    settings = experiment_of(settings_for(pictures, tmp_path)).settings
    prepared = CRACK_SEGMENTATION.prepare(settings)
    assert isinstance(prepared, PreparedTask)
    assert isinstance(prepared.results(prepared.build_model().eval()), Results)
    assert 0 < prepared.positive_fraction() < 0.3


def test_a_run_folder_is_whole_and_holds_what_seed_003_names(trained):
    run = open_run(trained)
    assert run.status == "completed"
    assert [finding for finding in check_run(trained) if finding.damaged] == []
    for row in run.epoch_rows:
        assert {
            "train_loss",
            "train_dice_loss",
            "val_loss",
            "val_iou",
            "val_f1",
            "val_precision",
            "val_recall",
            "val_dice",
            "val_accuracy",
        } <= set(row.values)
    assert run.record.monitor == "val_iou"
    assert run.splits.n_patients == {"train": 11, "validation": 2, "test": 3}
    assert set(run.tables) == {"intervals", "threshold_curve", "chosen_threshold"}
    assert len(run.pictures) == 2
    assert run.scored_splits == ("test",)
    assert set(run.scores("test").metrics) == {metric.name for metric in run.record.metrics}
    assert run.scores("test").methods["masks"] == "neurorun masks 1"


def test_the_table_of_images_gives_the_pooled_metrics_again(trained):
    run = open_run(trained)
    rows = run.prediction_rows
    tp, fp, fn = (sum(row[name] for row in rows) for name in ("tp", "fp", "fn"))
    found = tp / (tp + fp + fn) if tp + fp + fn else math.nan
    assert run.metrics["validation"]["val_iou"] == pytest.approx(found, nan_ok=True)
    matrix, tested = run.confusion_matrices
    assert (matrix.dataset, tested.dataset) == ("validation", "test")
    assert matrix.labels == ("background", "crack")
    assert matrix.matrix[1] == (fn, tp)


def test_evaluating_the_test_split_again_gives_the_same(trained):
    before = open_run(trained).scores("test").metrics
    results = experiment.evaluate(trained, split="test")
    assert dict(results.metrics) == pytest.approx(dict(before), nan_ok=True)


def test_other_pictures_are_scored_under_the_name_of_their_folder(trained, pictures, tmp_path):
    copy = tmp_path / "elsewhere"
    shutil.copytree(pictures, copy)
    (copy / "masks/0001.png").unlink()
    results = experiment.evaluate(trained, copy)
    assert results.split == "elsewhere"
    assert len(results.rows) == 15
    assert "elsewhere" in open_run(trained).scored_splits


def test_the_report_shows_pictures_intervals_and_images(trained, tmp_path):
    page = write_report(trained, tmp_path / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 4  # two of each split
    told = "The network was validated on 2 images"
    for text in ("How far the scores would move", "Every threshold", "hits in green", told):
        assert text in page
    assert len(page) < 1_000_000


def test_a_changed_test_image_is_refused(pictures, tmp_path):
    copy = tmp_path / "pictures"
    shutil.copytree(pictures, copy)
    run = train(tmp_path, settings_for(copy, tmp_path, epochs=1))
    name = next(iter(open_run(run).splits.test))
    Image.new("RGB", (56, 40)).save(copy / f"images/{name}.png")
    Image.new("L", (56, 40)).save(copy / f"masks/{name}.png")
    with pytest.raises(DataError, match=rf"1 of 3 images .* were changed .* first is '{name}'"):
        experiment.evaluate(run, split="test")


def test_the_same_settings_give_the_same_weights_also_when_resumed(pictures, tmp_path, trained):
    class StoppedError(Exception):
        pass

    whole = open_run(trained).checkpoint("last")["model_state_dict"]
    settings = settings_for(pictures, tmp_path, checkpoint_minutes=0)
    settings["experiment"]["run_name"] = "stopped"
    first = experiment_of(settings).settings
    original = CRACK_SEGMENTATION.prepare

    def stopping(settings, **keywords):
        prepared = original(settings, **keywords)
        loss, calls = prepared.loss, []

        def once(*arguments):
            calls.append(1)
            if len(calls) == 5:
                raise StoppedError
            return loss(*arguments)

        prepared.loss = once
        return prepared

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CRACK_SEGMENTATION, "prepare", stopping)
        with pytest.raises(StoppedError):
            train(tmp_path, settings)
    run = experiment.train(resume=first.experiment.output_dir / "stopped")
    for name, tensor in open_run(run).checkpoint("last")["model_state_dict"].items():
        assert torch.equal(tensor, whole[name]), name


@pytest.mark.parametrize(
    "training",
    [
        {"loss": "focal", "focal_alpha": 0.25},
        {"positive_weight": "sqrt", "gradient_accumulation_steps": 2},
    ],
)
def test_the_criterion_of_training_is_used(pictures, tmp_path, training):
    run = open_run(train(tmp_path, settings_for(pictures, tmp_path, epochs=1, **training)))
    assert math.isfinite(run.epoch_rows[0].values["train_pixel_loss"])


def test_the_swinv2_trains_and_is_reopened(pictures, tmp_path):
    pytest.importorskip("transformers")
    settings = settings_for(pictures, tmp_path, epochs=1)
    settings["model"] = {
        "name": "swinv2",
        "swinv2": {
            "image_size": 32,
            "window_size": 4,
            "embed_dim": 12,
            "depths": [1, 1, 1, 1],
            "num_heads": [1, 2, 3, 6],
            "aspp_channels": 8,
            "decoder_channels": [8, 8, 8],
        },
    }
    run = train(tmp_path, settings)
    assert open_run(run).scored_splits == ("test",)
    experiment.evaluate(run, split="validation")


def test_pictures_without_any_mark_cannot_be_trained_on(pictures, tmp_path):
    copy = tmp_path / "pictures"
    shutil.copytree(pictures, copy)
    for path in (copy / "masks").iterdir():
        with Image.open(path) as mask:
            size = mask.size
        Image.new("L", size).save(path)
    with pytest.raises(DataError, match=r"No pixel is marked in the 11 images to train on"):
        train(tmp_path, settings_for(copy, tmp_path))


def test_what_is_left_out_is_kept_with_its_reason_and_shown(pictures, tmp_path):
    copy = tmp_path / "pictures"
    shutil.copytree(pictures, copy)
    (copy / "images/bad.png").write_bytes(b"no picture")
    Image.new("L", (5, 5)).save(copy / "masks/bad.png")
    run = train(tmp_path, settings_for(copy, tmp_path, epochs=1))
    left_out = open_run(run).metadata.data["left_out"]
    assert list(left_out) == ["bad"]
    assert "'bad.png' is no readable picture" in left_out["bad"]
    page = write_report(run, tmp_path / "report.html").read_text()
    assert "is no readable picture" in page


def test_a_wrong_key_is_named_with_the_nearest(pictures, tmp_path):
    settings = settings_for(pictures, tmp_path)
    settings["loss"] = {"dice_wieght": 0.4}
    with pytest.raises(ConfigError, match="dice_weight"):
        train(tmp_path, settings)


@pytest.mark.unit
def test_the_images_worth_seeing_reach_from_the_worst_to_the_best():
    evaluator = MaskEvaluator(MaskEvaluationConfig(bootstrap_resamples=100))
    mask = np.ones((1, 10), bool)
    for number in range(7):
        found = np.zeros((1, 10), np.float32)
        found[0, : number + 1] = 0.9
        evaluator.add(f"{number}", f"{number}", found, mask)
    evaluator.add("empty", "empty", np.zeros((1, 10), np.float32), ~mask)
    images = evaluator.result().images
    assert [one.name for one in worth_seeing(images, 3)] == ["0", "4", "empty"]
    assert [one.name for one in worth_seeing(images, 99)][-2:] == ["6", "empty"]
    assert worth_seeing(images, 0) == ()


def test_what_is_kept_of_validation_is_kept_of_the_test_split(trained):
    run = open_run(trained)
    tested = run.of("test")
    assert {row["image"] for row in run.scored_items("test")} == set(run.splits.test)
    assert set(tested.pictures) <= set(run.splits.test)
    assert set(run.pictures) <= set(run.splits.validation)
    assert list(tested.tables) == ["intervals", "threshold_curve"]
    assert "test, all pixels together" in tested.tables["intervals"].caption
    assert list(run.tables) == ["intervals", "threshold_curve", "chosen_threshold"]


def test_the_report_shows_test_images_first_and_folds_those_of_validation(trained, tmp_path):
    page = write_report(trained, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Pictures of test images, the worst first" in page
    assert "Pictures of validation images" not in page
    before, _, after = page.partition("<summary>The same of validation</summary>")
    run = open_run(trained)
    assert all(picture.caption in before for picture in run.of("test").pictures.values())
    assert all(picture.caption in after for picture in run.pictures.values())
    assert page.count("95 % interval</th>") == 2
