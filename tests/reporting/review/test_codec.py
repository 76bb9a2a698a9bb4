import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurorun.reporting.review.codec import encode

pytestmark = pytest.mark.unit


def decode(blob: bytes, rows: int, steps: int) -> np.ndarray:
    """The reading side, as the page has it."""
    raw = np.frombuffer(zlib.decompress(blob), np.uint8).astype(np.int32)
    low, high = raw[: rows * steps], raw[rows * steps :]
    folded = low | (high << 8)
    differences = (folded >> 1) ^ -(folded & 1)
    return differences.reshape(rows, steps).cumsum(axis=1).astype(np.int16)


@given(hnp.arrays(np.int16, st.tuples(st.integers(1, 4), st.integers(1, 60))))
def test_nothing_is_lost(values):
    np.testing.assert_array_equal(decode(encode(values), *values.shape), values)


def test_differences_beyond_16_bits_come_back():
    values = np.array([[-32_768, 32_767, -32_768, 0]], np.int16)
    np.testing.assert_array_equal(decode(encode(values), 1, 4), values)


def test_eeg_takes_less_than_a_byte_a_sample():
    walk = np.cumsum(np.random.default_rng(0).normal(scale=6, size=(4, 5000)), axis=1)
    values = walk.astype(np.int16)
    assert len(encode(values)) < values.size
