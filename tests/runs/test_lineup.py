import json
import shutil
from dataclasses import replace

import pytest
import yaml

from neurorun.core import Metric, RunError
from neurorun.runs import (
    Splits,
    SplitScores,
    amend_run,
    create_run,
    items_of,
    line_up,
)

pytestmark = pytest.mark.unit

IOU = Metric("val_iou", "higher", "1", "Pooled.")
LOSS = Metric("val_loss", "lower", "1", "Mean.")
ROWS = ({"recording_id": "b_1", "patient": "b", "n_reference": 2, "tp": 3},
        {"recording_id": "c_1", "patient": "c", "n_reference": 1, "tp": 4})  # fmt: skip


@pytest.fixture
def make(tmp_path):
    def run(name, *, rows=ROWS, members=None, metrics=(IOU, LOSS), epochs=2, **settings):
        config = {
            "task": "cracks",
            "experiment": {"name": name, "seed": 0},
            "training": {"epochs": 2},
        }
        for key, value in settings.items():
            config.setdefault("experiment" if key == "seed" else "training", {})[key] = value
        if settings.get("task"):
            config["task"] = settings["task"]
        with create_run(
            tmp_path / "runs", name, config=config, metrics=metrics, monitor=metrics[0].name,
            source_dir=tmp_path, run_name="{experiment}", seed=settings.get("seed", 0),
        ) as made:  # fmt: skip
            if members is not None:
                made.write_splits(Splits({"a_1": "a"}, members))
            for epoch in range(1, epochs + 1):
                made.log_epoch(epoch, {metric.name: epoch / 4 for metric in metrics})
            if rows:
                made.write_predictions(rows)
        return made.folder

    return run


def test_runs_of_equal_settings_share_a_letter(make):
    folders = [
        make("x"), make("y", learning_rate=0.1), make("z", seed=1),
        make("w", learning_rate=0.1, seed=1),
    ]  # fmt: skip
    lineup = line_up(folders)
    assert [one.label for one in lineup.contenders] == ["A1", "B1", "A2", "B2"]
    assert {letter: len(members) for letter, members in lineup.settings.items()} == {"A": 2, "B": 2}
    assert lineup.differing == {
        "experiment.seed": (0, 0, 1, 1),
        "training.learning_rate": ("(absent)", 0.1, "(absent)", 0.1),
    }
    assert [metric.name for metric in lineup.metrics] == ["val_iou", "val_loss"]
    assert lineup.groups == {"b_1": "b", "c_1": "c"}
    assert lineup.contenders[0].metrics == {"val_iou": 0.5, "val_loss": 0.5}
    assert any("numbers on validation" in notice for notice in lineup.notices)


def test_the_test_split_is_compared_where_every_run_has_it(make):
    folders = [make("x"), make("y")]
    for folder, value in zip(folders, (0.5, 0.25), strict=True):
        with amend_run(folder) as run:
            run.write_scores(SplitScores("test", 2, {"val_iou": value}, {"overlap": "1"}))
            run.write_predictions(ROWS, split="test")
    lineup = line_up(folders)
    assert lineup.split == "test"
    assert [metric.name for metric in lineup.metrics] == ["val_iou"]
    assert [one.metrics["val_iou"] for one in lineup.contenders] == [0.5, 0.25]
    assert line_up(folders, split="validation").split == "validation"
    assert not any("too good" in notice for notice in lineup.notices)


def test_chosen_metrics_stand_in_the_order_asked(make):
    lineup = line_up([make("x"), make("y")], metrics=["val_loss"])
    assert [metric.name for metric in lineup.metrics] == ["val_loss"]


