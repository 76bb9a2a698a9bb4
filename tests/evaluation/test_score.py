import json
import math

import pytest

from neurorun.core import Event, ScoringError, Timeline, to_json
from neurorun.evaluation import (
    METHODS,
    EventClasses,
    methods_named,
    nedc_tables,
    score_events,
    score_recordings,
)
from neurorun.evaluation.measures import ClassCounts, derived_measures

pytestmark = pytest.mark.unit


def timeline(name, *bounds, duration_s=3600.0):
    return Timeline(name, duration_s, tuple(Event(*pair) for pair in bounds))


NIGHTS = [
    (timeline("n1", (100, 160)), timeline("n1", (130, 190), (900, 910))),
    (timeline("n2", (200, 260)), timeline("n2")),
    (timeline("n3"), timeline("n3", (50, 60))),
]
PATIENTS = {"n1": "anna", "n2": "anna", "n3": "bert"}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_says_whose_numbers_it_gives(method):
    score = score_events(*NIGHTS[0], method=method)
    assert (score.method, score.version) == (method, METHODS[method].version)
    assert any(digit in score.version for digit in "123456789")
    assert METHODS[method].definition.endswith(".")


def test_an_unknown_method_is_refused_with_the_nearest():
    with pytest.raises(
        ScoringError, match=r"There is no scoring method 'tase'\. Did you mean 'taes'"
    ):
        score_events(*NIGHTS[0], method="tase")


def test_undefined_measures_are_nan_and_null_in_files():
    score = score_events(timeline("x"), timeline("x"))
    assert math.isnan(score.sensitivity)
    assert math.isnan(score.precision)
    assert math.isnan(score.f1)
    assert score.false_alarms_per_24h == 0
    assert json.loads(to_json(score.to_dict()))["measures"]["seiz"]["sensitivity"] is None


def test_scores_of_different_methods_or_classes_do_not_add():
    taes = score_events(*NIGHTS[0], method="taes")
    with pytest.raises(
        ScoringError, match="Cannot add scores of 'taes' over seiz, bckg and of 'dp'"
    ):
        taes + score_events(*NIGHTS[0], method="dp")
    other = EventClasses.from_lists({"seiz": ["seiz"], "rest": ["bckg"]})
    with pytest.raises(ScoringError, match="over seiz, rest; both must be of one method"):
        taes + score_events(*NIGHTS[0], method="taes", classes=other)


def test_classes_may_be_more_than_two():
    classes = EventClasses.from_lists({"foc": ["fnsz"], "gen": ["gnsz"], "bckg": ["bckg"]})
    night = Timeline("x", 100.0, (Event(10, 20, "fnsz"), Event(30, 40, "gnsz")))
    found = Timeline("x", 100.0, (Event(10, 20, "gnsz"), Event(30, 40, "gnsz")))
    score = score_events(night, found, method="epoch", classes=classes)
    assert score.sensitivity == 0
    assert score.measures_of("gen")["sensitivity"] == 1
    assert score.counts.of("foc").true_negatives == 360
    aligned = score_events(night, found, method="dp", classes=classes).counts
    assert aligned.of("foc").misses == 1
    assert aligned.confusion["foc"]["gen"] == 1


