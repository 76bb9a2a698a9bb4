"""Whatever becomes of a file of a run: only our errors, and `check` names the file."""

import contextlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurorun.core import Event, NeurorunError, Timeline
from neurorun.runs import (
    AttentionMap,
    ChosenPoint,
    ClassDistribution,
    ConfusionMatrix,
    Cortex,
    FaCurve,
    GazePage,
    GazeReview,
    KeptEstimate,
    MethodEstimate,
    Probabilities,
    SeenFixation,
    Splits,
    SplitScores,
    Strip,
    check_run,
    diff_runs,
    line_up,
    list_runs,
    open_run,
    resume_run,
)

pytestmark = pytest.mark.unit

FILES = (
    "run.json", "config.yaml", "metadata.json", "metrics/metrics.jsonl", "epoch_statistics.csv",
    "metrics/complete_summary.json", "metrics/validation_metrics.json", "final_results.yaml",
    "metrics/test_scores.json", "metrics/test_items.csv", "predictions_eval.csv",
    "confusion_matrices.json", "class_distributions.json", "operating_points.json",
    "fa_curve.json", "splits.json", "events/a_events.tsv", "previews/a.npz", "predictions/a.npz",
    "gaze_reviews/a.npz", "attention_maps/a_attention.npz", "attention_maps/manifest.json",
    "attention_maps/metadata.json", "tables/manifest.json", "tables/methods.csv",
    "pictures/manifest.json", "pictures/overlay.png", "estimates/cortex.npz",
    "estimates/row 1_estimate.npz", "scored/test/previews/a.npz",
    "scored/test/estimates/row 1_estimate.npz", "scored/test/tables/manifest.json",
    "scored/test/tables/methods.csv", "scored/test/pictures/overlay.png",
    "logs/training.log", "training_summary.txt", "best_model.pth", "checkpoints/last.pt",
)  # fmt: skip
FREE_TEXT = ("logs/training.log", "training_summary.txt", "best_model.pth", "checkpoints/last.pt")
"""Files of which any bytes are a content; their checksums alone tell."""


def review(signal):
    grid = np.ones((1, 2))
    return GazeReview(
        "a", "a", ("Fp1",), 8.0, 1.0, 0.0, 1, 0.5, True, grid, grid,
        (SeenFixation(0.5, 0.2, ("FP1",), (0,)),), (GazePage(0.0, signal, signal),),
    )  # fmt: skip


def keep_everything(kept, pixel):
    signal = np.zeros((1, 8), np.float32)
    region, truth = np.int64([0]), np.ones(1, np.float32)
    surface = (np.int32([[0, 1, 2]]), np.int32([0, 0, 0]))
    kept.write_events(Timeline("a", 60.0, (Event(10, 20),)))
    kept.write_strip(Strip("a", ("Fp1",), 8.0, 0.0, signal, signal[0], 8.0))
    kept.write_probabilities(Probabilities("a", 1.0, ((0.0, signal[0]),)))
    kept.write_attention_index(
        [kept.write_attention_map(AttentionMap("a", signal, 50.0, ("Fp1",)))]
    )
    kept.write_cortex(Cortex(np.eye(3, dtype="f4"), *surface, signal[:, :3]))
    estimate = MethodEstimate("model", truth, signal, signal, region, 1.5)
    kept.write_estimate(KeptEstimate("row 1", 5.0, 8.0, region, region, truth, signal, (estimate,)))
    kept.write_gaze_review(review(signal))
    kept.write_table("methods", [{"method": "MNE", "error_mm": 9.5}], caption="Errors.")
    kept.write_picture("overlay", pixel, caption="One pixel.")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, finished_once, pixel):
    folder = Path(shutil.copytree(finished_once, tmp_path_factory.mktemp("whole") / "run"))
    point = ChosenPoint("at_1", 1.0, True, 0.5, 0.4, 0.5, 1.0, "overlap", "validation")
    with resume_run(folder) as run:
        run.write_splits(Splits({"a_1": "a"}, {"b_1": "b"}))
        run.write_operating_points([point])
        run.write_fa_curves([FaCurve("validation", "overlap", (0.5,), (1.0,), (0.5,))])
        run.write_class_distributions([ClassDistribution("train", {"x": 1}, 1, "")])
        run.write_confusion_matrices([ConfusionMatrix("v", ("x", "y"), ((1, 0), (0, 1)), "", 1)])
        run.write_scores(SplitScores("test", 1, {"taes": 0.5}, {"overlap": "1"}))
        run.write_predictions([{"recording_id": "b_1", "n_found": 1, "share": 0.5}])
        run.write_predictions([{"recording_id": "c", "n_found": 1, "share": 0.5}], split="test")
        for split in ("validation", "test"):
            keep_everything(run.of(split), pixel)
    (folder / "best_model.pth").write_bytes(b"best")
    return folder


