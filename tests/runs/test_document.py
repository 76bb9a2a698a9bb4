import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from neurorun.core import DataError, FormatError
from neurorun.runs.document import Measured, as_line, as_plain, read_document, write_document

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Inner:
    names: tuple[str, ...]
    value: Measured


@dataclass(frozen=True)
class Outer:
    count: int
    inner: tuple[Inner, ...]
    table: dict[str, Inner]


def test_dataclasses_come_back_as_they_were(tmp_path):
    inner = Inner(("λ", "b"), 0.5)
    outer = Outer(3, (inner,), {"x": inner})
    write_document(tmp_path / "x.json", outer)
    assert read_document(tmp_path / "x.json", TypeAdapter(Outer).validate_json) == outer


def test_undefined_is_null_in_the_file_and_nan_in_memory(tmp_path):
    write_document(tmp_path / "x.json", Inner((), math.nan))
    assert "NaN" not in (tmp_path / "x.json").read_text()
    assert math.isnan(read_document(tmp_path / "x.json", TypeAdapter(Inner).validate_json).value)


@settings(max_examples=25, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_every_digit(tmp_path_factory, number):
    path = tmp_path_factory.mktemp("x") / "x.json"
    write_document(path, Inner((), number))
    assert read_document(path, TypeAdapter(Inner).validate_json).value == number


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"names": []}', r"at value: field required"),
        ('{"names": [1], "value": 1}', r"at names.0: input should be a valid string"),
        ('{"names": [], "value": "1"}', r"at value: input should be a valid number"),
        ("[]", r"at the whole: "),
    ],
)
def test_damaged_document_is_told_with_its_place(tmp_path, text, message):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=rf"'{path}' is not as it was written, {message}"):
        read_document(path, TypeAdapter(Inner).validate_json)


def test_keys_of_later_versions_are_ignored(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"names": [], "value": 1, "new": 2}')
    assert read_document(path, TypeAdapter(Inner).validate_json) == Inner((), 1.0)


def test_absent_document_is_told(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_document(tmp_path / "x.json", TypeAdapter(Inner).validate_json)


def test_plain_form_reaches_into_lists_and_dicts():
    assert as_plain([{"a": Inner(("x",), 1.0)}]) == [{"a": {"names": ["x"], "value": 1.0}}]


def test_line_is_one_line_without_nan():
    line = as_line({"text": "two\nlines", "x": math.nan, "n": np.int64(1)})
    assert line == b'{"text": "two\\nlines", "x": null, "n": 1}\n'
