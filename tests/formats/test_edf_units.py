import pytest

from neurorun.formats.edf_units import is_plain_unit, microvolts_per_unit

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        ("uV", 1.0),
        ("UV", 1.0),
        ("µV", 1.0),
        ("μV", 1.0),
        ("ÂµV", 1.0),
        ("æV", 1.0),
        ("\x83ÊV", 1.0),
        ("�V", 1.0),
        ("?V", 1.0),
        ("microV", 1.0),
        ("", 1.0),
        ("mV", 1e3),
        ("mv", 1e3),
        ("V", 1e6),
        ("volt", 1e6),
        ("nV", 1e-3),
        ("MV", None),
        ("%", None),
        ("bpm", None),
        ("DegC", None),
        ("Boolean", None),
        ("mmHg", None),
        ("uV/Hz", None),
    ],
)
def test_dimensions_that_are_voltages_have_their_microvolts(dimension, expected):
    assert microvolts_per_unit(dimension) == expected


@pytest.mark.parametrize(
    ("dimension", "plain"), [("uV", True), ("µV", True), ("", False), ("?V", False), ("�V", False)]
)
def test_a_lost_or_absent_unit_is_not_plain(dimension, plain):
    assert is_plain_unit(dimension) is plain
