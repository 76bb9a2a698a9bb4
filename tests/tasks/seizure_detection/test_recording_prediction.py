import numpy as np
import pytest
import torch
from torch import nn

from neurorun.core import Event, Recording, Stretch, Timeline
from neurorun.data import CachedRecording, PreprocessingConfig, WindowConfig
from neurorun.evaluation import StitchingConfig
from neurorun.tasks.seizure_detection.recording_prediction import RecordingPredictor
from neurorun.tasks.seizure_detection.recording_scores import MeanLoss

pytestmark = pytest.mark.unit

RATE_HZ = 8.0
WINDOWS = WindowConfig(window_size=4, stride=2, sampling_rate=RATE_HZ)
FIXED = PreprocessingConfig(standardize="fixed", fixed_scale_uv=1.0, clip_at=None)


class FirstChannel(nn.Module):
    """Takes the first channel for the logit, so that what comes out is known."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, inputs):
        return inputs[:, 0]


def recording(*lengths_s: float, gap_s: float = 10.0, events=None) -> CachedRecording:
    """Noise of two channels in stretches of the given lengths, with gaps between them."""
    stretches, first, onset_s = [], 0, 0.0
    for length_s in lengths_s:
        n_samples = round(length_s * RATE_HZ)
        stretches.append(Stretch(first, n_samples, onset_s))
        first, onset_s = first + n_samples, onset_s + length_s + gap_s
    signal = np.random.default_rng(0).normal(size=(2, first)).astype(np.float32)
    whole = Recording("r", "p", ("C3", "C4"), RATE_HZ, signal, tuple(stretches))
    timeline = None if events is None else Timeline("r", whole.duration_s, events, whole.gaps)
    return CachedRecording.from_recording(whole, timeline, FIXED)


def predictor(batch_size: int = 3) -> RecordingPredictor:
    return RecordingPredictor(
        FirstChannel(), WINDOWS, batch_size=batch_size, stitching=StitchingConfig()
    )


@pytest.mark.parametrize("batch_size", [1, 2, 7, 100])
def test_every_sample_gets_the_probability_of_its_own_signal(batch_size):
    cached = recording(21.5)
    ((onset_s, probabilities),) = predictor(batch_size).predict(cached)
    signal_uv = cached.to_recording().signal_uv[0]
    assert onset_s == 0
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-signal_uv)), atol=1e-6)


def test_nothing_is_predicted_across_a_gap():
    cached = recording(10, 12)
    first, second = predictor().predict(cached)
    assert (first[0], first[1].size) == (0.0, 80)
    assert (second[0], second[1].size) == (20.0, 96)
    signal_uv = cached.to_recording().signal_uv[0, 80:]
    np.testing.assert_allclose(second[1], 1 / (1 + np.exp(-signal_uv)), atol=1e-6)


def test_stretches_shorter_than_a_window_are_not_predicted():
    pieces = predictor().predict(recording(10, 3, 5))
    assert [onset_s for onset_s, _ in pieces] == [0.0, 33.0]


@pytest.mark.parametrize(("lengths_s", "n_batches"), [((10,), 2), ((3,), 0), ((4, 4), 2)])
def test_batches_are_counted_before_they_are_made(lengths_s, n_batches):
    cached, calls = recording(*lengths_s), []
    assert predictor().n_batches(cached) == n_batches
    predictor().predict(cached, advance=lambda: calls.append(1))
    assert len(calls) == n_batches


def test_the_watcher_sees_logits_with_their_targets():
    seen = []
    cached = recording(6, events=(Event(1, 2),))
    predictor().predict(cached, watch=lambda logits, targets: seen.append((logits, targets)))
    logits, targets = seen[0]
    assert logits.shape == targets.shape == (2, 32)
    assert targets[0].nonzero().flatten().tolist() == list(range(8, 16))
    assert not targets[1].any()


def test_the_mean_loss_weighs_windows_not_batches():
    loss = MeanLoss(lambda logits, targets: (logits - targets).mean())
    assert np.isnan(loss.mean)
    loss.add(torch.ones(3, 2), torch.zeros(3, 2))
    loss.add(torch.full((1, 2), 5.0), torch.zeros(1, 2))
    assert loss.mean == 2.0
