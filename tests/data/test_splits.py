import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import DataError
from neurorun.data.corpora import SurveyedEntry
from neurorun.data.splits import SplitConfig, Splits, make_splits

pytestmark = pytest.mark.unit


def entry(patient, number=0, *, n_seizures=0, minutes=10.0, split=None):
    name = f"{patient}_{number}"
    return SurveyedEntry(
        recording_id=name,
        patient=patient,
        path=Path(f"{name}.edf"),
        split=split,
        duration_s=minutes * 60,
        n_seizures=n_seizures,
    )


def corpus(n_patients=20, n_recordings=3, *, every=2):
    return [
        entry(f"p{i:02d}", r, n_seizures=(i % every == 0) * r, minutes=5 + 3 * ((i + r) % 4))
        for i in range(n_patients)
        for r in range(n_recordings)
    ]


def patients_of(names):
    return {name.partition("_")[0] for name in names}


def hours(entries, names):
    return sum(e.duration_s for e in entries if e.recording_id in names) / 3600


corpora = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 3), st.floats(1, 90)), min_size=6, max_size=30
).map(
    lambda rows: [
        entry(f"p{i:02d}", r, n_seizures=n + (i < 3), minutes=minutes)
        for i, (n_recordings, n, minutes) in enumerate(rows)
        for r in range(n_recordings)
    ]
)


@settings(max_examples=30, deadline=None)
@given(entries=corpora, seed=st.integers(0, 9), shuffle=st.randoms(use_true_random=False))
def test_no_patient_is_divided_nothing_is_lost_and_order_does_not_matter(entries, seed, shuffle):
    config = SplitConfig(split_seed=seed, test_split=0.2)
    splits = make_splits(entries, config)
    members = [splits.of(name) for name in ("train", "validation", "test")]
    assert sorted(name for names in members for name in names) == sorted(
        e.recording_id for e in entries
    )
    groups = [patients_of(names) for names in members]
    assert sum(map(len, groups)) == len(set.union(*groups))
    mixed = list(entries)
    shuffle.shuffle(mixed)
    assert make_splits(mixed, config) == splits


@settings(max_examples=30, deadline=None)
@given(entries=corpora, seed=st.integers(0, 9))
def test_every_split_has_a_seizure(entries, seed):
    splits = make_splits(entries, SplitConfig(split_seed=seed, test_split=0.2))
    seizures = {e.recording_id: e.n_seizures for e in entries}
    for name in ("train", "validation", "test"):
        assert sum(seizures[r] for r in splits.of(name)) > 0


@pytest.mark.parametrize("measure", ["duration", "recordings"])
def test_shares_are_kept_for_time_and_for_seizures(measure):
    entries = corpus(60)
    splits = make_splits(entries, SplitConfig(split_measure=measure, test_split=0.1))
    total = hours(entries, {e.recording_id for e in entries})
    seizures = {e.recording_id: e.n_seizures for e in entries}
    for name, share in (("train", 0.7), ("validation", 0.2), ("test", 0.1)):
        assert hours(entries, splits.of(name)) / total == pytest.approx(share, abs=0.05)
        part = sum(seizures[r] for r in splits.of(name)) / sum(seizures.values())
        assert part == pytest.approx(share, abs=0.05)


def test_the_seed_decides():
    fingerprints = {
        make_splits(corpus(), SplitConfig(split_seed=seed)).fingerprint for seed in range(5)
    }
    assert len(fingerprints) == 5


def test_without_validation_all_is_training():
    splits = make_splits(corpus(), SplitConfig(validation_split=0))
    assert (len(splits.train), splits.validation, splits.test) == (60, (), ())


def test_too_few_patients_with_seizures_are_refused():
    entries = [entry("p1", n_seizures=2), entry("p2"), entry("p3")]
    with pytest.raises(
        DataError, match=r"has 1 patients with seizures; 2 are needed, one each for"
    ):
        make_splits(entries, SplitConfig())


def test_unlabelled_recordings_are_divided_by_patient_only():
    entries = [entry(f"p{i}", n_seizures=None) for i in range(10)]
    splits = make_splits(entries, SplitConfig())
    assert (len(splits.train), len(splits.validation)) == (8, 2)
    with pytest.raises(DataError, match="has 1 patients; 2 are needed"):
        make_splits(entries[:1], SplitConfig())


def official(**splits):
    return [entry(p, split=name) for name, patients in splits.items() for p in patients.split()]


