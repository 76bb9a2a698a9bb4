"""Random numbers that follow from their place."""

import numpy as np
import pytest

from neurorun.simulation.source.draws import NormalNumbers, row_keys, uniforms

pytestmark = pytest.mark.unit


def test_numbers_are_normal_and_follow_from_their_key_alone():
    numbers, some = NormalNumbers(30_001, 40), np.empty((40, 30_001), np.float32)
    keys = row_keys(1, 2, np.arange(40))
    numbers.fill(keys, some)
    means = []
    for out in some:
        means.append(out.mean())
        assert out.std() == pytest.approx(1, abs=0.02)
        assert np.mean(out.astype(float) ** 4) == pytest.approx(3, abs=0.25)
        assert abs(np.corrcoef(out[:-1], out[1:])[0, 1]) < 0.025
    assert np.std(means) * np.sqrt(30_001) == pytest.approx(1, abs=0.4)
    alone = np.empty((1, 30_001), np.float32)
    NormalNumbers(30_001).fill(keys[-1:], alone)
    np.testing.assert_array_equal(alone[0], some[-1])
    draws = uniforms(keys, 500, stream=3)
    assert draws.mean() == pytest.approx(0.5, abs=0.01)
    assert ((draws >= 0) & (draws < 1)).all()
