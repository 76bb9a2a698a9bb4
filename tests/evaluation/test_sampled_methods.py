"""EPOCH and kappa: where samples lie, what a border is, what undefined is."""

import math

import pytest

from neurorun.core import Event, Timeline
from neurorun.evaluation import nedc_tables, score_events
from neurorun.evaluation.agreement import class_kappa, multi_class_kappa

pytestmark = pytest.mark.unit


def score(reference, detected, method="epoch", duration_s=10.0):
    sides = (Timeline("r", duration_s, tuple(Event(*b) for b in s)) for s in (reference, detected))
    return score_events(*sides, method=method)


@pytest.mark.parametrize(
    ("reference", "detected", "duration_s", "expected"),
    [
        pytest.param([(1, 3)], [(1, 3)], 10.0, ((8, 0), (0, 32)), id="equal"),
        pytest.param([(1, 3)], [(2, 4)], 10.0, ((4, 4), (4, 28)), id="shifted"),
        pytest.param(
            [(1.125, 2)], [], 10.0, ((0, 3), (0, 37)), id="border-is-of-the-earlier-event"
        ),
        pytest.param([(1, 2.125)], [], 10.0, ((0, 5), (0, 35)), id="border-at-the-end"),
        pytest.param([(0, 30.125)], [], 30.125, ((0, 121), (0, 0)), id="last-sample-at-the-end"),
        pytest.param([(1.13, 1.37)], [], 10.0, ((0, 0), (0, 40)), id="between-samples"),
        pytest.param([(0, 0.1)], [], 0.1, ((0, 0), (0, 0)), id="ends-before-its-first-sample"),
    ],
)
def test_samples_lie_every_quarter_second(reference, detected, duration_s, expected):
    table = score(reference, detected, duration_s=duration_s).counts.confusion
    found = tuple(tuple(table[r][h] for h in ("seiz", "bckg")) for r in ("seiz", "bckg"))
    assert found == expected


def test_times_finer_than_the_files_leave_no_sample_out():
    # the sample at 1.125 s lies between two events, the one at 3.125 s after the last
    events = [(1.0, 1.12496, "fnsz"), (1.12504, 3.0, "gnsz")]
    assert score(events, []).counts.of("seiz").targets == 7
    assert score([], [(1, 3.12496)], duration_s=3.12504).counts.of("seiz").false_alarms == 9


def test_false_alarms_per_day_are_seconds():
    assert score([], [(2, 4)], duration_s=86_400.0).false_alarms_per_24h == 2


class TestKappa:
    def test_of_equal_sides_is_one(self):
        assert score([(1, 3)], [(1, 3)], "ira").measures == {"kappa": 1, "multi_class_kappa": 1}

    def test_of_the_textbook(self):
        table = {"yes": {"yes": 20, "no": 5}, "no": {"yes": 10, "no": 15}}
        assert class_kappa(table, "yes") == pytest.approx(0.4)
        assert multi_class_kappa(table) == pytest.approx(0.4)

    def test_of_background_alone_is_undefined_and_one_in_the_table_of_nedc(self):
        background = score([], [], "ira")
        assert all(math.isnan(value) for value in background.measures.values())
        assert nedc_tables(background) == {"seiz": 1, "bckg": 1, "multi_class": 1}

    def test_without_samples_is_undefined(self):
        measures = score([], [], "ira", duration_s=0.1).measures
        assert all(math.isnan(value) for value in measures.values())

    def test_leaves_out_confusions_among_other_classes(self):
        table = {
            "a": {"a": 4, "b": 0, "c": 0},
            "b": {"a": 0, "b": 3, "c": 9},
            "c": {"a": 0, "b": 9, "c": 3},
        }
        assert class_kappa(table, "a") == 1
        assert multi_class_kappa(table) == pytest.approx((28 * 10 - 304) / (28 * 28 - 304))

    def test_has_no_rate_and_no_ratio(self):
        agreement = score([(1, 3)], [(1, 3)], "ira")
        assert math.isnan(agreement.sensitivity)
        assert math.isnan(agreement.false_alarms_per_24h)
