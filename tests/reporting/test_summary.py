import dataclasses

import pytest

from neurorun.reporting.sections import ANY_PAGE, page_of_task
from neurorun.reporting.sections.seizure_detection import signal_in_words
from neurorun.reporting.summary import (
    headlines,
    honesty_sentence,
    status_sentence,
    summary_sentences,
)
from neurorun.runs import Splits

pytestmark = pytest.mark.unit


def told(facts) -> list[str]:
    return summary_sentences(facts, page_of_task(facts))


def run_with_rows(make, folder, rows, **changes):
    points = changes.pop("points", None)
    with make.begin(folder, **changes) as run:
        run.log_epoch(1, make.values)
        make.fill(run, rows=rows, strips=(), points=points)
    return run.folder


def test_a_finished_run_is_told_in_four_sentences(finished, facts_of):
    assert " ".join(told(facts_of(finished))) == (
        "The detector was validated on 3 recordings of 3 patients: 3.0 h of EEG with 5 seizures. "
        "It found 4 of the 5 seizures and raised 3 false alarms (6.000 per 24 hours), at the "
        "configured threshold of 0.86. With a threshold of 0.9 it raises at most 10 false alarms "
        "per 24 hours and finds 50.0 % of the seizures; that threshold was chosen on these same "
        "recordings. None of these patients was trained on."
    )


@pytest.mark.parametrize(
    ("found", "seizures", "words"),
    [
        (0, 0, "It had no seizure to find and raised 1 false alarm"),
        (1, 1, "It found the only seizure and raised 1 false alarm"),
        (0, 1, "It missed the only seizure and raised 1 false alarm"),
        (0, 2, "It found 0 of the 2 seizures and raised 1 false alarm"),
    ],
)
def test_few_seizures_are_told_in_english(make, tmp_path, facts_of, found, seizures, words):
    rows = [make.row("ann_1", seizures=seizures, found=found, alarms=1)]
    assert any(one.startswith(words) for one in told(facts_of(run_with_rows(make, tmp_path, rows))))


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([], None),
        ([(1.0, True)], "With a threshold of 0.9 it raises at most 1 false alarm per 24 hours"),
        ([(10.0, True), (2.5, True)], "With a threshold of 0.9 it raises at most 2.5 false alarms"),
        ([(10.0, True), (1.0, False)], "With a threshold of 0.9 it raises at most 10 false alarms"),
        ([(1.0, False)], "No threshold kept to any of the stated rates of false alarms."),
    ],
)
def test_the_strictest_point_that_was_reached_is_told(make, tmp_path, facts_of, points, words):
    chosen = [make.point(rate, reached=reached) for rate, reached in points]
    rows = [make.row("ann_1", seizures=1, found=1, alarms=0)]
    sentences = told(facts_of(run_with_rows(make, tmp_path, rows, points=chosen)))
    assert any(one.startswith(words) for one in sentences) if words else len(sentences) == 3


def test_rates_that_a_short_validation_cannot_tell_apart_are_told(make, tmp_path, facts_of):
    rows = [make.row("ann_1", seizures=1, found=1, alarms=0)]
    for rate, is_told in ((23.9, True), (24.0, False)):
        folder = tmp_path / f"{rate:g}"
        folder.mkdir()
        facts = facts_of(run_with_rows(make, folder, rows, points=[make.point(rate)]))
        remark = (
            "But these are 1.0 h only, in which a single false alarm is 24.0 per 24 hours: lower "
            "rates cannot be told apart."
        )
        assert (remark in " ".join(told(facts))) == is_told


@pytest.mark.parametrize(
    ("preprocessing", "words"),
    [
        (
            {"montage": "10-20", "bandpass": [0.5, 60.0], "notch_freq": 50},
            "electrodes against the reference of the recording; 0.5 to 60 Hz, notch at 50 Hz.",
        ),
        (
            {"montage": "10-20", "bandpass": None, "notch_freq": 60, "rate": 120},
            "no band filter, no notch filter.",
        ),
        (
            {"montage": "double-banana", "bandpass": None, "notch_freq": None},
            "(double banana); no band filter, no notch filter.",
        ),
        ({"montage": ["Fp1", "Fp2"], "bandpass": [1, 70]}, "channels as the settings list them;"),
        ({}, ""),
    ],
)
def test_what_the_traces_are_is_told(finished, facts_of, preprocessing, words):
    config = {"preprocessing": preprocessing, "data": {"sampling_rate": preprocessing.get("rate")}}
    facts = dataclasses.replace(facts_of(finished), config=config)
    assert words in signal_in_words(facts)
    assert bool(signal_in_words(facts)) == bool(words)


