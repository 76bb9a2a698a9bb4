import dataclasses

import pytest

from neurorun.reporting import tables
from neurorun.runs import ConfusionMatrix, SplitScores, amend_run, resume_run
from neurorun.runs.environment import Gpu, TorchBuild

pytestmark = pytest.mark.unit


@pytest.fixture
def facts(finished, facts_of):
    return facts_of(finished)


def test_metrics_of_operating_points_stand_in_their_own_table(facts):
    lines = tables.score_lines(facts)
    assert [line.name for line in lines] == ["sensitivity", "false_alarms_per_24h", "auroc"]
    assert lines[1].unit == "per 24 h"
    assert [line.monitored for line in lines] == [False, False, True]
    (line,) = tables.point_lines(facts)
    assert (line.allowed, line.values) == ("10", ("0.900", "0.820", "0.500", "8.000"))
    assert tables.point_definition(facts) == (
        "The sensitivity of the first row is sensitivity_at_10fa: Found share at 10 false alarms "
        "per 24 h."
    )


def test_without_operating_points_their_metrics_stand_among_the_others(facts):
    lines = tables.score_lines(dataclasses.replace(facts, points=()))
    assert [line.name for line in lines][3:] == [
        "sensitivity_at_10fa",
        "false_alarms_per_24h_at_10fa",
    ]


def test_other_splits_stand_beside_validation(finished, facts_of):
    measured = {"sensitivity": float("nan"), "sensitivity_at_10fa": 0.25}
    with amend_run(finished) as run:
        run.write_scores(SplitScores("test", 2, measured, {}))
    facts = facts_of(finished)
    values = {line.name: line.values for line in tables.score_lines(facts)}
    assert values["sensitivity"] == ("0.750", "undefined")
    assert values["auroc"] == ("0.900", "not measured")
    (line,) = tables.point_lines(facts)
    assert line.values[-2:] == ("0.250", "not measured")


def test_a_point_whose_rate_is_no_metric_has_none(facts):
    metrics = facts.record.metrics[:4]
    record = dataclasses.replace(facts.record, metrics=metrics)
    scores = {"test": SplitScores("test", 2, {"sensitivity_at_10fa": 0.25}, {})}
    (line,) = tables.point_lines(dataclasses.replace(facts, record=record, scores=scores))
    assert line.values[-2:] == ("0.250", "not measured")


def test_a_point_of_an_undeclared_metric_is_told_by_its_method(make, facts):
    points = (dataclasses.replace(make.point(), metric="found"),)
    facts = dataclasses.replace(facts, points=points)
    assert tables.point_definition(facts) == (
        "Events are counted by overlap (NEDC EEG Eval 6.0.0)."
    )
    assert len(tables.score_lines(facts)) == 5


def test_an_unreachable_point_has_no_values(make, facts):
    facts = dataclasses.replace(facts, points=(make.point(reached=False),))
    assert tables.point_lines(facts)[0].values == ()


def test_the_point_of_the_monitored_metric_is_marked(make, tmp_path, facts_of):
    folder = make.finished(tmp_path, monitor="sensitivity_at_10fa")
    assert tables.point_lines(facts_of(folder))[0].monitored


def test_confusion_of_samples_is_told_as_time(facts):
    table = tables.confusion_table(facts, as_time=True)
    assert table.as_time
    told = [(label, [(one.amount, one.percent) for one in row]) for label, row in table.rows]
    assert told == [
        ("background", [("1.0 h", "98.4 %"), ("1.0 min", "1.6 %")]),
        ("seizure", [("1.5 min", "25.0 %"), ("4.5 min", "75.0 %")]),
    ]


def test_confusion_of_items_is_told_as_counts_and_an_empty_class_has_no_shares(facts):
    matrix = ConfusionMatrix("validation", ("a", "b"), ((3000, 0), (0, 0)), "t", 2)
    table = tables.confusion_table(dataclasses.replace(facts, confusions=(matrix,)), as_time=False)
    assert not table.as_time
    assert [(one.amount, one.percent, one.share) for _, row in table.rows for one in row] == [
        ("3,000", "100 %", 1.0),
        ("0", "0 %", 0.0),
        ("0", "undefined", 0.0),
        ("0", "undefined", 0.0),
    ]
    assert tables.confusion_table(dataclasses.replace(facts, confusions=()), as_time=True) is None


def test_splits_and_windows_are_counted(facts):
    assert tables.split_lines(facts) == [("train", 1, 1), ("validation", 3, 1), ("test", 0, 0)]
    assert tables.example_sentences(facts, "window") == ["train: 3 full (3 windows)"]
    assert tables.split_lines(dataclasses.replace(facts, splits=None)) == []


@pytest.mark.parametrize(
    ("caches", "left_out"),
    [
        ({"train": {"left_out": {"b": "short", "a": "flat"}}}, [("a", "flat"), ("b", "short")]),
        ({"train": {"left_out": {"a": "flat"}}, "validation": {"left_out": {"a": "flat"}}}, None),
        ({"train": "somewhere"}, []),
        ({"train": {"left_out": ["a"]}}, []),
        (["train"], []),
    ],
)
def test_recordings_that_were_left_out_are_listed(make, tmp_path, facts_of, caches, left_out):
    with make.begin(tmp_path, data_identity={"caches": caches}) as run:
        found = tables.left_out_items(facts_of(run.folder))
    assert found == ([("a", "flat")] if left_out is None else left_out)


def test_origin_says_what_is_not_known(make, tmp_path, facts_of):
    with make.begin(tmp_path, seed=None, command=[]) as run:
        lines = tables.origin_lines(facts_of(run.folder))
    assert lines["seed"] == lines["command"] == "not recorded"
    assert (lines["ended"], lines["training took"]) == ("not yet", "not measured")
    assert lines["taken up again"] == "never"
    assert lines["source"] == "not a git tree"


def test_origin_of_a_finished_run(facts):
    lines = tables.origin_lines(facts)
    assert lines["command"] == "neurorun train night.yaml"
    assert lines["started"].endswith(" UTC")
    assert lines["ended"].endswith(" UTC")
    assert lines["training took"] == "0 s"
    assert lines["seed"] == "7"
    assert "machine" not in tables.origin_lines(dataclasses.replace(facts, metadata=None))


def test_every_resumption_is_told(finished, facts_of):
    with resume_run(finished) as run:
        run.rewind(2)
    assert tables.origin_lines(facts_of(finished))["taken up again"].endswith("UTC after epoch 2")


def test_commit_and_graphics_processor_are_told(facts):
    torch = TorchBuild("2.9.1", "13.0", 8, deterministic=False, gpus=(Gpu("H200", 1),))
    metadata = dataclasses.replace(
        facts.metadata,
        environment=dataclasses.replace(facts.metadata.environment, torch=torch),
        source=dataclasses.replace(facts.metadata.source, commit="abc", state="changed"),
    )
    lines = tables.origin_lines(dataclasses.replace(facts, metadata=metadata))
    assert (lines["PyTorch"], lines["GPU"], lines["source"]) == (
        "2.9.1",
        "H200",
        "commit abc, changed",
    )
