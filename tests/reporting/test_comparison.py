import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from neurorun.cli.compare import compare_runs
from neurorun.core import Metric
from neurorun.reporting import (
    comparison_tables,
    render_comparison,
    summary_sentences,
    write_comparison,
    write_tables,
)
from neurorun.runs import Splits, create_run

pytestmark = pytest.mark.integration

METRICS = (
    Metric("sensitivity", "higher", "1", "Found share, method <overlap>."),
    Metric("false_alarms_per_24h", "lower", "per 24 h", "Alarms."),
    Metric("auroc", "higher", "1", "Area."),
)
ITEMS = {f"p{p}_r{r}": f"p{p}" for p in range(6) for r in range(2)}
HOSTILE = "<script>alert(1)</script>"


def run_with(root, hits, *, alarms=1, seed=0, rows=True, epochs=3, **settings):
    kept = [
        {
            "recording_id": name, "patient": patient, "observed_s": 3600.0,
            "overlap_hits": float(hits), "overlap_misses": 4.0 - hits,
            "overlap_false_alarms": float(alarms + (n % 2)),
        }
        for n, (name, patient) in enumerate(ITEMS.items())
    ]  # fmt: skip
    best = {
        "sensitivity": hits / 4, "auroc": 0.5 + hits / 10,
        "false_alarms_per_24h": sum(row["overlap_false_alarms"] for row in kept) * 2,
    }  # fmt: skip
    config = {"task": "seizure_detection", "training": {"epochs": epochs, **settings}}
    with create_run(
        root, HOSTILE, config=config, metrics=METRICS, monitor="sensitivity", seed=seed,
        source_dir=root,
    ) as run:  # fmt: skip
        run.write_splits(Splits({"x": "x"}, ITEMS))
        for epoch in range(1, epochs + 1):
            share = epoch / epochs
            values = {name: value * share for name, value in best.items()}
            run.log_epoch(epoch, {"train_loss": 1 / epoch, "val_loss": math.nan, **values})
        if rows:
            run.write_predictions(kept)
    return run.folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two trainings of one kind, one of another whose name wants to be a script."""
    root = tmp_path_factory.mktemp("runs")
    return [
        run_with(root, 2, seed=0),
        run_with(root, 3, seed=1),
        run_with(root, 4, alarms=0, note=HOSTILE),
    ]


@pytest.fixture(scope="module")
def comparison(folders):
    return compare_runs(folders)


def test_first_sentence_tells_the_difference_before_its_p(comparison):
    sentences = list(summary_sentences(comparison))
    assert sentences[0] == (
        "B is better than A by 0.375 in sensitivity (interval 0.375 to 0.375, p = 0.031, by Holm "
        "0.062, 6 groups): it may be chance."
    )
    assert sentences[1].startswith("Settings A: sensitivity is 0.625 [")


def test_tables_hold_every_number(comparison, tmp_path):
    tables = {table.name: table for table in comparison_tables(comparison)}
    assert list(tables) == ["runs", "settings", "metrics", "trainings", "differences"]
    assert [row[0] for row in tables["runs"].rows] == ["A1", "A2", "B"]
    assert ("training.note", "-", "-", HOSTILE) in tables["settings"].rows
    assert tables["metrics"].rows[0][1] == "0.500 [0.500, 0.500]"
    auroc = next(row for row in tables["metrics"].rows if row[0] == "auroc")
    assert auroc[1:] == ("0.700", "0.800", "0.900")
    assert [row[:2] for row in tables["differences"].rows] == [
        ("sensitivity", "B - A"), ("false_alarms_per_24h", "B - A"),
    ]  # fmt: skip
    write_tables(list(tables.values()), tmp_path)
    assert (
        (tmp_path / "differences.csv")
        .read_text()
        .splitlines()[1]
        .startswith("sensitivity,A,B,0.375,0.375,0.375,0.03125,0.0625,12,6,64,True")
    )


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.addresses, self.text, self.ids, self.links = [], [], [], set(), set()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        self.addresses += [given[key] for key in ("src", "href") if key in given]
        self.ids |= {given["id"]} if "id" in given else set()

    def handle_data(self, data):
        self.text.append(data)


def test_page_needs_nothing_from_anywhere_and_runs_nothing(comparison, tmp_path):
    path = write_comparison(comparison, tmp_path / "page.html")
    text = path.read_text()
    page = Page()
    page.feed(text)
    assert "script" not in page.tags
    assert HOSTILE in "".join(page.text)
    assert all(one.startswith(("#", "data:,")) for one in page.addresses)
    assert {one[1:] for one in page.addresses if one.startswith("#")} <= page.ids
    assert "default-src 'none'" in text
    assert page.tags.count("svg") == 2 + 3
    assert len(text) < 100_000
    assert not re.search(r"\bnan\b|None", "".join(page.text))
    assert "Not tested: auroc; its values cannot be made again from rows" in "".join(page.text)
    assert render_comparison(comparison) == text


def test_page_without_tests_says_so(tmp_path):
    folders = [run_with(tmp_path, 2, rows=False), run_with(tmp_path, 3, rows=False, width=2)]
    comparison = compare_runs(folders)
    text = render_comparison(comparison)
    assert "There are not enough data for a paired test." in text
    assert "no rows of single items were kept" in text
    assert list(summary_sentences(comparison)) == ["No difference in sensitivity could be tested."]


def test_equal_settings_differ_in_nothing(tmp_path):
    text = render_comparison(compare_runs([run_with(tmp_path, 2), run_with(tmp_path, 2)]))
    assert "No setting differs." in text


def test_ten_runs_are_compared_at_once(tmp_path):
    rng = np.random.default_rng(0)
    folders = [run_with(tmp_path, int(rng.integers(1, 5)), width=n) for n in range(10)]
    comparison = compare_runs(folders, every_pair=True)
    assert len(comparison.statistics.pairs) == 45 * 2
    assert [one.label for one in comparison.lineup.contenders] == list("ABCDEFGHIJ")
    text = render_comparison(comparison)
    assert len(text) < 500_000
    assert text.count('class="curve') == 2 * 10


def test_one_patient_is_not_enough_for_a_test(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ITEMS", {"a": "p", "b": "p"})
    comparison = compare_runs([run_with(tmp_path, 2), run_with(tmp_path, 3, width=2)])
    assert next(summary_sentences(comparison)) == (
        "B is better than A by 0.250 in sensitivity; 1 group of items is not enough for a test."
    )
    assert "not enough data" in render_comparison(comparison)


def test_worse_equal_and_undefined_have_their_words(tmp_path):
    first, worse = run_with(tmp_path, 3), run_with(tmp_path, 1, width=2)
    equal = run_with(tmp_path, 3, width=3)
    sentences = list(summary_sentences(compare_runs([first, worse, equal])))
    assert sentences[0].startswith("B is worse than A by 0.500 in sensitivity (interval")
    assert sentences[1].startswith("C and A are equal in sensitivity (interval 0 to 0, p = 1.00")
    alarms = compare_runs([first, worse], metrics=["false_alarms_per_24h"])
    assert "equal in false alarms per 24 h" in next(summary_sentences(alarms))


def test_runs_in_part_damaged_are_refused_by_name_not_by_traceback(tmp_path):
    from neurorun.core import NeurorunError

    first, second = run_with(tmp_path, 3), run_with(tmp_path, 1)
    path = second / "predictions_eval.csv"
    path.write_text("x\n")
    with pytest.raises(NeurorunError, match=r"predictions_eval\.csv' has the columns x"):
        compare_runs([first, second])
    record = second / "run.json"
    record.write_text(json.dumps({"format": "other"}))
    with pytest.raises(NeurorunError, match=r"has the format and version \('other', None\)"):
        compare_runs([first, second])
