import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurorun.core import FormatError, RunError
from neurorun.runs import CaptionedTable, amend_run, check_run, open_run, tables_folder
from neurorun.runs.tables_folder import tables_of, write_named_table

pytestmark = pytest.mark.unit

METHODS = [
    {"method": "MNE", "snr_db": 5, "error_mm": 21.5, "best": False},
    {"method": "sLORETA", "snr_db": 10, "error_mm": math.nan, "best": True},
]


def test_table_comes_back_with_its_caption_and_its_kinds(new_run):
    with new_run() as run:
        run.write_table("methods", METHODS, caption="Methods side by side.")
    caption, rows = open_run(run.folder).tables["methods"]
    assert caption == "Methods side by side."
    assert repr(rows) == repr(METHODS)
    assert check_run(run.folder) == ()


def test_table_is_plain_csv_with_its_kinds_beside_it(tmp_path):
    write_named_table(tmp_path, "by SNR", METHODS, caption="By SNR.")
    assert (tmp_path / "tables/by SNR.csv").read_text() == (
        "method,snr_db,error_mm,best\nMNE,5,21.5,False\nsLORETA,10,,True\n"
    )
    assert json.loads((tmp_path / "tables/manifest.json").read_text()) == {
        "by SNR": {
            "caption": "By SNR.",
            "columns": {
                "method": "text", "snr_db": "integer", "error_mm": "number", "best": "yes_no",
            },
        }
    }  # fmt: skip


cells = st.one_of(st.text(st.characters(codec="utf-8"), min_size=1), st.none())
numbers = st.floats(allow_infinity=False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=40),
    st.lists(st.fixed_dictionaries({"a b": cells, "ü,": numbers}), min_size=1),
)
def test_tables_of_any_name_and_content_come_back(tmp_path, name, rows):
    write_named_table(tmp_path, name, rows, caption="c")
    kept = tables_of(tmp_path)[name].rows
    assert [row["a b"] for row in kept] == [row["a b"] for row in rows]
    assert repr([row["ü,"] for row in kept]) == repr([row["ü,"] for row in rows])


def test_tables_keep_their_order_and_are_replaced_by_name(new_run):
    with new_run() as run:
        run.write_table("b", [{"n": 1}], caption="First.")
        run.write_table("a", [{"n": 2}], caption="Second.")
    with amend_run(run.folder) as amended:
        amended.write_table("b", [{"text": "x"}], caption="Third.")
    tables = open_run(run.folder).tables
    assert dict(tables.items()) == {
        "a": CaptionedTable("Second.", [{"n": 2}]),
        "b": CaptionedTable("Third.", [{"text": "x"}]),
    }
    assert (tables.keys(), len(tables), "b" in tables) == (["a", "b"], 2, True)
    assert [table.caption for table in tables.values()] == ["Second.", "Third."]
    assert check_run(run.folder) == ()


def test_run_without_tables_has_none(finished):
    assert list(open_run(finished).tables) == []
    with pytest.raises(RunError, match=r"lists no 'x'; it lists nothing\. Ask for those"):
        open_run(finished).tables["x"]


@pytest.mark.parametrize(
    ("rows", "caption", "message"),
    [
        ([], "c", "was given no rows; leave the file out"),
        ([{"n": 1}], "  ", "Table 't' has no caption; one sentence"),
        ([{"n": object()}], "c", "text, numbers, booleans and None are allowed"),
    ],
)
def test_what_is_no_table_is_refused_and_nothing_is_left(tmp_path, rows, caption, message):
    with pytest.raises(RunError, match=message):
        write_named_table(tmp_path, "t", rows, caption=caption)
    assert list(tmp_path.rglob("*.*")) == []


def test_table_that_is_replaced_with_other_columns_is_never_read_with_the_old_ones(
    tmp_path, monkeypatch
):
    write_named_table(tmp_path, "t", [{"n": 1}], caption="Old.")
    written = []

    def killed_after_the_rows(path, rows):
        written.append(real(path, rows))
        raise KeyboardInterrupt

    real = tables_folder.write_table
    monkeypatch.setattr(tables_folder, "write_table", killed_after_the_rows)
    with pytest.raises(KeyboardInterrupt):
        write_named_table(tmp_path, "t", [{"other": "x"}], caption="New.")
    assert written
    assert "t" not in tables_of(tmp_path)


def test_damage_is_told(tmp_path):
    write_named_table(tmp_path, "t", [{"n": 1}], caption="c")
    (tmp_path / "tables/t.csv").write_text("m\n1\n")
    with pytest.raises(FormatError, match=r"has the columns m; n were written\. Restore"):
        tables_of(tmp_path)["t"]
    (tmp_path / "tables/t.csv").unlink()
    with pytest.raises(FormatError, match="is listed but missing; restore it or write it again"):
        tables_of(tmp_path)["t"]
    (tmp_path / "tables/manifest.json").write_text('{"t": {"caption": 3, "columns": {}}}')
    with pytest.raises(FormatError, match=r"not as it was written, at t\.caption"):
        tables_of(tmp_path)


def test_numbers_of_numpy_are_numbers(tmp_path):
    write_named_table(tmp_path, "t", [{"n": np.int64(3), "x": np.float32(0.5)}], caption="c")
    assert tables_of(tmp_path)["t"].rows == [{"n": 3, "x": 0.5}]
