import re
import sys
from itertools import pairwise

import numpy as np
import pytest

from neurorun.core import Event, MissingExtraError, RunError, Timeline
from neurorun.reporting import render_report, write_report
from neurorun.reporting.sections import seizure_detection
from neurorun.runs import SplitScores, amend_run, open_run, save_experiment_data, start_run

pytestmark = pytest.mark.unit

HOSTILE = "<script>alert('x')</script> & \"Zoë\" 癲癇 $x^2$ {{ 7 * 7 }}"


@pytest.fixture
def page_of(make):
    """Render a run and check the page: tags closed, identifiers unique, nothing requested."""

    def checked(folder):
        html = render_report(open_run(folder))
        found = make.page(html)
        assert len(found.ids) == len(set(found.ids))
        local = {target[1:] for target in found.targets if target.startswith("#")}
        assert local <= set(found.ids)
        assert all(target.startswith(("#", "data:")) for target in found.targets)
        assert not {name for name in found.attributes if name.startswith("on")}
        assert not {"script", "iframe", "object", "embed", "base"} & set(found.tags)
        assert set(re.findall(r"url\(#([^)]*)\)", html)) <= set(found.ids)
        assert not re.search(r"@import|url\((?!#)", html)
        found.html = html
        return found

    return checked


def test_a_finished_run_has_every_section(finished, page_of):
    found = page_of(finished)
    for words in (
        "Are seizures found at night?",
        "This run is complete: every planned epoch was run.",
        "It found 4 of the 5 seizures and raised 3 false alarms",
        "Validation is measured at epoch 2, the best by auroc",
        "How many seizures are found at how many false alarms",
        "Where the time went",
        "EEG of the worst and the best validation recordings",
        "ann_1: seizure at 2:00, found",
        "Worst of 3 recordings: 1 of 2 seizures missed",
        "Ten seconds at reading speed",
        "Recordings Recordings of validation, those with most faults first",
        "Dotted line: epoch 2",
        "Settings and origin",
        "Time-aligned event scoring",
    ):
        assert words in found.text
    assert found.tags.count("article") == 2
    assert found.html.startswith("\n<!doctype html>") or found.html.startswith("<!doctype html>")


def test_the_page_names_no_address_at_all(finished, page_of):
    assert not re.search(r"https?://|//[a-z]+\.", page_of(finished).html)


def test_browsers_are_told_to_load_nothing(finished, page_of):
    assert "default-src 'none'" in page_of(finished).html


def test_the_same_folder_gives_the_same_bytes(finished, tmp_path):
    first = write_report(finished, tmp_path / "a.html").read_bytes()
    assert write_report(finished, tmp_path / "b.html").read_bytes() == first


def test_a_moved_folder_gives_the_same_bytes(finished, tmp_path):
    first = render_report(open_run(finished))
    (tmp_path / "elsewhere").mkdir()
    moved = finished.rename(tmp_path / "elsewhere" / "run")
    assert render_report(open_run(moved)) == first


def test_worst_strips_come_first_and_those_without_a_score_last(make, tmp_path, page_of):
    rows = [
        make.row("ann_1", seizures=1, found=1, alarms=0),
        make.row("bob_1", seizures=2, found=0, alarms=0),
    ]
    strips = [make.strip_of(name) for name in ("aaa_1", "ann_1", "bob_1")]
    with make.begin(tmp_path) as run:
        run.log_epoch(1, make.values)
        make.fill(run, rows=rows, strips=strips)
    titles = re.findall(r'<h3 id="strip-1-\d">(\w+):', page_of(run.folder).html)
    assert titles == ["bob_1", "ann_1", "aaa_1"]