def test_patients_on_both_sides_are_told(finished, facts_of):
    facts = facts_of(finished)
    both = Splits({"ann_1": "ann"}, {"ann_2": "ann", "bob_1": "bob"}, shared_patients=("ann",))
    for splits, sentence in (
        (both, "1 of these patients was trained on, too, so the scores are too good."),
        (None, "Whether some of these patients were trained on, too, is not recorded."),
    ):
        changed = dataclasses.replace(facts, splits=splits)
        assert honesty_sentence(changed, page_of_task(facts)) == sentence


def test_without_rate_and_threshold_neither_is_told(make, tmp_path, facts_of):
    rows = [make.row("ann_1", seizures=1, found=1, alarms=2)]
    folder = run_with_rows(
        make, tmp_path, rows, config={"task": "seizure_detection"}, metrics=make.metrics[2:3]
    )
    words = "It found the only seizure and raised 2 false alarms, at the configured threshold."
    assert words in told(facts_of(folder))


def test_a_run_that_goes_on_is_provisional(make, tmp_path, facts_of):
    with make.begin(tmp_path) as run:
        assert told(facts_of(run.folder)) == ["Nothing has been measured yet: no epoch has ended."]
        run.log_epoch(1, make.values)
        facts = facts_of(run.folder)
        assert status_sentence(facts) == (
            "This run is still going on: 1 of 3 planned epochs ended. Everything below is "
            "provisional."
        )
        assert told(facts) == [
            "The best epoch so far is 1, by auroc; no recording has been scored by itself."
        ]


def test_an_interrupted_run_says_how_to_go_on(make, tmp_path, facts_of):
    run = make.begin(tmp_path)
    run.log_epoch(1, make.values)
    with pytest.raises(KeyboardInterrupt), run:
        raise KeyboardInterrupt
    assert status_sentence(facts_of(run.folder)) == (
        "This run was interrupted: 1 of 3 planned epochs ended. The command neurorun train "
        "--resume, followed by its folder, goes on with it."
    )


def test_a_failed_run_says_with_what(make, tmp_path, facts_of):
    with pytest.raises(ZeroDivisionError), make.begin(tmp_path, config={}) as run:
        raise ZeroDivisionError("a bug")
    assert status_sentence(facts_of(run.folder)) == (
        "This run failed with ZeroDivisionError: a bug. Before that, 0 epochs ended."
    )


def test_a_completed_run_says_why_it_ended(make, tmp_path, facts_of):
    with make.begin(tmp_path) as run:
        run.finish("auroc did not improve for 5 epochs")
    sentence = "This run is complete: auroc did not improve for 5 epochs."
    assert status_sentence(facts_of(run.folder)) == sentence


def test_a_metric_that_was_never_defined_chose_nothing(make, tmp_path, facts_of):
    with make.begin(tmp_path) as run:
        for epoch in (1, 2):
            run.log_epoch(epoch, make.values | {"auroc": None})
    (sentence,) = told(facts_of(run.folder))
    assert sentence == (
        "Nothing has been scored: auroc, which chooses the best epoch, was undefined in each of 2 "
        "finished epochs."
    )


def test_epochs_that_cannot_be_read_are_not_told_as_none(finished, facts_of):
    (finished / "metrics/metrics.jsonl").write_text("{}\n{}\n")
    facts = facts_of(finished)
    assert told(facts) == ["What was measured cannot be read, so nothing is told of it."]


def test_a_run_that_died_with_unreadable_epochs_claims_no_number(make, tmp_path, facts_of):
    with make.begin(tmp_path) as run:
        (run.folder / "metrics").mkdir()
        (run.folder / "metrics/metrics.jsonl").write_text("{}\n{}\n")
        sentence = status_sentence(facts_of(run.folder))
    assert "nobody knows how many epochs ended" in sentence


def test_headlines_are_the_figures_asked_for_first(finished, facts_of):
    facts = facts_of(finished)
    found = headlines(facts, page_of_task(facts))
    assert [(one.name, one.value, one.remark) for one in found] == [
        ("sensitivity", "0.750", "4 of 5 seizures"),
        ("false alarms per 24 h", "6.000", "3 in 3.0 h"),
        ("AUROC", "0.900", "chose the best epoch"),
        ("sensitivity at 10fa", "0.500", "higher is better"),
    ]


def test_headlines_of_other_runs_are_their_own_metrics(make, tmp_path, facts_of):
    with make.begin(tmp_path, metrics=make.metrics[2:4], monitor="sensitivity_at_10fa") as run:
        run.log_epoch(1, {"sensitivity_at_10fa": 0.5, "auroc": None})
    found = headlines(facts_of(run.folder), ANY_PAGE)
    assert [(one.value, one.remark) for one in found] == [
        ("undefined", "higher is better"),
        ("0.500", "chose the best epoch"),
    ]


def test_without_a_best_epoch_there_are_no_headlines(make, tmp_path, facts_of):
    with make.begin(tmp_path) as run:
        assert headlines(facts_of(run.folder), ANY_PAGE) == []
