import math

import pytest

from neurorun.reporting.facts import read_facts
from neurorun.runs import SplitScores, amend_run, open_run

pytestmark = pytest.mark.unit

PARTS = (
    ("config.yaml", "settings"),
    ("metadata.json", "metadata"),
    ("metrics/metrics.jsonl", "epochs"),
    ("predictions_eval.csv", "scored recordings"),
    ("splits.json", "splits"),
    ("class_distributions.json", "counts of examples"),
    ("operating_points.json", "operating points"),
    ("fa_curve.json", "curve of false alarms"),
    ("confusion_matrices.json", "confusion matrices"),
    ("previews/ann_1.npz", "strip of ann_1"),
    ("events/ann_1_events.tsv", "events"),
)


def test_a_finished_run_is_told_whole(finished, facts_of):
    facts = facts_of(finished)
    assert facts.damaged == {}
    assert facts.best.epoch == 2
    assert {metric.name: value for metric, value in facts.validation.items()}["auroc"] == 0.9
    assert [strip.recording_id for strip in facts.kept["validation"].strips] == ["ann_1", "bob_1"]
    assert facts.kept["validation"].detected["bob_1"][0].onset_s == 125
    assert facts.threshold == 0.86


@pytest.mark.parametrize(("name", "what"), PARTS)
def test_a_damaged_part_is_named_and_left_out(finished, facts_of, name, what, caplog):
    (finished / name).write_text("not what was written\n{\n")
    facts = facts_of(finished)
    assert list(facts.damaged) == [what]
    assert str(finished) not in facts.damaged[what]
    assert f"The report goes without the {what}" in caplog.text


@pytest.mark.parametrize(("name", "what"), PARTS[:2])
def test_the_absence_of_what_every_run_has_is_damage(finished, facts_of, name, what):
    (finished / name).unlink()
    assert list(facts_of(finished).damaged) == [what]


@pytest.mark.parametrize("name", [name for name, _ in PARTS[4:]])
def test_the_absence_of_what_a_run_may_lack_is_no_damage(finished, facts_of, name):
    (finished / name).unlink()
    assert facts_of(finished).damaged == {}


def test_damaged_scores_of_another_split_are_named(finished, facts_of):
    with amend_run(finished) as run:
        run.write_scores(SplitScores("test", 2, {"auroc": 0.8}, {}))
    assert facts_of(finished).scores["test"].metrics == {"auroc": 0.8}
    next((finished / "metrics").glob("test*")).write_text("{}")
    assert list(facts_of(finished).damaged) == ["scores on test"]


def test_validation_is_told_by_its_epochs_alone(finished, facts_of):
    with amend_run(finished) as run:
        run.write_scores(SplitScores("validation", 2, {"auroc": 0.1}, {}))
    assert facts_of(finished).scores == {}


def test_settings_of_other_tasks_are_absent_not_wrong(make, tmp_path):
    config = {"experiment": "x", "postprocessing": {"hysteresis": {"tau_on": "high"}}}
    with make.begin(tmp_path, config=config) as run:
        facts = read_facts(open_run(run.folder))
    assert facts.setting("experiment.description") is None
    assert facts.threshold is None
    assert facts.best is None
    assert facts.validation == {}


def test_what_a_row_lacks_is_not_measured(make, tmp_path):
    with make.begin(tmp_path, metrics=make.metrics[:3]) as run:
        run.log_epoch(1, {"auroc": 0.5})
    values = read_facts(open_run(run.folder)).validation
    assert values[make.metrics[2]] == 0.5
    assert math.isnan(values[make.metrics[0]])
