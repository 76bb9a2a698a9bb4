from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import ConfigError, DataError
from neurorun.models import DetectorStream, SeizureDetectorConfig, build_detector

pytestmark = pytest.mark.unit

N_SAMPLES = 120


def causal(factor=2, up_kernel=2, **options):
    torch.manual_seed(0)
    sections = {
        "encoder": {"channels": (4, 6), "kernel_size": 5, "downsample_factor": factor},
        "rescnn": {"n_blocks": 1},
        "mamba": {"n_layers": 2, "d_model": 8, "head_dim": 4, "d_state": 3, "chunk_size": 4},
        "decoder": {"kernel_size": up_kernel},
        "causal": True,
    }
    config = SeizureDetectorConfig.model_validate({**sections, **options})
    detector = build_detector(config, 3).double()
    for _ in range(3):  # so that the running statistics of the norms are not trivial
        detector(torch.randn(4, 3, 60, dtype=torch.float64))
    return detector.eval()


DETECTORS = {
    "plain": causal(),
    "overlapping blocks": causal(factor=2, up_kernel=7),
    "factor 3": causal(factor=3, up_kernel=4),
    "short decoder": causal(decoder={"stages": 1}),
}


@pytest.mark.parametrize("name", DETECTORS)
@given(cuts=st.lists(st.integers(0, N_SAMPLES), max_size=12), end=st.integers(1, N_SAMPLES))
@settings(max_examples=20, deadline=None)
def test_any_cutting_gives_what_the_whole_signal_gives(name, cuts, end):
    detector = DETECTORS[name]
    eeg = torch.randn(2, 3, end, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    bounds = [0, *sorted(cut for cut in cuts if cut < end), end]
    stream = DetectorStream(detector)
    logits = [stream.push(eeg[..., a:b]) for a, b in pairwise(bounds)]
    logits.append(stream.finish())
    torch.testing.assert_close(torch.cat(logits, dim=1), detector(eeg), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("changed", [0, 37, 72])
def test_no_logit_knows_of_samples_after_its_block(name, changed):
    detector = DETECTORS[name]
    block = detector.config.block_samples
    eeg = torch.randn(1, 3, N_SAMPLES, dtype=torch.float64)
    other = eeg.clone()
    other[..., changed:] += 1
    moved = (detector(eeg) - detector(other)).abs()[0] > 1e-12
    assert int(moved.nonzero()[0]) >= changed // block * block


def test_logits_come_as_soon_as_their_block_is_whole():
    stream = DetectorStream(causal())
    lengths = [stream.push(torch.zeros(1, 3, n).double()).shape[1] for n in (3, 1, 0, 10, 6)]
    assert stream.block_samples == 4
    assert (lengths, stream.finish().shape[1]) == ([0, 4, 0, 8, 8], 0)


def test_memory_does_not_grow_with_the_piece():
    def kept_bytes(n_samples):
        stream = DetectorStream(causal())
        stream.push(torch.zeros(1, 3, n_samples).double())
        tensors = [*stream._memory._kept.values(), stream._waiting]
        return sum(tensor.untyped_storage().nbytes() for tensor in tensors)

    assert kept_bytes(4) == kept_bytes(4000) > 0


def test_finished_stream_starts_a_new_signal():
    detector, eeg = causal(), torch.randn(1, 3, 30, dtype=torch.float64)
    stream = DetectorStream(detector)
    first = torch.cat([stream.push(eeg), stream.finish()], dim=1)
    second = torch.cat([stream.push(eeg), stream.finish()], dim=1)
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("cut", "shape", "dtype", "found"),
    [
        (0, (1, 2, 7), torch.float64, r"1 signal\(s\), 2 channels"),
        (0, (1, 3, 7), torch.float32, r"type torch\.float32; .* and type torch\.float64"),
        (10, (1, 2, 7), torch.float64, r"1 signal\(s\), 2 channels"),
        (10, (1, 3, 7), torch.float32, r"type torch\.float32; .* and type torch\.float64"),
        (10, (2, 3, 7), torch.float64, r"2 signal\(s\).*follows 1 signal\(s\) of 3 channels"),
    ],
)
def test_a_refused_piece_changes_nothing(cut, shape, dtype, found):
    detector, eeg = causal(), torch.randn(1, 3, 30, dtype=torch.float64)
    stream = DetectorStream(detector)
    logits = [stream.push(eeg[..., :cut])] if cut else []
    with pytest.raises(DataError, match=found):
        stream.push(torch.zeros(shape, dtype=dtype))
    logits += [stream.push(eeg[..., cut:]), stream.finish()]
    torch.testing.assert_close(torch.cat(logits, dim=1), detector(eeg), atol=1e-12, rtol=1e-12)


def test_stream_without_a_signal_cannot_finish():
    with pytest.raises(ConfigError, match=r"has had no signal; push its first samples"):
        DetectorStream(causal()).finish()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda detector: detector.train(), r"in training mode; .* after eval\(\)"),
        (
            lambda detector: setattr(
                detector, "config", detector.config.model_copy(update={"causal": False})
            ),
            r"causal: False.* needs one trained with causal: true",
        ),
    ],
)
def test_detectors_that_cannot_stream_are_refused(change, message):
    detector = causal()
    stream = DetectorStream(detector)
    change(detector)
    with pytest.raises(ConfigError, match=message):
        DetectorStream(detector)
    with pytest.raises(ConfigError, match=message):
        stream.push(torch.zeros(1, 3, 4).double())
