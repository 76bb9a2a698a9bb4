"""The fast algorithms against the rules written out word by word, on random pairs.

The functions named `literal_*` follow the rules of the original programs as simply as can be: sets
of seconds, one label per sample, the whole table of edit costs. They share no code with the
package.
"""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from timescoring.annotations import Annotation
from timescoring.scoring import EventScoring, SampleScoring

from neurorun.core import Event, Timeline
from neurorun.evaluation import (
    EventClasses,
    dp_alignment,
    nedc_tables,
    score_events,
    score_recordings,
)
from neurorun.evaluation.dp_alignment import align
from neurorun.evaluation.tiling import ScoringPair

pytestmark = pytest.mark.unit

LABELS = EventClasses.from_lists({"seiz": ["fnsz", "gnsz"], "bckg": ["bckg"], "art": ["art"]})


@st.composite
def timelines(draw, duration, unit, labels):
    """Events on a grid of 1/unit s; they may touch, and background may be written or not."""
    cuts = sorted(draw(st.sets(st.integers(0, duration * unit), max_size=14)))
    kinds = draw(st.lists(st.sampled_from([None, *labels]), min_size=15, max_size=15))
    events = [
        Event(first / unit, stop / unit, label)
        for first, stop, label in zip(cuts, cuts[1:], kinds, strict=False)
        if label is not None
    ]
    return Timeline("r", float(duration), tuple(events))


@st.composite
def pairs(draw, labels=("seiz", "bckg"), longest=40):
    unit = draw(st.sampled_from([1, 2, 4, 8, 10_000]))
    duration = draw(st.integers(1, longest))
    side = timelines(duration, unit, labels)
    return draw(side), draw(side)


def literal_tiling(timeline, class_of):
    listed, clock = [], 0.0
    for event in timeline.events:
        if clock != event.onset_s:
            listed.append([clock, event.onset_s, "bckg"])
        listed.append([event.onset_s, event.offset_s, event.label])
        clock = event.offset_s
    if clock != timeline.duration_s:
        listed.append([clock, timeline.duration_s, "bckg"])
    merged = []
    for row in listed:
        if merged and merged[-1][2] == row[2]:
            merged[-1][1] = row[1]
        else:
            merged.append(row)
    return [(start, stop, class_of(label)) for start, stop, label in merged]


def seconds(event):
    return set(range(int(event[0]), int(event[1]) + 1))


def literal_neighbours(r, h):
    return bool(seconds(r) & seconds(h))


def literal_fractions(r, h):
    d = r[1] - r[0]
    if h[0] <= r[0] and h[1] <= r[1]:
        return (h[1] - r[0]) / d, min(1.0, (r[0] - h[0]) / d)
    if h[0] >= r[0] and h[1] >= r[1]:
        return (r[1] - h[0]) / d, min(1.0, (h[1] - r[1]) / d)
    if h[0] < r[0] and h[1] > r[1]:
        return 1.0, min(1.0, ((h[1] - r[1]) + (r[0] - h[0])) / d)
    return (h[1] - h[0]) / d, 0.0


def literal_taes(ref, hyp, neighbours):  # noqa: C901 - the rules in one piece, as published
    hits = misses = alarms = 0.0
    ref_free, hyp_free = [True] * len(ref), [True] * len(hyp)
    for i, r in enumerate(ref):
        if not ref_free[i] or not any(h[1] > r[0] and h[0] < r[1] for h in hyp):
            continue
        for j, h in enumerate(hyp):
            if not hyp_free[j] or not neighbours(r, h):
                continue
            ref_free[i] = hyp_free[j] = False
            hit, alarm = literal_fractions(r, h)
            miss = 1.0 - hit
            if h[1] >= r[1]:
                for k in range(i + 1, len(ref)):
                    if neighbours(ref[k], h):
                        ref_free[k] = False
                        miss += 1
            else:
                for k in range(j + 1, len(hyp)):
                    if neighbours(r, hyp[k]):
                        hyp_free[k] = False
                        more, more_alarm = literal_fractions(r, hyp[k])
                        hit, miss, alarm = hit + more, miss - more, alarm + more_alarm
            hits, misses, alarms = hits + hit, misses + miss, alarms + alarm
    for free in ref_free:
        misses += free
    for free in hyp_free:
        alarms += free
    return len(ref), hits, misses, alarms


def literal_labels(tiles, end):
    labels, i = [], 0
    while 0.125 + 0.25 * i <= end:
        t = 0.125 + 0.25 * i
        inside = [label for start, stop, label in tiles if start <= t <= stop]
        labels.append(inside[0] if inside else tiles[-1][2])
        i += 1
    return labels