def test_official_splits_are_taken_as_they_are():
    entries = official(train="a b", validation="c", test="d")
    splits = make_splits(entries, SplitConfig(split_policy="official_tusz"))
    assert splits.train == ("a_0", "b_0")
    assert (splits.validation, splits.test) == (("c_0",), ("d_0",))


def test_a_patient_in_two_official_splits_is_an_error():
    entries = [*official(train="a b", validation="c"), entry("a", 1, split="validation")]
    with pytest.raises(DataError, match=r"Patient 'a' has recordings in train and validation \(1"):
        make_splits(entries, SplitConfig(split_policy="official_tusz"))


@pytest.mark.parametrize(
    "entries",
    [official(train="a b"), [*official(train="a", validation="b"), entry("c")]],
    ids=["no-dev", "one-without"],
)
def test_an_official_split_must_be_complete(entries):
    with pytest.raises(
        DataError, match=r"The corpus has \d train, \d validation, 0 test and \d rec"
    ):
        make_splits(entries, SplitConfig(split_policy="official_tusz"))


def test_recordings_held_out_by_the_corpus_are_never_trained_on():
    entries = [*corpus(), *(entry(f"e{i}", split="test", n_seizures=1) for i in range(4))]
    for policy in ("grouped", "filewise"):
        splits = make_splits(entries, SplitConfig(split_policy=policy))
        assert splits.test == ("e0_0", "e1_0", "e2_0", "e3_0")
    with pytest.raises(DataError, match=r"test_split is 0.1, but the corpus has 4 test recordings"):
        make_splits(entries, SplitConfig(test_split=0.1))


def test_filewise_takes_the_first_fifth_of_the_files_and_warns(caplog):
    entries = [entry("aaa", n) for n in range(5)] + [entry("bbb", n) for n in range(5)]
    with caplog.at_level(logging.WARNING):
        splits = make_splits(entries, SplitConfig(split_policy="filewise"))
    assert splits.validation == ("aaa_0", "aaa_1")
    assert len(splits.train) == 8
    assert splits.shared_patients == ("aaa",)
    assert "1 patients lie in more than one split (policy filewise)" in caplog.text


def test_filewise_without_leak_does_not_warn(caplog):
    entries = [entry(f"p{i}") for i in range(10)]
    splits = make_splits(entries, SplitConfig(split_policy="filewise", test_split=0.2))
    assert (splits.validation, splits.test) == (("p0_0", "p1_0"), ("p2_0", "p3_0"))
    assert splits.shared_patients == ()
    assert not caplog.records


def test_a_limit_keeps_recordings_with_and_without_seizures():
    splits = make_splits(corpus(), SplitConfig(max_recordings=4))
    assert (len(splits.train), len(splits.validation)) == (4, 4)
    seizures = {e.recording_id: e.n_seizures for e in corpus()}
    assert [sum(seizures[r] > 0 for r in splits.of(name)) for name in ("train", "validation")] == [
        2,
        2,
    ]


def test_a_limit_of_hours_keeps_at_least_one_recording():
    entries = corpus()
    splits = make_splits(entries, SplitConfig(max_hours=1.0))
    assert 0.7 < hours(entries, splits.train) <= 1.0
    assert len(make_splits(entries, SplitConfig(max_hours=0.001)).train) == 1


def test_splits_survive_a_file():
    splits = make_splits(corpus(), SplitConfig())
    again = Splits.from_dict(splits.to_dict())
    assert again == splits
    assert again.fingerprint == splits.fingerprint


@pytest.mark.parametrize("change", [{"format": "other"}, {"format_version": 2}])
def test_splits_of_an_unknown_version_are_refused(change):
    values = make_splits(corpus(), SplitConfig()).to_dict() | change
    with pytest.raises(DataError, match=r"Splits have format '.*', version [12]; 'neurorun-"):
        Splits.from_dict(values)


def test_shares_must_leave_something_to_train_on():
    with pytest.raises(ValueError, match=r"validation_split 0.5 and test_split 0.5 leave nothing"):
        SplitConfig(validation_split=0.5, test_split=0.5)


def test_recordings_that_cannot_be_read_are_dealt_too():
    broken = [entry(f"x{i}", n_seizures=None, minutes=0) for i in range(3)]
    splits = make_splits([*corpus(), *broken], SplitConfig())
    assert len(splits.train) + len(splits.validation) == 63
    assert np.isfinite(hours(corpus(), splits.train))
