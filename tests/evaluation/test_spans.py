"""Spans are a mask in another form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.evaluation.spans import LengthRule, apply_rule, complement, mask_of, spans_of

pytestmark = pytest.mark.unit

masks = st.lists(st.booleans(), min_size=1, max_size=60).map(np.array)


@settings(deadline=None)
@given(masks)
def test_spans_and_masks_are_the_same(mask):
    spans = spans_of(mask)
    assert np.array_equal(mask_of(spans, mask.size), mask)
    assert np.all(spans[:, 0] < spans[:, 1])
    assert np.all(spans[1:, 0] > spans[:-1, 1])


@settings(deadline=None)
@given(masks)
def test_pauses_are_the_spans_of_the_opposite_mask(mask):
    pauses = complement(spans_of(mask), mask.size)
    assert np.array_equal(pauses, spans_of(~mask))
    assert np.array_equal(complement(pauses, mask.size), spans_of(mask))


@settings(deadline=None)
@given(masks, st.booleans(), st.integers(1, 6))
def test_a_rule_changes_nothing_the_second_time(mask, detected, length):
    rule = LengthRule(detected, inner=length, border=(length + 1) // 2, whole=1)
    once = apply_rule(spans_of(mask), mask.size, rule)
    assert np.array_equal(apply_rule(once, mask.size, rule), once)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5)), min_size=1, max_size=20))
def test_cells_longer_than_a_sample_give_the_same_spans(cells):
    values, lengths = (np.array(column) for column in zip(*cells, strict=True))
    starts = np.concatenate(([0], np.cumsum(lengths)))
    assert np.array_equal(spans_of(values, starts), spans_of(np.repeat(values, lengths)))