def literal_alignment(ref, hyp):
    ref, hyp = ["", *ref, ""], ["", *hyp, ""]
    cost = {(0, j): (j, "i") for j in range(len(hyp))}
    cost |= {(i, 0): (i, "d") for i in range(len(ref))}
    cost[0, 0] = (0, "s")
    for i in range(1, len(ref)):
        for j in range(1, len(hyp)):
            best = (cost[i - 1, j - 1][0] + (ref[i] != hyp[j]), "s")
            for other in ((cost[i, j - 1][0] + 1, "i"), (cost[i - 1, j][0] + 1, "d")):
                if other[0] < best[0]:
                    best = other
            cost[i, j] = best
    aligned, i, j = [], len(ref) - 1, len(hyp) - 1
    while i or j:
        edit = cost[i, j][1]
        aligned.append((ref[i] if edit != "i" else None, hyp[j] if edit != "d" else None))
        i, j = i - (edit != "i"), j - (edit != "d")
    return [pair for pair in reversed(aligned) if pair != ("", "")]


@settings(max_examples=120, deadline=None)
@given(pairs(("fnsz", "gnsz", "bckg", "art")))
def test_tilings_fill_merge_and_map_as_the_original(pair):
    tiled = ScoringPair(*pair, LABELS)
    assert tiled.reference_tiling == tuple(literal_tiling(pair[0], LABELS.of))
    assert tiled.detected_tiling == tuple(literal_tiling(pair[1], LABELS.of))


@settings(max_examples=120, deadline=None)
@given(pairs(("fnsz", "gnsz", "bckg", "art")))
@pytest.mark.parametrize(
    ("method", "neighbours"),
    [
        ("taes", literal_neighbours),
        ("taes-overlap", lambda r, h: h[1] > r[0] and h[0] < r[1]),
    ],
)
def test_fractions_of_events_follow_the_rules(method, neighbours, pair):
    counts = score_events(*pair, method=method, classes=LABELS).counts
    sides = [literal_tiling(side, LABELS.of) for side in pair]
    for name, tally in counts.tallies.items():
        ref, hyp = ([tile for tile in side if tile[2] == name] for side in sides)
        found = (tally.targets, tally.hits, tally.misses, tally.false_alarms)
        wanted = literal_taes(ref, hyp, neighbours)
        assert found == (wanted if method == "taes" else pytest.approx(wanted, abs=1e-12))


@settings(max_examples=100, deadline=None)
@given(pairs(("fnsz", "gnsz", "bckg", "art")))
def test_whole_events_follow_the_rules(pair):
    counts = score_events(*pair, method="overlap", classes=LABELS).counts
    sides = [literal_tiling(side, LABELS.of) for side in pair]
    for name, tally in counts.tallies.items():
        ref, hyp = ([tile for tile in side if tile[2] == name] for side in sides)
        hits = sum(any(h[1] > r[0] and h[0] < r[1] for h in hyp) for r in ref)
        alarms = sum(not any(h[1] > r[0] and h[0] < r[1] for r in ref) for h in hyp)
        assert (tally.hits, tally.misses, tally.false_alarms) == (hits, len(ref) - hits, alarms)


@settings(max_examples=100, deadline=None)
@given(pairs(("fnsz", "bckg", "art")))
def test_samples_follow_the_rules(pair):
    counts = score_events(*pair, method="epoch", classes=LABELS).counts
    sides = [literal_tiling(side, LABELS.of) for side in pair]
    labels = [literal_labels(side, sides[0][-1][1]) for side in sides]
    table = {r: dict.fromkeys(LABELS.names, 0) for r in LABELS.names}
    for r, h in zip(*labels, strict=True):
        table[r][h] += 1
    assert counts.confusion == table


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.sampled_from("abc"), max_size=12),
    st.lists(st.sampled_from("abc"), max_size=12),
)
@example(list("ab"), list("aba"))
@example(list("bab"), list("aba"))
def test_alignments_follow_the_rules(reference, detected):
    assert align(reference, detected) == literal_alignment(reference, detected)


@pytest.mark.parametrize("first_band", [1, 64])
def test_alignments_of_long_sequences_follow_the_rules(first_band, monkeypatch):
    monkeypatch.setattr(dp_alignment, "_FIRST_BAND", first_band)
    rng = np.random.default_rng(5)
    reference = [str(label) for label in rng.choice(list("abcd"), 150)]
    detected = [str(label) for label in rng.choice(list("abcd"), 110)]
    assert align(reference, detected) == literal_alignment(reference, detected)


@st.composite
def seizures(draw, duration, unit):
    """Bounds of events apart from each other."""
    cuts = sorted(draw(st.sets(st.integers(0, duration * unit), max_size=16)))
    return [(a / unit, b / unit) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]


@st.composite
def seizure_pairs(draw):
    unit = draw(st.sampled_from([1, 10, 100, 10_000]))
    duration = draw(st.integers(20, 4000))
    return duration, draw(seizures(duration, unit)), draw(seizures(duration, unit))


def timeline(duration, bounds):
    return Timeline("r", float(duration), tuple(Event(a, b) for a, b in bounds))


