import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorun.formats.edf_tals import Tal, pack_tals, parse_tals

pytestmark = pytest.mark.unit

PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)
NANOSECONDS = st.integers(-(10**14), 10**14).map(lambda n: n / 1e9)


@given(
    st.lists(
        st.builds(
            Tal,
            NANOSECONDS,
            st.none() | NANOSECONDS.map(abs),
            st.lists(PRINTABLE, min_size=1).map(tuple),
        )
    )
)
def test_annotation_lists_are_read_as_they_are_written(tals):
    read, n_malformed = parse_tals(pack_tals(tals) + b"\0\0\0")
    assert n_malformed == 0
    assert [tal.texts for tal in read] == [tal.texts for tal in tals]
    for got, given_tal in zip(read, tals, strict=True):
        assert abs(got.onset_s - given_tal.onset_s) < 1.1e-9
        assert (got.duration_s is None) == (given_tal.duration_s is None)
        assert abs((got.duration_s or 0) - (given_tal.duration_s or 0)) < 1.1e-9


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(b"+0\x14\x14\0", Tal(0, None, ("",)), id="time-keeping"),
        pytest.param(b"-0.5\x152\x14a\x14\0", Tal(-0.5, 2, ("a",)), id="before-start"),
        pytest.param(b"+1\x15\x14a\x14\0", Tal(1, None, ("a",)), id="blank-duration"),
        pytest.param(b"+1\x15-1\x14a\x14\0", Tal(1, -1, ("a",)), id="negative-duration"),
        pytest.param(b"+1\x14a\x14b\x14\0", Tal(1, None, ("a", "b")), id="two-texts"),
        pytest.param(b"+1\x14a", Tal(1, None, ("a",)), id="cut-at-the-end"),
        pytest.param(b"+1\x14\xc3\xa4\x14\0", Tal(1, None, ("ä",)), id="utf-8"),
        pytest.param(b"+1\x14\xe4\x14\0", Tal(1, None, ("ä",)), id="latin-1"),
    ],
)
def test_one_annotation_list_is_read(raw, expected):
    assert parse_tals(raw) == ([expected], 0)


@pytest.mark.parametrize("raw", [b"0\x14a\x14\0", b"+\x14a\x14\0", b"+1 a\0", b"garbage"])
def test_pieces_that_are_no_annotation_list_are_counted(raw):
    assert parse_tals(b"+1\x14\x14\0" + raw) == ([Tal(1, None, ("",))], 1)
