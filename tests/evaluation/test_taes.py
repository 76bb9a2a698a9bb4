"""What TAES gives for situations drawn by hand; NEDC EEG Eval 6.0.0 gave these numbers."""

import pytest

from neurorun.core import Event, Timeline
from neurorun.evaluation import score_events

pytestmark = pytest.mark.unit


def seizures(reference, detected, method, duration_s=600.0):
    def timeline(bounds):
        return Timeline("r", duration_s, tuple(Event(*pair) for pair in bounds))

    tally = score_events(timeline(reference), timeline(detected), method=method).counts.of("seiz")
    return tally.targets, tally.hits, tally.misses, tally.false_alarms


BOTH = pytest.mark.parametrize("method", ["taes", "taes-overlap"])


@BOTH
@pytest.mark.parametrize(
    ("reference", "detected", "expected"),
    [
        # reference    |----|
        # detected     |----|
        pytest.param([(100, 160)], [(100, 160)], (1, 1, 0, 0), id="equal"),
        # reference    |----|
        # detected     |--|
        pytest.param([(100, 160)], [(100, 130)], (1, 0.5, 0.5, 0), id="ends-early"),
        # reference      |----|
        # detected     |------|
        pytest.param([(100, 160)], [(85, 160)], (1, 1, 0, 0.25), id="begins-early"),
        # reference    |----|
        # detected       |------|
        pytest.param([(100, 160)], [(130, 190)], (1, 0.5, 0.5, 0.5), id="late"),
        # reference        ||
        # detected     |---------|
        pytest.param([(100, 110)], [(0, 600)], (1, 1, 0, 1), id="overhang-counts-one-at-most"),
        # reference    |----|
        # detected           |----|
        pytest.param([(100, 160)], [(160, 200)], (1, 0, 1, 1), id="touching-is-a-miss"),
        # reference    |--|  |--|  |--|
        # detected      |-----------|
        pytest.param(
            [(100, 110), (120, 130), (140, 150)], [(105, 145)], (3, 0.5, 2.5, 1), id="first-is-hit"
        ),
        # reference    |----------|
        # detected      |-|   |-|
        pytest.param([(100, 200)], [(110, 120), (150, 180)], (1, 0.4, 0.6, 0), id="two-inside"),
        # reference    |------|      |------|
        # detected         |------------| |-|   the second lies in a reference that is used up
        pytest.param(
            [(100, 140), (200, 240)], [(120, 220), (230, 240)], (2, 0.5, 1.5, 2), id="bridge"
        ),
        pytest.param([], [(10, 20)], (0, 0, 0, 1), id="nothing-to-find"),
        pytest.param([(10, 20)], [], (1, 0, 1, 0), id="nothing-detected"),
    ],
)
def test_fractions(reference, detected, expected, method):
    assert seizures(reference, detected, method) == pytest.approx(expected, abs=1e-12)


class TestEventsInOneSecond:
    GAP = ((10, 20.2), (20.8, 30))

    def test_meet_in_the_original_and_cost_misses_even_against_themselves(self):
        hits = (2, 0.9411764705882356, 3.0588235294117645, 0.9607843137254902)
        assert seizures(self.GAP, self.GAP, "taes") == pytest.approx(hits)

    def test_are_perfect_against_themselves_where_sharing_time_decides(self):
        assert seizures(self.GAP, self.GAP, "taes-overlap") == (2, 2, 0, 0)


class TestTimeWithoutEeg:
    """Gaps are closed before `taes-overlap`; the published methods know none."""

    def score(self, reference, detected, gaps, method="taes-overlap"):
        night = Timeline("r", 1000.0, tuple(Event(*pair) for pair in reference), gaps)
        found = Timeline("r", 1000.0, tuple(Event(*pair) for pair in detected))
        return score_events(night, found, method=method)

    def test_counts_neither_as_target_nor_as_false_alarm(self):
        score = self.score([(110, 120)], [(150, 160)], ((100.0, 200.0),))
        assert score.measures["false_alarms_per_24h"] == 0
        assert score.counts.of("seiz").targets == 0

    def test_is_no_time_in_which_false_alarms_could_happen(self):
        score = self.score([], [(500, 510)], ((0.0, 200.0),))
        assert score.duration_s == 800
        assert score.false_alarms_per_24h == 108

    def test_is_not_covered_and_need_not_be(self):
        score = self.score([(90, 210)], [(90, 100)], ((100.0, 200.0),))
        assert score.sensitivity == 0.5

    def test_joins_events_that_only_it_divides(self):
        score = self.score([(90, 100), (200, 210)], [(90, 210)], ((100.0, 200.0),))
        assert score.counts.of("seiz").targets == 1
        assert score.sensitivity == 1

    @pytest.mark.parametrize("method", ["taes", "overlap", "dp", "epoch"])
    def test_is_time_like_any_other_to_published_methods(self, method):
        score = self.score([], [(500, 510)], ((0.0, 200.0),), method)
        assert score.duration_s == 1000
