"""Opening and closing against timelines, a loop over samples, and the rules of configuration."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.evaluation import MorphologyConfig, PostprocessingConfig
from neurorun.evaluation.morphology import closing_rule, opening_rule
from neurorun.evaluation.spans import apply_rule, mask_of, spans_of

pytestmark = pytest.mark.unit


def drawn(timeline: str) -> np.ndarray:
    return np.array([sample == "#" for sample in timeline])


def after(rule, mask: np.ndarray) -> np.ndarray:
    return mask_of(apply_rule(spans_of(mask), mask.size, rule), mask.size)


def moving(mask: np.ndarray, kernel: int, reduce) -> np.ndarray:
    """Any or all of the samples under a kernel, as far as it lies within the mask."""
    half = kernel // 2
    return np.array([bool(reduce(mask[max(0, i - half) : i + half + 1])) for i in range(mask.size)])


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param("..##...###..", ".......###..", id="inner-needs-three"),
        pytest.param("##.....#....", "##..........", id="at-the-border-two-suffice"),
        pytest.param("#..........#", "............", id="one-at-the-border-does-not"),
        pytest.param("#", "#", id="whole-stretch-stays"),
    ],
)
def test_opening_by_three(before, expected):
    assert after(opening_rule(3), drawn(before)).tolist() == drawn(expected).tolist()


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param("..##..###...#..", "..#######...#..", id="two-between-are-filled"),
        pytest.param(".#.....#.", "##.....##", id="one-at-the-border-is-filled"),
        pytest.param("..#..", "..#..", id="two-at-the-border-are-not"),
        pytest.param("...", "...", id="whole-stretch-stays"),
    ],
)
def test_closing_by_three(before, expected):
    assert after(closing_rule(3), drawn(before)).tolist() == drawn(expected).tolist()


@settings(deadline=None)
@given(
    st.lists(st.booleans(), min_size=1, max_size=50),
    st.sampled_from([1, 3, 5, 7, 11]),
)
def test_spans_equal_erosion_and_dilation_of_samples(samples, kernel):
    mask = np.array(samples)
    opened = moving(moving(mask, kernel, np.all), kernel, np.any)
    closed = moving(moving(mask, kernel, np.any), kernel, np.all)
    assert np.array_equal(after(opening_rule(kernel), mask), opened)
    assert np.array_equal(after(closing_rule(kernel), mask), closed)


def test_kernel_size_sets_both_kernels():
    config = PostprocessingConfig.model_validate({"morphology": {"kernel_size": 7}})
    assert config.morphology == MorphologyConfig(opening_kernel=7, closing_kernel=7)


def test_kernels_survive_writing_and_reading():
    config = MorphologyConfig(opening_kernel=11, closing_kernel=31)
    assert MorphologyConfig.model_validate(config.model_dump()) == config


def test_both_spellings_together_are_refused():
    with pytest.raises(ValueError, match=r"kernel_size = 5 is given beside closing_kernel; it"):
        MorphologyConfig.model_validate({"kernel_size": 5, "closing_kernel": 31})


def test_an_even_kernel_is_refused():
    with pytest.raises(ValueError, match=r"kernel of 4 samples has no middle.*Choose 3 or 5"):
        MorphologyConfig.model_validate({"kernel_size": 4})


def test_something_that_is_no_mapping_is_refused():
    with pytest.raises(ValueError, match="valid dictionary"):
        MorphologyConfig.model_validate(5)


def test_the_schema_knows_kernel_size():
    schema = PostprocessingConfig.model_json_schema()
    assert "kernel_size" in schema["$defs"]["MorphologyConfig"]["properties"]
    assert "min_duration" in schema["properties"]
