import io
import math

import numpy as np
import pytest
from PIL import Image

from neurorun.core import Metric
from neurorun.reporting.facts import read_facts
from neurorun.reporting.page import render_report
from neurorun.reporting.sections.crack_segmentation import contents, remark, sentences
from neurorun.runs import ConfusionMatrix, SplitScores, create_run, open_run

pytestmark = pytest.mark.unit

NAN = math.nan
HOSTILE = "<script>alert(1)</script>"
METRICS = tuple(
    Metric(f"val_{name}", "higher", "1", name)
    for name in ("iou", "precision", "recall", "iou_low", "iou_high")
)
VALUES = {
    "val_iou": 0.5,
    "val_precision": 0.6,
    "val_recall": 0.75,
    "val_iou_low": 0.4,
    "val_iou_high": 0.61,
}


def row(name, tp, fp, fn, tn):
    union = tp + fp + fn
    return {
        "image": name,
        "group": name,
        "tp": tp,
        "fp": fp,
        "fn": fn,
        "tn": tn,
        "iou": tp / union if union else NAN,
        "precision": tp / (tp + fp) if tp + fp else NAN,
        "recall": tp / (tp + fn) if tp + fn else NAN,
    }


ROWS = [row(HOSTILE, 10, 20, 5, 965), row("empty", 0, 0, 0, 1000)]


def png():
    stream = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def make(tmp_path):
    """Make a run of the task; parts may be left out."""

    def build(*, rows=ROWS, tables=True, scored=True, values=VALUES):
        identity = {"left_out": {HOSTILE: "There is an image, but no mask of this name."}}
        with create_run(
            tmp_path,
            "cracks",
            config={"task": "crack_segmentation", "training": {"epochs": 1}},
            metrics=METRICS,
            monitor="val_iou",
            data_identity=identity,
        ) as record:
            record.log_epoch(1, {"train_loss": 0.5, "val_loss": 0.4, **values})
            if rows:
                record.write_predictions(rows)
                record.write_confusion_matrices(
                    [
                        ConfusionMatrix(
                            "validation",
                            ("background", "crack"),
                            ((1965, 20), (5, 10)),
                            "2026-01-01T00:00:00+00:00",
                            1,
                        )
                    ]
                )
            if tables:
                record.write_table(
                    "intervals",
                    [{"measure": "iou", "value": 0.5, "low": 0.4, "high": 0.61, "n_images": 2}],
                    caption="Intervals of two images.",
                )
                record.write_table(
                    "threshold_curve",
                    [
                        {
                            "threshold": t,
                            "iou": 0.5,
                            "precision": NAN if t > 0.8 else 0.6,
                            "recall": 0.7,
                        }
                        for t in (0.1, 0.5, 0.9)
                    ],
                    caption="Every threshold of two images.",
                )
                record.write_table(
                    "chosen_threshold", [{"threshold": 0.35, "iou": 0.52}], caption="Chosen."
                )
                record.write_table("further", [{"a": 1}], caption="Something else.")
                record.write_picture(HOSTILE, png(), caption=f"{HOSTILE}: bad")
            if scored:
                record.write_scores(SplitScores("test", 1, dict(VALUES, val_iou=0.55), {}))
        return open_run(record.folder)

    return build


def test_the_page_tells_how_much_was_validated_and_shared(make):
    told = sentences(read_facts(make()))
    interval = "(95 % interval over images 40.0 % to 61.0 %)"
    extent = "The network was validated on 2 images of 2,000 pixels, 0.8 % of them marked as crack."
    shared = f"Prediction and mask share 50.0 % {interval} of the area that either covers."
    assert told == [extent, shared, f"On the test images it is 55.0 % {interval}."]


def test_an_undefined_interval_is_not_told(make):
    values = dict(VALUES, val_iou_low=NAN, val_iou_high=NAN)
    told = sentences(read_facts(make(values=values, scored=False)))
    assert told[-1] == "Prediction and mask share 50.0 % of the area that either covers."


def test_remarks_give_the_counts_behind_the_figures(make):
    facts = read_facts(make())
    by_name = {metric.name: remark(metric, facts) for metric in METRICS}
    assert by_name["val_iou"] == "95 % interval over images 40.0 % to 61.0 %"
    assert by_name["val_precision"] == "10 of 30 predicted pixels"
    assert by_name["val_recall"] == "10 of 15 marked pixels"
    assert by_name["val_iou_low"] == ""


def test_the_whole_page_is_there_and_hostile_names_are_harmless(make):
    page = render_report(make())
    for text in (
        "Intervals of two images.",
        "is 0.35 (0.520); it is kept for the test images",
        "hits in green",
        "Something else.",
        "There is an image, but no mask of this name.",
        "data:image/png;base64,",
        "undefined",
    ):
        assert text in page
    assert HOSTILE not in page


def test_without_its_material_the_page_says_what_is_missing(make):
    run = make(rows=(), tables=False, scored=False)
    assert sentences(read_facts(run)) == []
    assert "No image has been scored by itself." in render_report(run)
    assert contents(read_facts(run))["curve"] is None


def test_rows_of_another_kind_are_counted_only(make):
    run = make(rows=[{"item": "a", "score": 0.5}])
    assert sentences(read_facts(run)) == []
    assert "1 item of validation was scored" in render_report(run)
    metric = next(metric for metric in METRICS if metric.name == "val_recall")
    assert remark(metric, read_facts(run)) == ""


def test_an_undefined_threshold_is_neither_told_nor_drawn(make, tmp_path):
    run = make()
    (run.path / "tables/chosen_threshold.csv").write_text("threshold,iou\n,\n")
    found = contents(read_facts(open_run(run.path)))
    assert found["chosen"] == ""
    assert found["curve"]