def readers_of_kept(kept):
    return [
        lambda: dict(kept.events.items()), lambda: dict(kept.strips.items()),
        lambda: dict(kept.probabilities.items()), lambda: dict(kept.attention_maps().items()),
        lambda: dict(kept.tables.items()), lambda: dict(kept.pictures.items()),
        lambda: kept.cortex, lambda: dict(kept.estimates.items()),
        lambda: dict(kept.gaze_reviews.items()), lambda: kept.attention_entries,
    ]  # fmt: skip


def read_everything(run):
    """Read all that a run offers; returns what could not be read."""
    readers = [
        lambda: run.config, lambda: run.metadata, lambda: run.epoch_rows, lambda: run.epochs,
        lambda: run.best_epoch, lambda: run.metrics, lambda: run.prediction_rows,
        lambda: run.scored_items("test"), lambda: run.splits, lambda: run.operating_points,
        lambda: run.fa_curves, lambda: run.confusion_matrices, lambda: run.class_distributions,
        lambda: run.status, lambda: run.scores("test"), lambda: run.log,
        *readers_of_kept(run), *readers_of_kept(run.of("test")),
    ]  # fmt: skip
    faults = []
    for read in readers:
        try:
            read()
        except NeurorunError as error:
            faults.append(str(error))
    return faults


def garbled(content, kind, draw):
    """A file that was cut, has wrong bytes, or holds something else of its kind."""
    place = draw(st.integers(0, max(0, len(content) - 1)))
    if kind == "cut":
        return content[:place]
    if kind == "bytes":
        other = draw(st.binary(min_size=1, max_size=8))
        return content[:place] + other + content[place + len(other) :]
    if kind == "random":
        return draw(st.binary(max_size=60))
    return draw(values).encode("utf-8", "surrogatepass")


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
values = plain.map(json.dumps)


def changed_value(content, draw):
    """JSON with one value, anywhere in it, replaced by another."""
    document = json.loads(content.splitlines()[0] if b"\n{" in content else content)
    place, parent, key = document, None, None
    while isinstance(place, dict | list) and place and (parent is None or draw(st.booleans())):
        parent = place
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        place = place[key]
    if parent is None:
        return json.dumps(draw(plain)).encode()
    parent[key] = draw(plain)
    return json.dumps(document).encode()


@pytest.mark.parametrize("name", FILES)
@settings(
    max_examples=6, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(data=st.data())
def test_any_damage_gives_our_errors_and_is_named(whole, tmp_path_factory, name, data):
    path = whole / name
    content = path.read_bytes()
    kinds = ["cut", "bytes", "random", "value"]
    if name.endswith((".json", ".jsonl")):
        kinds.append("changed")
    kind = data.draw(st.sampled_from(kinds))
    damaged = (
        changed_value(content, data.draw)
        if kind == "changed"
        else garbled(content, kind, data.draw)
    )
    path.write_bytes(damaged)
    try:
        named = {finding.path for finding in check_run(whole) if finding.damaged}
        if name != "run.json" and damaged != content:
            assert name in named
        with contextlib.suppress(NeurorunError):
            read_everything(open_run(whole))
        assert len(list_runs(whole)) == 1
        with contextlib.suppress(NeurorunError):
            diff_runs(whole, whole)
        with contextlib.suppress(NeurorunError):
            line_up([whole, whole])
    finally:
        path.write_bytes(content)
    assert named or damaged == content or name == "run.json"


@pytest.mark.parametrize("name", [name for name in FILES if name not in (*FREE_TEXT, "run.json")])
@pytest.mark.parametrize("content", [b"", b"\x00\xff\x00", b"[[[[", b"\x93NUMPY garbage"])
def test_what_cannot_be_read_is_named_without_checksums(whole, tmp_path, name, content):
    folder = Path(shutil.copytree(whole, tmp_path / "run"))
    record = folder / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"files": None}))
    (folder / name).write_bytes(content)
    named = [finding.path for finding in check_run(folder) if finding.damaged]
    empty_is_whole = name == "metrics/metrics.jsonl" and b"\n" not in content
    assert named == ([] if empty_is_whole else [name])
    faults = read_everything(open_run(folder))
    assert all(Path(name).name in fault or Path(name).stem in fault for fault in faults)


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_place_of_a_file_is_named(whole, tmp_path, name):
    folder = Path(shutil.copytree(whole, tmp_path / "run"))
    (folder / name).unlink()
    (folder / name).mkdir()
    if name == "run.json":
        with pytest.raises(NeurorunError, match=r"holds no run\.json"):
            check_run(folder)
        return
    assert name in {finding.path for finding in check_run(folder) if finding.damaged}
    with contextlib.suppress(NeurorunError):
        read_everything(open_run(folder))


def test_two_writers_never_meet(whole, tmp_path):
    folder = Path(shutil.copytree(whole, tmp_path / "run"))
    with resume_run(folder) as first:
        with pytest.raises(NeurorunError, match="is being written by another process"):
            resume_run(folder)
        first.log_epoch(4, {"val_loss": 0.1})
    assert len(open_run(folder).epoch_rows) == 4
    assert check_run(folder) == ()
