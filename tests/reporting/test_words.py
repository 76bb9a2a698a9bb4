import pytest

from neurorun.reporting import words

pytestmark = pytest.mark.unit

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.500"),
        (-0.5, "-0.500"),
        (0.0, "0"),
        (0.00004, "4e-05"),
        (9.9994, "9.999"),
        (50.04, "50.0"),
        (123456.0, "123,456"),
        (NAN, "undefined"),
    ],
)
def test_numbers_are_short_and_only_zero_reads_as_zero(value, text):
    assert words.number_in_words(value) == text


@pytest.mark.parametrize(
    ("time_s", "text"),
    [(0, "0:00"), (59.4, "0:59"), (59.5, "1:00"), (3599.6, "1:00:00"), (36125, "10:02:05")],
)
def test_clock_rounds_to_the_nearest_second(time_s, text):
    assert words.clock(time_s) == text


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [(NAN, "undefined"), (59, "59 s"), (60, "1.0 min"), (1860, "31 min"), (36000, "10 h")],
)
def test_durations_are_told_in_the_largest_unit_that_fits(duration_s, text):
    assert words.duration_in_words(duration_s) == text


def test_what_is_undefined_is_not_told_as_a_number():
    assert words.percent(NAN) == words.whole(NAN) == "undefined"
    assert words.count_in_words(NAN, "seizure") == "undefined seizures"