@settings(max_examples=100, deadline=None)
@given(seizure_pairs())
@pytest.mark.parametrize(
    ("method", "scoring"), [("szcore-event", EventScoring), ("szcore-sample", SampleScoring)]
)
def test_szcore_counts_equal_timescoring(method, scoring, pair):
    duration, reference, detected = pair
    wanted = scoring(
        Annotation(reference, 10, duration * 10), Annotation(detected, 10, duration * 10)
    )
    score = score_events(timeline(duration, reference), timeline(duration, detected), method=method)
    check_szcore(score, wanted)


@settings(max_examples=100, deadline=None)
@given(seizure_pairs())
@pytest.mark.parametrize(
    ("method", "scoring"),
    [("szcore-event-1hz", EventScoring), ("szcore-sample-1hz", SampleScoring)],
)
def test_floored_szcore_counts_equal_timescoring_on_the_mask_of_epilepsy2bids(
    method, scoring, pair
):
    duration, *sides = pair
    masks = []
    for bounds in sides:
        mask = np.zeros(duration)
        for onset, offset in bounds:
            length = float(f"{offset - onset:.4f}")
            mask[int(onset) : int(onset + length)] = 1
        masks.append(mask)
    wanted = scoring(*(Annotation(mask, 1) for mask in masks))
    score = score_events(*(timeline(duration, bounds) for bounds in sides), method=method)
    check_szcore(score, wanted)


def check_szcore(score, wanted):
    counts = score.counts
    assert (counts.n_found, counts.n_false_alarms) == (wanted.tp, wanted.fp)
    assert (counts.n_reference, counts.n_samples) == (wanted.refTrue, wanted.numSamples)
    assert score.measures == pytest.approx(
        {
            "sensitivity": wanted.sensitivity,
            "precision": wanted.precision,
            "f1": wanted.f1,
            "false_alarms_per_24h": wanted.fpRate,
        },
        rel=1e-12,
        nan_ok=True,
    )


@settings(max_examples=120, deadline=None)
@given(pairs())
def test_hits_of_taes_overlap_lie_between_nothing_and_the_targets(pair):
    for tally in score_events(*pair).counts.tallies.values():
        assert 0 <= tally.hits <= tally.targets
        assert tally.hits + tally.misses == tally.targets
        assert tally.false_alarms >= 0


@settings(max_examples=50, deadline=None)
@given(pairs())
@pytest.mark.parametrize("method", ["taes-overlap", "overlap", "dp"])
def test_events_scored_against_themselves_are_perfect(method, pair):
    counts = score_events(pair[0], pair[0], method=method).counts
    for name in counts.classes:
        of_class = counts.of(name)
        assert of_class.hits == of_class.targets
        assert of_class.misses == of_class.false_alarms == 0


@settings(max_examples=50, deadline=None)
@given(pairs())
def test_swapping_the_sides_transposes_the_samples(pair):
    table = score_events(*pair, method="epoch").counts.confusion
    swapped = score_events(*pair[::-1], method="epoch").counts.confusion
    assert swapped == {r: {h: table[h][r] for h in table} for r in table}


@settings(max_examples=50, deadline=None)
@given(st.lists(pairs(), min_size=1, max_size=4))
@pytest.mark.parametrize("method", ["overlap", "epoch", "dp", "szcore-event", "szcore-sample"])
def test_counts_of_a_corpus_are_the_sums_of_its_recordings(method, corpus):
    named = [
        tuple(Timeline(str(i), side.duration_s, side.events) for side in pair)
        for i, pair in enumerate(corpus)
    ]
    report = score_recordings(named, methods=[method])
    singles = [score_events(*pair, method=method).counts.of("seiz") for pair in named]
    total = report.totals[method].counts.of("seiz")
    assert total.hits == sum(single.hits for single in singles)
    assert total.false_alarms == sum(single.false_alarms for single in singles)


@settings(max_examples=50, deadline=None)
@given(pairs(("seiz",)), st.integers(0, 30))
def test_a_shift_by_whole_seconds_leaves_the_seizures_of_taes_alone(pair, by_s):
    shifted = [
        Timeline("r", side.duration_s + 40, tuple(event.shifted(by_s) for event in side.events))
        for side in pair
    ]
    counts = score_events(*pair, method="taes").counts.of("seiz")
    later = score_events(*shifted, method="taes").counts.of("seiz")
    assert (later.targets, later.hits, later.misses, later.false_alarms) == pytest.approx(
        (counts.targets, counts.hits, counts.misses, counts.false_alarms), abs=1e-9
    )


@settings(max_examples=50, deadline=None)
@given(pairs())
@pytest.mark.parametrize("method", ["taes", "overlap", "epoch", "dp", "ira"])
def test_tables_of_nedc_have_no_undefined_value(method, pair):
    def numbers(table):
        for value in table.values():
            yield from numbers(value) if isinstance(value, dict) else [value]

    table = nedc_tables(score_events(*pair, method=method))
    assert all(not math.isnan(value) for value in numbers(table))