@pytest.fixture
def tested(make, tmp_path):
    """Folder of a run that was scored on a test split, too."""

    def test_split(run):
        kept = run.of("test")
        for name in ("eve_1", "fay_1"):
            kept.write_strip(make.strip_of(name))
            kept.write_events(Timeline(name, 3600.0, make.strip_of(name).detected))
        rows = [
            make.row("eve_1", seizures=2, found=2, alarms=1),
            make.row("fay_1", seizures=1, found=0, alarms=0),
        ]
        run.write_predictions(rows, split="test")
        run.write_scores(SplitScores("test", 2, {"auroc": 0.77, "false_alarms_per_24h": 12.0}, {}))

    return make.finished(tmp_path, before=test_split)


def test_test_recordings_are_shown_first_and_those_of_validation_folded(tested, page_of):
    found = page_of(tested)
    assert "EEG of the worst and the best test recordings" in found.text
    assert "Recordings of test, those with most faults first" in found.text
    titles = re.findall(r'<h3 id="strip-(\d)-\d">(\w+):', found.html)
    assert titles == [("1", "eve_1"), ("1", "fay_1"), ("2", "ann_1"), ("2", "bob_1")]
    before, _, after = found.html.partition("<summary>The same of validation</summary>")
    assert 'id="strip-1-2"' in before
    assert 'id="strip-2-1"' in after
    assert found.html.count("<summary>The same of validation</summary>") == 2
    assert found.html.count("Ten seconds at reading speed") == 2


def test_numbers_of_test_stand_beside_those_of_validation(tested, page_of):
    text = page_of(tested).text
    assert (
        "On 2 test recordings, by which nothing was chosen, it found 2 of the 3 seizures and "
        "raised 1 false alarm (12.0 per 24 hours)." in text
    )
    assert "chose the best epoch, 0.770 on test" in text


def test_a_page_with_a_test_split_stays_below_a_megabyte(make, tmp_path, page_of):
    names = [f"p{n}_1" for n in range(8)]

    def everything(run):
        for split in ("validation", "test"):
            for name in names:
                run.of(split).write_strip(make.strip_of(name))
            rows = [make.row(name, seizures=2, found=1, alarms=0) for name in names]
            run.write_predictions(rows, split=split)

    assert len(page_of(make.finished(tmp_path, before=everything)).html) < 1_000_000


def test_damaged_pieces_of_the_test_split_are_told_with_its_name(tested, page_of):
    (tested / "scored" / "test" / "previews" / "eve_1.npz").write_bytes(b"garbage")
    found = page_of(tested)
    assert "The strip of eve_1 of test could not be read: 'scored/test/previews" in found.text


@pytest.mark.parametrize("part", ["experiment", "description", "recording", "settings", "reason"])
def test_hostile_names_are_only_text(make, tmp_path, page_of, part):
    name = {part: HOSTILE}
    config = make.config | {
        "experiment": {"name": "n", "description": name.get("description", "d")},
        "note": name.get("settings", "n"),
    }
    recording = name.get("recording", "ann_1")
    with make.begin(tmp_path, experiment=name.get("experiment", "n"), config=config) as run:
        run.log_epoch(1, make.values)
        make.fill(
            run,
            rows=[make.row(recording, seizures=1, found=0, alarms=0)],
            strips=[make.strip_of(recording, channels=(HOSTILE, "Cz"))],
        )
        run.finish(name.get("reason", "done"))
    found = page_of(run.folder)
    assert "<script" not in found.html.lower()
    assert "<script>alert(" in found.text
    assert "癲癇 $x^2$ {{ 7 * 7 }}" in found.text


def test_hostile_names_of_metrics_and_classes_are_only_text(make, tmp_path, page_of):
    from neurorun.core import Metric
    from neurorun.runs import ConfusionMatrix

    metric = Metric(HOSTILE, "higher", HOSTILE, HOSTILE)
    with make.begin(tmp_path, metrics=[metric], monitor=HOSTILE) as run:
        run.log_epoch(1, {HOSTILE: 0.5})
        run.write_confusion_matrices(
            [ConfusionMatrix(HOSTILE, (HOSTILE, "b"), ((1, 0), (0, 1)), "t", 1)]
        )
    found = page_of(run.folder)
    assert "<script" not in found.html.lower()
    assert found.text.count("<script>alert('x')</script>") > 5


