import csv
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import FormatError, RunError
from neurorun.runs.table import column_kinds, read_table, write_table

pytestmark = pytest.mark.unit

ROWS = [
    {"recording_id": "007", "note": 'quoted, "λ"\nline', "n_found": 2, "rate": 0.1, "ok": True},
    {"recording_id": "1e5", "note": None, "n_found": 0, "rate": math.nan, "ok": None},
]


def test_rows_come_back_with_their_kinds(tmp_path):
    kinds = write_table(tmp_path / "x.csv", ROWS)
    assert kinds == {
        "recording_id": "text",
        "note": "text",
        "n_found": "integer",
        "rate": "number",
        "ok": "yes_no",
    }
    found = read_table(tmp_path / "x.csv", kinds)
    assert repr(found) == repr(ROWS)


def test_undefined_is_an_empty_cell(tmp_path):
    write_table(tmp_path / "x.csv", [{"a": math.nan, "b": None, "c": np.float64("inf")}])
    assert (tmp_path / "x.csv").read_text() == "a,b,c\n,,\n"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "t": st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
                "n": st.integers(),
                "x": st.floats(allow_infinity=False),
                "y": st.booleans(),
            }
        ),
        min_size=1,
    )
)
def test_any_rows_come_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("x") / "x.csv"
    kinds = write_table(path, rows)
    if all(math.isnan(row["x"]) for row in rows):
        assert kinds["x"] == "number"
    assert repr(read_table(path, kinds)) == repr([{k: row[k] for k in rows[0]} for row in rows])


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([1, 2], "integer"),
        ([np.int32(1)], "integer"),
        ([1, None], "number"),
        ([1, 2.5], "number"),
        ([np.float32(2.5)], "number"),
        ([math.nan], "number"),
        ([None], "text"),
        (["x", None], "text"),
        ([np.bool_(True)], "yes_no"),
    ],
)
def test_kind_of_a_column(cells, kind):
    assert column_kinds([{"x": cell} for cell in cells], source="x.csv") == {"x": kind}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "given no rows; leave the file out"),
        ([{"a": 1}, {"b": 1}], "row with the columns b; all rows need a. Use None"),
        ([{"a": 1}, {"a": "x"}], "column 'a' mixes integer and text; one kind per column"),
        ([{"a": [1]}], r"holds \[1\]; text, numbers, booleans and None are allowed"),
    ],
)
def test_rows_that_make_no_table_are_refused(rows, message):
    with pytest.raises(RunError, match=message):
        column_kinds(rows, source="x.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"has the columns \(none\); a, b were written"),
        ("a,c\n1,True\n", "has the columns a, c; a, b were written"),
        ("a,b\n1\n", "row 1 has 1 cells; 2 were written"),
        ("a,b\n1,True\nx,True\n", "row 2, column 'a' is 'x', not of the kind integer"),
        ("a,b\n1,yes\n", "column 'b' is 'yes', not of the kind yes_no"),
    ],
)
def test_damaged_table_is_told(tmp_path, text, message):
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_table(path, {"a": "integer", "b": "yes_no"})


def test_other_tools_read_the_same(tmp_path):
    write_table(tmp_path / "x.csv", ROWS)
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as stream:
        found = list(csv.DictReader(stream))
    assert [row["note"] for row in found] == ['quoted, "λ"\nline', ""]


def test_a_file_that_is_no_text_is_told(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n\xff\xfe,True\n")
    with pytest.raises(FormatError, match="not readable as a table in UTF-8"):
        read_table(path, {"a": "integer", "b": "yes_no"})