class TestReport:
    def test_adds_counts_and_then_makes_rates(self):
        total = score_recordings(NIGHTS, methods=["overlap"]).totals["overlap"]
        counts = total.counts.of("seiz")
        assert (counts.targets, counts.hits, counts.false_alarms) == (2, 1, 2)
        assert (total.sensitivity, total.false_alarms_per_24h) == (0.5, 16)

    def test_keeps_the_scores_of_every_recording(self):
        report = score_recordings(NIGHTS, methods=["overlap"])
        found = {r.recording_id: r.scores["overlap"].sensitivity for r in report.recordings}
        assert found == pytest.approx({"n1": 1, "n2": 0, "n3": math.nan}, nan_ok=True)

    def test_averages_over_patients_for_whom_a_measure_is_defined(self):
        report = score_recordings(NIGHTS, methods=["szcore-event"], patients=PATIENTS)
        means = report.patient_means("szcore-event")
        assert (means["sensitivity"].mean, means["sensitivity"].n_patients) == (0.5, 1)
        assert (means["precision"].mean, means["precision"].n_patients) == (0.25, 2)
        assert means["false_alarms_per_24h"].mean == 18
        assert means["false_alarms_per_24h"].deviation == 6

    def test_has_undefined_means_where_a_measure_is_defined_for_nobody(self):
        report = score_recordings(NIGHTS[2:], methods=["szcore-event"], patients=PATIENTS)
        assert math.isnan(report.patient_means("szcore-event")["sensitivity"].mean)

    def test_needs_the_patients_for_means_over_them(self):
        report = score_recordings(NIGHTS, methods=["szcore-event"])
        assert not report.patients_known
        with pytest.raises(ScoringError, match="The patient of recording 'n1' is not known"):
            report.patient_means("szcore-event")

    def test_needs_the_patient_of_every_recording(self):
        with pytest.raises(ScoringError, match="Recording 'n2' has no entry in patients"):
            score_recordings(NIGHTS, patients={"n1": "anna"})

    def test_refuses_a_recording_that_occurs_twice(self):
        with pytest.raises(ScoringError, match="Recording 'n1' occurs twice"):
            score_recordings([NIGHTS[0], NIGHTS[0]])

    @pytest.mark.parametrize(("pairs", "methods"), [([], ["taes"]), (NIGHTS, [])])
    def test_of_nothing_is_refused(self, pairs, methods):
        with pytest.raises(ScoringError, match="leave nothing to score"):
            score_recordings(pairs, methods=methods)

    def test_gives_one_row_per_method(self):
        rows = score_recordings(NIGHTS, methods=["taes", "ira"]).table()
        assert [(row["method"], row["version"]) for row in rows] == [
            ("taes", "NEDC EEG Eval 6.0.0"),
            ("ira", "NEDC EEG Eval 6.0.0"),
        ]
        assert (rows[0]["targets"], "kappa" in rows[1]) == (2, True)

    def test_names_the_labels_of_its_classes(self):
        classes = EventClasses.from_lists({"seiz": ["seiz", "fnsz"], "bckg": ["bckg"]})
        report = score_recordings(NIGHTS, methods=["taes"], classes=classes)
        assert report.labels_of_class == {"seiz": ["seiz", "fnsz"], "bckg": ["bckg"]}

    def test_lists_the_labels_that_occurred_where_every_seizure_is_one_class(self):
        found = Timeline("x", 60.0, (Event(1, 2, "gnsz"), Event(5, 6, "nesz")))
        report = score_recordings([(timeline("x", duration_s=60.0), found)], methods=["taes"])
        assert report.labels_of_class == {"seiz": ["gnsz", "seiz"], "bckg": ["bckg", "nesz"]}
        assert report.totals["taes"].counts.of("seiz").false_alarms == 1


def test_all_stands_for_every_method_and_ours_comes_first():
    named = methods_named("all")
    assert set(named) == set(METHODS)
    assert named[0] == "taes-overlap"


class TestTablesOfNedc:
    def test_have_zeros_where_nothing_is_defined(self):
        tables = nedc_tables(score_events(timeline("x"), timeline("x"), method="overlap"))
        seizures = tables["labels"]["seiz"]
        assert (seizures["sensitivity"], seizures["miss_rate"], seizures["f1"]) == (0, 1, 0)

    def test_are_those_of_nedc_only(self):
        with pytest.raises(ScoringError, match="'szcore-event' is no method of NEDC"):
            nedc_tables(score_events(*NIGHTS[0], method="szcore-event"))


class TestMeasures:
    COUNTS = ClassCounts(
        targets=40, hits=30, misses=10, false_alarms=20,
        insertions=20, deletions=10, true_negatives=60, false_positives=20,
    )  # fmt: skip

    def test_of_a_textbook_table(self):
        measures = derived_measures(self.COUNTS, duration_s=43_200)
        assert measures == pytest.approx(
            {
                "sensitivity": 0.75,
                "specificity": 0.75,
                "precision": 0.6,
                "negative_predictive_value": 6 / 7,
                "miss_rate": 0.25,
                "false_positive_rate": 0.25,
                "false_discovery_rate": 0.4,
                "false_omission_rate": 1 / 7,
                "accuracy": 0.75,
                "misclassification_rate": 0.25,
                "prevalence": 1 / 3,
                "f1": 2 / 3,
                "mcc": (30 * 60 - 20 * 10) / math.sqrt(50 * 40 * 80 * 70),
                "false_alarms_per_24h": 40,
            }
        )

    def test_of_negative_hits_leave_the_correlation_undefined(self):
        counts = ClassCounts(
            targets=1, hits=-0.5, misses=2, false_alarms=0.25,
            insertions=0.25, deletions=2, true_negatives=1, false_positives=0.25,
        )  # fmt: skip
        assert math.isnan(derived_measures(counts, duration_s=60)["mcc"])