def changed(metric, **fields):
    return replace(metric, **fields)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "seizures"}, "has the task cracks, run 'y' has seizures; only runs of one task"),
        ({"metrics": (changed(IOU, definition="Other."), LOSS)},
         r"Metric 'val_iou' of run 'x' is: Pooled\. \(higher is better, unit 1\); of run 'y': O"),
        ({"metrics": (Metric("other", "higher", "1", ""),)}, "have no metric in common"),
        ({"epochs": 0, "rows": ()}, r"Run 'y' \(completed\) has no numbers on 'validation', only"),
        ({"members": {"b_1": "b", "d_1": "d"}, "rows": ()},
         "on 2 items of 'validation', run 'y' on 2, of which 1 are the same, for example 'c_1' in"),
        ({"members": {"b_1": "z", "c_1": "c"}, "rows": ()}, "which 2 are the same, of other pat"),
        ({"rows": ROWS[:1]}, "on 2 items of 'items', run 'y' on 1, of which 1 are the same"),
        ({"rows": ({**ROWS[0], "n_reference": 9}, ROWS[1])},
         "Item 'b_1' has n_reference 2 in run 'x' and 9 in run 'y': it was annotated differently"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_with_the_reason(make, changes, message):
    first = make("x", members={"b_1": "b", "c_1": "c"})
    with pytest.raises(RunError, match=message):
        line_up([first, make("y", **changes)])


def test_other_versions_of_a_scoring_method_are_refused(make):
    folders = [make("x"), make("y")]
    for folder, version in zip(folders, ("6.0.0", "5.2.1"), strict=True):
        with amend_run(folder) as run:
            run.write_scores(SplitScores("test", 2, {"val_iou": 0.5}, {"taes": version}))
    with pytest.raises(
        RunError, match=r"scored by taes 6\.0\.0, run 'y' by taes 5\.2\.1; only one"
    ):
        line_up(folders)


def test_one_run_and_the_same_run_twice_are_refused(make, tmp_path):
    folder = make("x")
    copy = shutil.copytree(folder, tmp_path / "copy")
    with pytest.raises(RunError, match="1 run was given; a comparison needs two"):
        line_up([folder])
    with pytest.raises(RunError, match="is the same run as"):
        line_up([folder, copy])
    with pytest.raises(
        RunError, match=r"'val_io' is not measured in all runs\. Did you mean 'val_iou'"
    ):
        line_up([folder, make("y")], metrics=["val_io"])


def test_what_limits_a_comparison_is_said(make):
    first, second = make("x"), make("y", rows=())
    record = second / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"status": "running"}))
    metadata = second / "metadata.json"
    told = json.loads(metadata.read_text())
    told["source"]["commit"] = "abc"
    metadata.write_text(json.dumps(told))
    notices = "\n".join(line_up([first, second]).notices)
    assert "Run A2 is interrupted; its numbers may still change." in notices
    assert "Run A2 kept no rows of single items on validation" in notices
    assert "Whether run A2 used the same items as the others was not recorded." in notices
    assert "different states of the source code" in notices
    metadata.write_text("{")
    line_up([first, second])


def test_groups_come_from_the_row_the_split_or_the_item_itself(make):
    rows = ({"image": "b_1", "group": "road"}, {"image": "c_1", "group": "road"})
    assert items_of(open_of(make("x", rows=rows)), "validation")[1] == ["road", "road"]
    bare = ({"image": "b_1", "tp": 1}, {"image": "c_1", "tp": 2})
    members = {"b_1": "b", "c_1": "c"}
    assert items_of(open_of(make("y", rows=bare, members=members)), "validation")[1] == ["b", "c"]
    assert items_of(open_of(make("z", rows=bare)), "validation")[1] == ["b_1", "c_1"]
    assert items_of(open_of(make("w", rows=())), "validation") == ([], [])
    doubled = ({"image": "b_1", "tp": 1}, {"image": "b_1", "tp": 2})
    assert items_of(open_of(make("v", rows=doubled)), "validation") == ([], [])


def open_of(folder):
    from neurorun.runs import open_run

    return open_run(folder)


def test_settings_that_change_nothing_do_not_make_another_letter(make):
    first, second = make("x"), make("y")
    path = second / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["experiment"] |= {"output_dir": "elsewhere", "wandb": {"enabled": True}}
    config["logging"] = {"log_every_n_steps": 3}
    path.write_text(yaml.safe_dump(config))
    assert list(line_up([first, second]).settings) == ["A"]
