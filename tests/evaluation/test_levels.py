"""Many thresholds at once give what each gives by itself."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.evaluation import HysteresisConfig
from neurorun.evaluation.hysteresis import hysteresis_spans
from neurorun.evaluation.levels import Levels

pytestmark = pytest.mark.unit

thresholds = st.floats(0, 1, width=32)
probabilities = st.lists(
    st.tuples(st.one_of(st.floats(0, 1, width=32), st.just(np.nan)), st.integers(1, 5)), min_size=1
).map(lambda pieces: np.concatenate([np.full(n, p, dtype=np.float32) for p, n in pieces]))


@settings(max_examples=120, deadline=None)
@given(
    probabilities,
    st.lists(thresholds, min_size=2, max_size=12, unique=True),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_every_pair_of_thresholds_gives_its_own_spans(p, values, min_onset, min_offset):
    lengths = {"min_onset_samples": min_onset, "min_offset_samples": min_offset}
    plain = HysteresisConfig(**lengths)
    levels = Levels(p, values, plain)
    for tau_off, tau_on in pairwise(sorted(values)):
        config = plain.model_copy(update={"tau_on": tau_on, "tau_off": tau_off})
        assert np.array_equal(levels.spans(tau_on, tau_off), hysteresis_spans(p, config))


@settings(deadline=None)
@given(st.data())
def test_thresholds_may_equal_probabilities_and_lie_close_together(data):
    p = np.array(
        data.draw(st.lists(st.floats(0.5, 0.500091552734375, width=32), min_size=1)), np.float32
    )
    values = sorted({*p.tolist(), 0.0, 1.0})
    config = HysteresisConfig(min_onset_samples=1, min_offset_samples=1)
    levels = Levels(p, values, config)
    for tau_off, tau_on in pairwise(values):
        asked = config.model_copy(update={"tau_on": tau_on, "tau_off": tau_off})
        assert np.array_equal(levels.spans(tau_on, tau_off), hysteresis_spans(p, asked))


def test_more_thresholds_than_a_byte_can_count():
    p = np.linspace(0, 1, 1000, dtype=np.float32)
    values = np.linspace(0, 1, 501).tolist()
    config = HysteresisConfig(min_onset_samples=1, min_offset_samples=1)
    spans = Levels(p, values, config).spans(values[400], values[399])
    asked = config.model_copy(update={"tau_on": values[400], "tau_off": values[399]})
    assert spans.tolist() == hysteresis_spans(p, asked).tolist()
