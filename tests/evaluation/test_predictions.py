"""Predictions of one recording, in pieces that nothing crosses."""

import numpy as np
import pytest

from neurorun.core import Event, ScoringError, Timeline
from neurorun.evaluation import PostprocessingConfig, RecordingPrediction

pytestmark = pytest.mark.unit

CONFIG = PostprocessingConfig.model_validate(
    {
        "hysteresis": {"min_onset_samples": 1, "min_offset_samples": 1},
        "morphology": {"kernel_size": 1},
        "min_duration": 0,
    }
)


def levels(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def prediction(*pieces, duration_s=100.0, events=(), gaps=(), rate_hz=1.0, of="a"):
    reference = Timeline(of, duration_s, tuple(Event(*event) for event in events), gaps)
    return RecordingPrediction("a", "p1", rate_hz, pieces, reference)


def test_events_of_a_piece_have_the_time_of_the_recording():
    detected = prediction((50.0, levels(0, 0.9, 0.9, 0))).detect(CONFIG)
    assert [(e.onset_s, e.offset_s) for e in detected.events] == [(51.0, 53.0)]
    assert (detected.recording_id, detected.duration_s) == ("a", 100.0)


def test_no_event_reaches_across_the_time_between_pieces():
    # pieces   |##|   |##|   one second apart, less than tau_merge
    both = prediction((0.0, levels(0.9, 0.9)), (3.0, levels(0.9, 0.9)), gaps=((2.0, 3.0),))
    detected = both.detect(CONFIG)
    assert [(e.onset_s, e.offset_s) for e in detected.events] == [(0.0, 2.0), (3.0, 5.0)]
    assert detected.gaps == ((2.0, 3.0),)


def test_an_event_does_not_outlast_the_recording():
    whole = prediction((0.0, levels(0.9, 0.9, 0.9)), duration_s=2.5)
    assert [e.offset_s for e in whole.detect(CONFIG).events] == [2.5]


def test_masks_follow_the_pieces():
    two = prediction(
        (0.0, levels(0, 0)), (10.0, levels(0, 0, 0)), events=[(1, 11), (12, 14), (0, 2, "bckg")]
    )
    assert [mask.tolist() for mask in two.masks_of(two.reference)] == [
        [False, True],
        [True, False, True],
    ]


def test_predicted_time_is_that_of_the_pieces():
    assert prediction((0.0, levels(0, 0)), (5.0, levels(0)), rate_hz=2.0).predicted_s == 1.5
    assert prediction().predicted_s == 0


@pytest.mark.parametrize(
    ("pieces", "settings", "message"),
    [
        pytest.param((), {"of": "b"}, r"'a' come with the reference of 'b'; both", id="other"),
        pytest.param((), {"rate_hz": 0.0}, r"rate of 0\.0 Hz; it must be above 0", id="rate"),
        pytest.param(
            ((99.0, levels(0, 0, 0)),), {}, r"from 99 s to 102 s after .* within", id="too-long"
        ),
        pytest.param(
            ((10.0, levels(0, 0, 0)), (11.0, levels(0))),
            {},
            r"from 11 s to 12 s after others that end at 13 s",
            id="sharing-time",
        ),
        pytest.param(((-5.0, levels(0)),), {}, r"from -5 s to -4 s", id="before-the-start"),
        pytest.param(((0.0, levels(0, 3)),), {}, r"range from 0 to 3; probabilities", id="logits"),
    ],
)
def test_contradictions_are_refused(pieces, settings, message):
    with pytest.raises(ScoringError, match=message):
        prediction(*pieces, **settings)