def test_an_error_message_is_only_text(make, tmp_path, page_of):
    with pytest.raises(ValueError, match="script"), make.begin(tmp_path) as run:
        raise ValueError(HOSTILE)
    found = page_of(run.folder)
    assert "This run failed with ValueError: <script>" in found.text
    assert "<script" not in found.html.lower()


def test_a_run_that_has_just_begun_says_what_is_missing(make, tmp_path, page_of):
    with make.begin(tmp_path) as run:
        found = page_of(run.folder)
    for words in (
        "This run is still going on: 0 of 3 planned epochs ended.",
        "Nothing has been measured yet: no epoch has ended.",
        "There are no scores.",
        "No recording has been scored by itself.",
        "No curve can be drawn",
        "Which recordings were trained on was not kept.",
    ):
        assert words in found.text
    assert "EEG of the worst" not in found.text


def test_a_metric_that_was_never_defined_is_told(make, tmp_path, page_of):
    with make.begin(tmp_path) as run:
        run.log_epoch(1, make.values | {"auroc": None})
    found = page_of(run.folder)
    assert "auroc, which chooses the best epoch, was undefined" in found.text
    assert "There are no scores." in found.text


def test_undefined_values_are_called_undefined(make, tmp_path, page_of):
    with make.begin(tmp_path) as run:
        run.log_epoch(1, make.values | {"sensitivity": None})
    found = page_of(run.folder)
    assert re.search(r"sensitivity undefined higher is better", found.text)
    assert "nan" not in found.text.split()


def test_an_unreachable_operating_point_is_called_unreachable(make, tmp_path, page_of):
    with make.begin(tmp_path) as run:
        run.log_epoch(1, make.values)
        make.fill(run, points=[make.point(), make.point(1.0, reached=False)])
    assert "1 unreachable: no threshold keeps to this rate" in page_of(run.folder).text


def test_other_splits_are_columns(finished, page_of):
    with amend_run(finished) as run:
        run.write_scores(SplitScores("test", 2, {"sensitivity": 0.125}, {}))
    found = page_of(finished)
    assert "Test is measured with the weights of epoch 2." in found.text
    assert "metric validation test unit" in found.text
    assert "sensitivity 0.750 0.125" in found.text


def test_scores_of_other_data_alone_are_shown(make, tmp_path, page_of):
    with make.begin(tmp_path) as run:
        run.write_scores(SplitScores("clinic", 2, {"sensitivity": 0.125}, {}))
    found = page_of(run.folder)
    assert "No epoch was best, so nothing was measured on validation." in found.text
    assert "sensitivity not measured 0.125" in found.text


def test_damaged_parts_are_told_and_the_rest_is_shown(finished, page_of):
    (finished / "splits.json").write_text("[]")
    (finished / "metrics/metrics.jsonl").write_text("{}\n{}\n")
    found = page_of(finished)
    assert "The splits could not be read: 'splits.json'" in found.text
    assert "The epochs could not be read: 'metrics/metrics.jsonl'" in found.text
    assert "They could not be read; the reason stands above." in found.text
    assert "ann_1: seizure at 2:00, found" in found.text


def test_items_of_other_tasks_are_counted_not_guessed(make, tmp_path, page_of):
    with make.begin(tmp_path, config={}) as run:
        run.log_epoch(1, make.values)
        run.write_predictions([{"file": "a.png", "dice": 0.5}])
    found = page_of(run.folder)
    assert "1 item of validation was scored" in found.text
    assert "This run has no settings." in found.text


def test_a_loop_of_somebody_else_has_a_report(tmp_path, page_of):
    with start_run(tmp_path, "mine", monitor="val_iou", better="higher") as run:
        for epoch in (1, 2):
            run.log_epoch(epoch, {"train_loss": 1 / epoch, "val_iou": 0.3 * epoch})
    found = page_of(run.folder)
    assert "val_iou 0.600" in found.text
    assert "val IoU, higher is better" in found.html


