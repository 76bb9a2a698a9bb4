import math

import numpy as np
import pytest

from neurorun.core import ConfigError, ScoringError
from neurorun.evaluation import (
    MASK_MEASURES,
    MaskEvaluationConfig,
    MaskEvaluator,
    PixelCounts,
    mask_intervals,
    mask_metric_declarations,
)

pytestmark = pytest.mark.unit


def scored(*images, chosen=None, **settings):
    evaluator = MaskEvaluator(MaskEvaluationConfig(**settings), chosen_threshold=chosen)
    for number, (probabilities, mask) in enumerate(images):
        evaluator.add(
            f"{number}", f"{number}", np.asarray(probabilities, np.float32), np.asarray(mask, bool)
        )
    return evaluator.result(rng=np.random.default_rng(1))


def drawn(n, *, seed=0, shape=(12, 14)):
    rng = np.random.default_rng(seed)
    masks = [rng.random(shape) < rng.uniform(0.05, 0.5) for _ in range(n)]
    return [((0.3 * mask + 0.7 * rng.random(shape)).astype(np.float32), mask) for mask in masks]


GOOD = ([[0.9, 0.9, 0.1, 0.1]], [[1, 1, 0, 0]])
HALF = ([[0.9, 0.1, 0.9, 0.1]], [[1, 1, 0, 0]])
EMPTY = ([[0.1, 0.1, 0.1, 0.1]], [[0, 0, 0, 0]])


def test_every_declared_metric_is_measured_and_nothing_else():
    config = MaskEvaluationConfig(tolerance_px=(1, 4))
    found = scored(GOOD, HALF, tolerance_px=(1, 4))
    assert list(found.metrics) == [metric.name for metric in mask_metric_declarations(config)]


def test_pooled_metrics_count_pixels_and_image_means_count_images():
    found = scored(GOOD, HALF, tolerance_px=())
    assert found.counts == PixelCounts(tp=3, fp=1, fn=1, tn=3)
    assert found.metrics["val_iou"] == 3 / 5
    assert found.metrics["val_iou_images"] == pytest.approx((1 + 1 / 3) / 2)
    assert found.metrics["val_dice"] == found.metrics["val_f1"] == 6 / 8


@pytest.mark.parametrize(("rule", "mean"), [("undefined", 1 / 3), ("one", 2 / 3)])
def test_the_rule_for_empty_masks_moves_the_mean_over_images_alone(rule, mean):
    found = scored(HALF, EMPTY, empty_masks=rule)
    assert found.metrics["val_iou_images"] == pytest.approx(mean)
    assert found.metrics["val_iou"] == pytest.approx(1 / 3)


def test_only_empty_masks_leave_everything_undefined_but_accuracy():
    found = scored(EMPTY, EMPTY)
    assert found.chosen_threshold is None
    assert found.metrics.pop("val_accuracy") == 1.0
    assert all(math.isnan(value) for value in found.metrics.values())


def test_the_threshold_is_chosen_on_validation_and_used_on_the_test_as_it_is():
    low = ([[0.3, 0.3, 0.1, 0.1]], [[1, 1, 0, 0]])
    validation = scored(low)
    assert (validation.metrics["val_iou"], validation.metrics["val_iou_chosen"]) == (0.0, 1.0)
    threshold = validation.chosen_threshold
    assert 0.1 <= threshold < 0.3
    test = scored(([[0.2, 0.05, 0.9, 0.9]], [[1, 1, 0, 0]]), chosen=0.1)
    assert test.metrics["val_iou_chosen"] == 1 / 4
    assert test.chosen_threshold == 0.1


def test_a_row_holds_counts_and_what_follows_from_them():
    (image,) = scored(HALF, tolerance_px=(1,)).images
    row = image.to_row(MaskEvaluationConfig(tolerance_px=(1,)))
    assert list(row)[:6] == ["image", "group", "tp", "fp", "fn", "tn"]
    assert (row["tp"], row["fp"], row["fn"], row["tn"]) == (1, 1, 1, 1)
    assert (row["iou"], row["f1_1px"]) == (1 / 3, 1.0)


def test_a_prediction_of_another_size_is_refused():
    with pytest.raises(ScoringError, match=r"of '0' is of shape \(1, 2\), its mask of \(1, 3\)"):
        scored(([[0.1, 0.2]], [[1, 0, 0]]))


def test_nothing_scored_is_refused():
    with pytest.raises(ScoringError, match=r"No image was scored"):
        scored()


def test_radii_stand_once_and_in_order():
    for radii in ((2, 1), (2, 2)):
        with pytest.raises((ConfigError, ValueError), match="list every radius once"):
            MaskEvaluationConfig(tolerance_px=radii)


# intervals


def test_intervals_are_those_of_drawing_images_one_by_one():
    images = scored(*drawn(7), tolerance_px=()).images
    found = mask_intervals(images, rng=np.random.default_rng(3), n_resamples=200)
    rng = np.random.default_rng(3)
    values = {name: [] for name in MASK_MEASURES}
    for times in rng.multinomial(7, [1 / 7] * 7, size=200):
        pooled = PixelCounts()
        for image, n in zip(images, times, strict=True):
            for _ in range(n):
                pooled += image.counts
        for name in MASK_MEASURES:
            values[name].append(getattr(pooled, name))
    for name in MASK_MEASURES:
        low, high = np.quantile(values[name], [0.025, 0.975])
        assert (found[name].low, found[name].high) == pytest.approx((low, high), abs=1e-12)
        assert found[name].n_resamples == 200


def test_equal_images_are_drawn_as_one():
    config = MaskEvaluationConfig(tolerance_px=())
    evaluator = MaskEvaluator(config)
    for name in ("a", "copy of a"):
        evaluator.add(name, "a", np.full((2, 2), 0.9, np.float32), np.ones((2, 2), bool))
    intervals = evaluator.result().intervals
    assert math.isnan(intervals["iou"].low)
    assert intervals["iou"].n_resamples == 0


def test_draws_in_which_a_measure_is_undefined_are_left_out_of_it():
    found = scored(GOOD, EMPTY, bootstrap_resamples=400).intervals
    assert 250 < found["iou"].n_resamples < 350  # three of four draws hold the first image
    assert found["accuracy"].n_resamples == 400
    assert math.isnan(scored(EMPTY, EMPTY).intervals["iou"].low)


def test_the_interval_of_the_main_measure_stands_among_the_metrics():
    found = scored(*drawn(9))
    assert found.metrics["val_iou_low"] == found.intervals["iou"].low
    assert found.metrics["val_iou_low"] < found.metrics["val_iou"] < found.metrics["val_iou_high"]


def test_the_interval_covers_about_as_often_as_it_says():
    """Images whose IoU is known in the mean: 100 splits of 30 images, 95 % intervals."""
    rng = np.random.default_rng(5)
    population = scored(*drawn(400, seed=9, shape=(6, 6)), tolerance_px=()).images
    truth = sum((one.counts for one in population), PixelCounts()).iou
    covered = 0
    for _ in range(100):
        some = [population[i] for i in rng.choice(len(population), 30)]
        interval = mask_intervals(some, rng=rng, n_resamples=200)["iou"]
        covered += interval.low <= truth <= interval.high
    assert 0.86 <= covered / 100 <= 0.99
