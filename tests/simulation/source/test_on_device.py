"""Batches made on a device: equal to those of threads, and never half on another device."""

from itertools import product

import numpy as np
import pytest

from neurorun.core import DataError
from neurorun.simulation import SparseTargets, open_source_data, save_mat, source_batches_on

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.unit

NOISES = ("none", "global", "deepsif", "realistic")
MODES = [
    pytest.param(noise, sparse, drawn, id=f"{noise}-{form}-{origin}")
    for noise, (sparse, form), (drawn, origin) in product(
        NOISES, [(False, "dense"), (True, "sparse")], [(False, "table"), (True, "drawn")]
    )
]
IN_EVERY_MODE = pytest.mark.parametrize(("noise", "sparse", "drawn"), MODES)


@pytest.fixture
def train_examples(small_config, tmp_path):
    """Training examples in a mode; a source has no clip, and clips make the noise differ."""
    recorded = np.random.default_rng(0).standard_normal((3, 500, 8)).cumsum(axis=1)
    save_mat(tmp_path / "noise.mat", {"data": recorded})

    def make(noise="global", sparse=False, drawn=False, **more):
        config = small_config(
            noise=noise,
            sparse_targets=sparse,
            use_metadata_loader=not drawn,
            growth={"n_examples": 10, "n_validation": 0},
            realistic_noise_path=tmp_path / "noise.mat",
            **more,
        )
        examples = open_source_data(config, seed=3).train
        if not drawn:
            examples.maker.places[2, 0] = -1
        return examples

    return make


def dense(targets, n_regions=30):
    """Targets of either form with all regions."""
    if isinstance(targets, tuple):
        regions, values = (np.asarray(part) for part in targets)
        targets = SparseTargets(regions.astype(np.int32), values).dense(n_regions)
    return np.asarray(targets)


def check_equal_to_threads(examples, device, *, eeg_atol, target_atol):
    on_device = source_batches_on(examples, device)
    assert on_device.n_batches(2) == examples.n_batches(2) == 3
    pairs = zip(on_device.batches(2), examples.batches(2), strict=True)
    for (eeg, targets), (eeg2, targets2) in pairs:
        assert isinstance(targets, tuple) == isinstance(targets2, tuple) == examples.sparse
        here = tuple(part.cpu() for part in targets) if examples.sparse else targets.cpu()
        np.testing.assert_allclose(eeg.cpu().numpy(), eeg2, atol=eeg_atol)
        np.testing.assert_allclose(dense(here), dense(targets2), atol=target_atol)


@IN_EVERY_MODE
def test_on_the_cpu_batches_equal_those_of_threads(train_examples, noise, sparse, drawn):
    examples = train_examples(noise, sparse, drawn)
    check_equal_to_threads(examples, "cpu", eeg_atol=5e-6, target_atol=1e-6)


@IN_EVERY_MODE
def test_no_step_mixes_devices_or_waits_for_one(train_examples, noise, sparse, drawn):
    """With tensors that only know shape and device, any operation across devices raises."""
    from torch._subclasses import FakeTensorMode

    examples = train_examples(noise, sparse, drawn)
    with FakeTensorMode():
        for eeg, targets in source_batches_on(examples, "cuda:0").batches(1):
            parts = targets if sparse else (targets,)
            assert {str(part.device) for part in (eeg, *parts)} == {"cuda:0"}
            assert eeg.shape[1:] == (8, 500)
            assert parts[-1].shape[0] == len(eeg)


@pytest.mark.parametrize("part", ["_clips", "_background", "_gains", "_recorded", "_counters"])
def test_a_part_that_were_left_behind_would_be_noticed(train_examples, part):
    from torch._subclasses import FakeTensorMode

    examples = train_examples("realistic")
    with FakeTensorMode():
        made = source_batches_on(examples, "cuda:0")
        setattr(made, part, getattr(made, part).to("cpu"))
        with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
            next(made.batches(1))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@IN_EVERY_MODE
def test_on_a_gpu_batches_equal_those_of_threads(train_examples, noise, sparse, drawn):
    examples = train_examples(noise, sparse, drawn)
    check_equal_to_threads(examples, "cuda", eeg_atol=1e-5, target_atol=1e-5)


def test_normal_numbers_are_those_of_threads(train_examples):
    from neurorun.simulation.source.draws import NormalNumbers

    keys = np.array([1, 2**63 + 5], np.uint64)
    found = source_batches_on(train_examples(), "cpu")._normals(keys, (2, 8, 500)).numpy()
    expected = np.empty((2, 4000), np.float32)
    NormalNumbers(4000, 2).fill(keys, expected)
    np.testing.assert_allclose(found.reshape(2, -1), expected, atol=2e-6)


def test_an_epoch_can_be_taken_up_anywhere_and_shared(train_examples):
    on_device = source_batches_on(train_examples(drawn=True), "cpu")
    whole = [eeg.numpy() for eeg, _ in on_device.batches(4)]
    (shared,) = (eeg.numpy() for eeg, _ in on_device.batches(4, start=1, stride=2))
    np.testing.assert_array_equal(shared, whole[1])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is such a device")
def test_a_device_that_is_not_there_is_refused(train_examples):
    with pytest.raises(DataError, match=r"does not find the device 'cuda' here .*choose 'cpu'"):
        source_batches_on(train_examples(), "cuda")


def test_more_clips_than_allowed_are_refused(train_examples):
    with pytest.raises(DataError, match=r"0\.0 GiB are allowed on 'cpu'; make the batches by"):
        source_batches_on(train_examples(), "cpu", n_bytes_limit=100)


def test_more_clips_than_a_device_holds_are_refused(train_examples, monkeypatch):
    def full(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory")

    examples = train_examples()
    monkeypatch.setattr(torch, "tensor", full)
    with pytest.raises(DataError, match="there is less memory on 'cpu'; make the batches by"):
        source_batches_on(examples, "cpu")
