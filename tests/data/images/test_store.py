import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorun.data.images.store import Pixels, PixelStore

pytestmark = pytest.mark.unit


def pixels(side):
    return Pixels(np.full((side, side, 3), side, np.uint8), np.zeros((side, side), np.bool_))


@given(st.lists(st.integers(1, 6), max_size=40), st.integers(0, 200))
def test_the_store_gives_what_reading_gives_and_keeps_to_its_limit(places, limit):
    store = PixelStore(pixels, limit_bytes=limit)
    for place in places:
        np.testing.assert_array_equal(store[place].image, pixels(place).image)
        assert store.n_bytes <= limit


def test_pixels_that_are_shared_cannot_be_written_to():
    found = PixelStore(pixels, limit_bytes=1000)[3]
    with pytest.raises(ValueError, match="read-only"):
        found.image[0] = 1
