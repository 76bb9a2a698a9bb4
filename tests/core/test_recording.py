import numpy as np
import pytest
from jaxtyping import TypeCheckError

from neurorun.core import DataError, Recording, Stretch, whole_recording

pytestmark = pytest.mark.unit


def recording(
    *, stretches: tuple[Stretch, ...], n_samples=20, channels=("C3", "C4"), rate_hz=2.0
) -> Recording:
    signal = np.zeros((2, n_samples), dtype=np.float32)
    return Recording("r", "p", channels, rate_hz, signal, stretches)


def test_shapes_are_checked_while_tests_run():
    with pytest.raises(TypeCheckError):
        Recording("r", "p", ("C3",), 1.0, np.zeros(5, np.float32), whole_recording(5))


def test_duration_counts_the_gaps():
    gapped = recording(stretches=(Stretch(0, 10, 0.0), Stretch(10, 10, 15.0)))
    assert gapped.duration_s == 20
    assert gapped.gaps == ((5, 15),)
    assert gapped.n_samples == 20


def test_rounding_of_onsets_is_no_gap():
    assert recording(stretches=(Stretch(0, 10, 0.0), Stretch(10, 10, 5.2))).gaps == ()


def test_a_late_first_stretch_is_a_gap():
    assert recording(stretches=(Stretch(0, 20, 3.0),)).gaps == ((0.0, 3.0),)


@pytest.mark.parametrize(
    "stretches",
    [
        pytest.param((Stretch(0, 10, 0.0), Stretch(12, 8, 15.0)), id="skips-samples"),
        pytest.param((Stretch(0, 10, 0.0), Stretch(10, 10, 2.0)), id="back-in-time"),
        pytest.param((Stretch(0, 10, 0.0),), id="too-few"),
        pytest.param((), id="none"),
    ],
)
def test_stretches_that_contradict_the_signal_are_refused(stretches):
    with pytest.raises(DataError, match="stretches"):
        recording(stretches=stretches)


@pytest.mark.parametrize("channels", [("C3",), ("C3", "C3")])
def test_one_unique_name_per_row_is_needed(channels):
    with pytest.raises(DataError, match="one unique name per row is needed"):
        recording(stretches=whole_recording(20), channels=channels)


def test_a_rate_of_zero_is_refused():
    with pytest.raises(DataError, match=r"rate of 0\.0 Hz; it must be above 0"):
        recording(stretches=whole_recording(20), rate_hz=0.0)
