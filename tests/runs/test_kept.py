"""What is kept of a split lies under its name, and validation's where it always was."""

import json

import numpy as np
import pytest

from neurorun.core import Event, RunError, Timeline
from neurorun.runs import (
    AttentionMap,
    ConfusionMatrix,
    Cortex,
    FaCurve,
    Kept,
    KeptEstimate,
    KeptWriter,
    Probabilities,
    SplitScores,
    Strip,
    amend_run,
    check_run,
    open_run,
)

pytestmark = pytest.mark.unit

SIGNAL = np.zeros((1, 8), np.float32)
CORTEX = Cortex(np.eye(3, dtype="f4"), np.int32([[0, 1, 2]]), np.int32([0] * 3), SIGNAL[:, :3])


def estimate(snr_db):
    truth = (np.ones(1, np.float32), np.ones((1, 8), np.float32))
    return KeptEstimate("row 1", snr_db, 8.0, np.int64([0]), np.int64([0]), *truth, ())


def keep_everything(kept: KeptWriter, pixel, *, n: int):
    kept.write_events(Timeline("a", 60.0 * n, (Event(10, 20),)))
    kept.write_probabilities(Probabilities("a", 1.0 * n, ((0.0, SIGNAL[0]),)))
    kept.write_strip(Strip("a", ("Fp1",), 8.0, 1.0 * n, SIGNAL, SIGNAL[0], 8.0))
    kept.write_cortex(CORTEX)
    kept.write_estimate(estimate(5.0 * n))
    kept.write_table("t", [{"n": n}], caption=f"Table {n}.")
    kept.write_picture("p", pixel, caption=f"Picture {n}.")
    entry = kept.write_attention_map(AttentionMap("a", SIGNAL, 50.0 * n, ("Fp1",)))
    kept.write_attention_index([entry])


def told_by(kept: Kept):
    """A number of every part, which tells the splits apart."""
    return [
        kept.events["a"].duration_s / 60,
        kept.probabilities["a"].rate_hz,
        kept.strips["a"].onset_s,
        kept.estimates["row 1"].snr_db / 5,
        kept.tables["t"].rows[0]["n"],
        int(kept.pictures["p"].caption[8]),
        kept.attention_maps()["a"].sampling_rate / 50,
    ]


@pytest.fixture
def folder(new_run, pixel):
    """Folder of a run that kept everything of validation, test, and other data."""
    with new_run() as run:
        run.log_epoch(1, {"val_loss": 0.5})
        for n, split in enumerate(("validation", "test", "siena/test"), start=1):
            keep_everything(run.of(split), pixel, n=n)
            run.write_predictions([{"recording_id": "a", "n": n}], split=split)
            run.write_scores(SplitScores(split, 1, {"val_loss": n}, {}))
    return run.folder


def test_every_split_is_read_as_it_was_kept(folder):
    run = open_run(folder)
    assert run.kept_splits == ("siena/test", "test")
    assert told_by(run) == told_by(run.of("validation")) == [1] * 7
    assert told_by(run.of("test")) == [2] * 7
    assert told_by(run.of("siena/test")) == [3] * 7
    assert check_run(folder) == ()


def test_nothing_is_kept_of_what_was_not_scored(folder):
    nothing = open_run(folder).of("train")
    assert [*nothing.events, *nothing.strips, *nothing.tables, *nothing.estimates] == []
    assert nothing.attention_entries == ()


def test_names_of_validation_stay_and_others_lie_below_their_split(folder):
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    expected = {
        "events/a_events.tsv", "predictions/a.npz", "previews/a.npz", "estimates/cortex.npz",
        "estimates/row 1_estimate.npz", "tables/t.csv", "tables/manifest.json", "pictures/p.png",
        "pictures/manifest.json", "attention_maps/a_attention.npz", "attention_maps/manifest.json",
        "attention_maps/metadata.json",
    }  # fmt: skip
    for place in ("", "scored/test/", "scored/siena%2Ftest/"):
        assert {f"{place}{name}" for name in expected} <= names


def test_what_is_kept_of_another_split_is_checked(folder):
    record = folder / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"files": None}))
    (folder / "scored" / "test" / "previews" / "a.npz").write_bytes(b"garbage")
    (folder / "scored" / "test" / "tables" / "t.csv").unlink()
    damaged = {finding.path for finding in check_run(folder) if finding.damaged}
    assert damaged == {"scored/test/previews/a.npz", "scored/test/tables/t.csv"}


def test_maps_that_no_contents_list_are_told_of_their_split(folder):
    maps = folder / "scored" / "test" / "attention_maps"
    (maps / "b_attention.npz").write_bytes((maps / "a_attention.npz").read_bytes())
    told = [finding for finding in check_run(folder) if "is not listed" in finding.message]
    assert [finding.path for finding in told] == ["scored/test/attention_maps/manifest.json"]


def test_split_that_is_forgotten_leaves_nothing_but_attention_maps(folder, pixel):
    with amend_run(folder) as run:
        run.forget("test")
    opened = open_run(folder)
    assert opened.scored_splits == ("siena/test", "validation")
    assert opened.scored_items("test") == []
    left = [path for path in opened.of("test").path.rglob("*") if path.is_file()]
    assert {path.parent.name for path in left} == {"attention_maps"}
    assert told_by(opened) == [1] * 7
    assert told_by(opened.of("siena/test")) == [3] * 7
    assert check_run(folder) == ()
    with amend_run(folder) as run:
        keep_everything(run.of("test"), pixel, n=4)
    assert told_by(open_run(folder).of("test")) == [4] * 7
    assert check_run(folder) == ()


def test_forgetting_what_was_never_scored_changes_nothing(folder):
    with amend_run(folder) as run:
        before = (folder / "run.json").read_bytes()
        run.forget("nothing")
        assert (folder / "run.json").read_bytes() == before


def test_validation_is_not_forgotten(folder):
    with amend_run(folder) as run, pytest.raises(RunError, match="since the run rests on it"):
        run.forget("validation")
    assert told_by(open_run(folder)) == [1] * 7


def matrix(dataset, n):
    return ConfusionMatrix(dataset, ("x", "y"), ((n, 0), (0, n)), "", 1)


def test_matrices_and_curves_of_other_splits_stay(new_run):
    with new_run() as run:
        for n, split in enumerate(("validation", "test", "validation"), start=1):
            run.write_confusion_matrices([matrix(f"{split}, windows", n), matrix(split, n)])
            run.write_fa_curves([FaCurve(split, "overlap", (0.5,), (1.0 * n,), (0.5,))])
    opened = open_run(run.folder)
    assert {one.dataset: one.matrix[0][0] for one in opened.confusion_matrices} == {
        "test, windows": 2, "test": 2, "validation, windows": 3, "validation": 3,
    }  # fmt: skip
    assert [(one.split, one.false_alarms_per_day) for one in opened.fa_curves] == [
        ("validation", (3.0,)), ("test", (2.0,)),
    ]  # fmt: skip