def test_a_run_from_saved_histories_has_a_report(tmp_path, page_of):
    history = {1: 0.5, 2: 0.4}
    save_experiment_data(
        tmp_path / "run",
        {
            "experiment": {"name": "cracks"},
            "project_name": "p",
            "model": {"_target_": "m"},
            "data": {"dataset_path": "d"},
            "training": {"epochs": 2, "batch_size": 1, "learning_rate": 0.1},
        },
        {"iou": 0.4},
        best_epoch=1,
        training_time=1.0,
        best_metrics={"iou": 0.5},
        train_losses=history,
        val_losses=history,
        val_ious=history,
        val_f1s=history,
        val_precisions=history,
        val_recalls=history,
        val_dices=history,
        val_accuracies=history,
    )
    assert "cracks" in page_of(tmp_path / "run").text


def test_long_lists_are_cut_and_it_is_said(make, tmp_path, page_of):
    rows = [make.row(f"r{n:04}_1", seizures=0, found=0, alarms=0) for n in range(300)]
    with make.begin(tmp_path) as run:
        run.log_epoch(1, make.values)
        make.fill(run, rows=rows, strips=())
    found = page_of(run.folder)
    assert "And 100 more, with fewer faults" in found.text
    assert "EEG of the worst" not in found.text


def noisy_strip(make, name, seed):
    noise = np.random.default_rng(seed).normal(scale=50, size=(19, 90 * 128))
    events = tuple(Event(100 + 8 * n, 104 + 8 * n) for n in range(11))
    return make.strip_of(
        name,
        channels=tuple(f"C{n}" for n in range(19)),
        rate_hz=128.0,
        signal_uv=noise.astype(np.float32),
        reference=events,
        detected=events,
    )


def test_four_strips_of_noise_stay_below_a_megabyte(make, tmp_path, page_of):
    strips = [noisy_strip(make, f"r{n}_1", n) for n in range(4)]
    with make.begin(tmp_path) as run:
        run.log_epoch(1, make.values)
        make.fill(run, strips=strips)
    found = page_of(run.folder)
    assert len(found.html.encode()) < 1_000_000
    assert found.html.count("data:image/png") == 4
    assert "Ten seconds at reading speed" in found.text


def test_what_has_no_room_is_told(make, tmp_path, page_of, monkeypatch):
    monkeypatch.setattr(seizure_detection, "STRIPS_LIMIT_BYTES", 30_000)
    with make.begin(tmp_path) as run:
        run.log_epoch(1, make.values)
        make.fill(run)
    found = page_of(run.folder)
    assert found.html.count("data:image/png") == 1
    assert "No room was left for this picture in a page below a megabyte." in found.text


def test_a_short_strip_needs_no_detail(make, tmp_path, page_of):
    short = make.strip_of("ann_1", signal_uv=np.zeros((2, 10 * 32), dtype=np.float32))
    with make.begin(tmp_path) as run:
        run.log_epoch(1, make.values)
        make.fill(run, strips=[short])
    found = page_of(run.folder)
    assert "data:image/png" not in found.html
    assert "Ten seconds" not in found.text


def test_headings_go_down_step_by_step(finished, page_of):
    levels = [int(tag[1]) for tag in page_of(finished).tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_what_scrolls_can_be_reached_by_keyboard(finished, page_of):
    html = page_of(finished).html
    wide = re.findall(r'<div class="scroll"[^>]*>\s*<table>', html)
    assert wide
    assert all('tabindex="0"' in one and "aria-label" in one for one in wide)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="is not a run folder"):
        write_report(tmp_path, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["jinja2", "matplotlib"])
def test_without_the_extra_the_command_that_installs_it_is_told(monkeypatch, finished, module):
    for name in [one for one in sys.modules if one.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r'pip install "neurorun\[report\]"'):
        write_report(finished, finished / "report.html")
    assert not (finished / "report.html").exists()
