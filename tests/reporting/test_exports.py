import csv
import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorun.core import Metric
from neurorun.reporting import write_run_tables, write_tables
from neurorun.reporting.exports import Table, file_name, to_csv, to_latex, to_markdown
from neurorun.runs import ChosenPoint, SplitScores, amend_run, start_run

pytestmark = pytest.mark.unit

TABLE = Table(
    "by SNR", "Error, 5 % & more.", ("method", "error_mm", "range"),
    (("MNE", 21.5, "0.5 [0.4, 0.6]"), ("a|b_<i>", math.nan, "0.1")),
)  # fmt: skip


def test_markdown_has_one_line_per_row_and_no_markup_from_cells():
    assert to_markdown(TABLE) == (
        "Error, 5 % &amp; more.\n\n"
        "| method | error_mm | range |\n"
        "| :-- | --: | --: |\n"
        "| MNE | 21.5 | 0.5 \\[0.4, 0.6\\] |\n"
        "| a\\|b_&lt;i&gt; | undefined | 0.1 |\n"
    )


def test_latex_is_a_table_with_every_sign_escaped():
    text = to_latex(TABLE)
    assert r"\caption{Error, 5 \% \& more.}" in text
    assert r"\label{tab:by-SNR}" in text
    assert r"\begin{tabular}{lrr}" in text
    assert r"a\textbar{}b\_\textless{}i\textgreater{} & undefined & 0.1 \\" in text
    assert r"method & error\_mm & range \\" in text
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]


def test_csv_keeps_all_digits_and_leaves_undefined_empty():
    plain = Table("x", "", ("a", "b", "c"), ((1 / 3, math.nan, None), (2, True, "x,y")))
    assert to_csv(Table("x", "", ("shown",), (("0.333",),), plain)) == (
        'a,b,c\n0.3333333333333333,,\n2,True,"x,y"\n'
    )


texts = st.text(max_size=12)


@given(st.lists(st.tuples(texts, texts, st.floats()), max_size=5))
def test_no_cell_can_break_a_table(rows):
    table = Table("t", "c", ("a", "b", "n"), tuple(rows))
    lines = to_markdown(table).split("\n\n", 1)[1].splitlines()
    assert len(lines) == 2 + len(rows)
    for line in lines:
        assert line.replace("\\\\", "").replace("\\|", "").count("|") == 4
    body = to_latex(table).split("\\midrule\n")[1].split("\n\\bottomrule")[0] if rows else ""
    assert len([one for one in body.split("\n") if one]) == len(rows)
    for line in body.splitlines():
        assert line.replace(r"\&", "").count("&") == 2
    read = list(csv.reader(io.StringIO(to_csv(table), newline="")))
    assert [cells[:2] for cells in read[1:]] == [list(row[:2]) for row in rows]


def test_names_of_files_stay_in_the_folder(tmp_path):
    table = Table("../../a b", "c", ("n",), ((1,),))
    written = write_tables([table], tmp_path)
    assert sorted(path.name for path in written) == ["a-b.csv", "a-b.md", "a-b.tex"]
    assert all(path.parent == tmp_path for path in written)
    assert file_name("///") == "table"


@pytest.fixture
def run_folder(tmp_path):
    metrics = [
        Metric("auroc", "higher", "1", "Area."),
        Metric("fa", "lower", "per 24 h", "Alarms."),
    ]
    with start_run(
        tmp_path, "x", monitor="auroc", better="higher", metrics=metrics,
        config={"task": "t", "model": {"width": 3}},
    ) as run:  # fmt: skip
        run.log_epoch(1, {"auroc": 0.9, "fa": None})
        run.write_table("methods", [{"method": "MNE", "error_mm": 9.5}], caption="Errors.")
        run.write_operating_points(
            [ChosenPoint("s_at_1fa", 1.0, False, *[math.nan] * 4, "overlap", "validation")]
        )
    with amend_run(run.folder) as amended:
        amended.write_scores(SplitScores("test", 1, {"auroc": 0.8}, {}))
    return run.folder


def test_tables_of_a_run_are_its_scores_points_own_tables_and_settings(run_folder, tmp_path):
    written = write_run_tables(run_folder, tmp_path / "tables")
    assert {path.name for path in written if path.suffix == ".csv"} == {
        "scores.csv", "operating_points.csv", "methods.csv", "settings.csv",
    }  # fmt: skip
    assert (tmp_path / "tables/scores.csv").read_text() == (
        "metric,validation,test,unit,better,definition\n"
        "auroc,0.9,0.8,1,higher,Area.\nfa,,,per 24 h,lower,Alarms.\n"
    )
    assert (tmp_path / "tables/methods.csv").read_text() == "method,error_mm\nMNE,9.5\n"
    assert "best epoch 1 by auroc" in (tmp_path / "tables/scores.md").read_text()
    assert "model.width,3" in (tmp_path / "tables/settings.csv").read_text()


def test_run_without_any_number_still_has_its_settings(tmp_path):
    with start_run(tmp_path, "x", monitor="a", better="higher", config={"b": 1}) as run:
        pass
    written = write_run_tables(run.folder, tmp_path / "tables")
    assert {path.stem for path in written} == {"settings"}
