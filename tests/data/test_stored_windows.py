import numpy as np
import pytest

from neurorun.core import Timeline
from neurorun.data import (
    CachedRecording,
    EEGWindowDataset,
    ExampleLoader,
    Examples,
    StoredWindows,
    TransferConfig,
    build_cache,
    decode_windows,
    examples_of,
    open_cache,
    prepare,
)

pytestmark = pytest.mark.unit

READINGS = {
    "zscore": {},
    "robust": {"standardize": "robust"},
    "fixed": {"standardize": "fixed", "fixed_scale_uv": 3.0},
    "clipped": {"clip_at": 0.5},
    "microvolts": {"normalize": False},
}


@pytest.fixture
def folder(tmp_path, corpus, preprocessing):
    build_cache(corpus, tmp_path, split="train", preprocessing=preprocessing, rate_hz=64.0)
    return tmp_path / "train"


@pytest.mark.parametrize("changes", READINGS.values(), ids=READINGS)
@pytest.mark.parametrize("n_workers", [0, 2])
def test_decoded_batches_equal_those_of_values_to_the_bit(
    folder, windows, preprocessing, changes, n_workers
):
    cache = open_cache(folder, preprocessing=preprocessing.model_copy(update=changes))
    dataset = EEGWindowDataset(cache, windows)
    stored = ExampleLoader(StoredWindows(dataset), batch_size=5, num_workers=n_workers)
    plain = ExampleLoader(dataset, batch_size=5)
    n_windows = 0
    for (parts, masks), (values, targets) in zip(stored.batches(0), plain.batches(0), strict=True):
        assert parts["steps"].dtype == np.int16
        decoded = decode_windows(parts)
        assert decoded.dtype == np.float32
        np.testing.assert_array_equal(decoded, values)
        np.testing.assert_array_equal(masks, targets)
        n_windows += len(decoded)
    assert n_windows == len(dataset)


@pytest.mark.parametrize("changes", READINGS.values(), ids=READINGS)
def test_tensors_give_the_same_bits(folder, windows, preprocessing, changes):
    torch = pytest.importorskip("torch")
    cache = open_cache(folder, preprocessing=preprocessing.model_copy(update=changes))
    dataset = EEGWindowDataset(cache, windows)
    loader = ExampleLoader(StoredWindows(dataset), batch_size=len(dataset))
    ((parts, _),) = loader.batches(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tensors = {name: torch.from_numpy(part).to(device) for name, part in parts.items()}
    decoded = decode_windows(tensors)
    assert decoded.dtype == torch.float32
    np.testing.assert_array_equal(decoded.cpu().numpy(), decode_windows(parts))


def test_an_offset_travels_too(recording, preprocessing, windows):
    prepared = prepare(recording(), preprocessing, rate_hz=64.0)
    prepared.signal_uv[:, :200] += 300.0
    cached = CachedRecording.from_recording(
        prepared,
        Timeline("p1_s1", prepared.duration_s),
        preprocessing.model_copy(update={"standardize": "robust"}),
    )
    dataset = EEGWindowDataset([cached], windows)
    ((parts, _),) = ExampleLoader(StoredWindows(dataset), batch_size=99).batches(0)
    assert (parts["bias"] != 0).all()
    np.testing.assert_array_equal(decode_windows(parts)[3], dataset[3][0])


def test_buffers_lie_where_the_allocator_puts_them(folder, windows):
    made = []

    def allocate(shape):
        made.append(np.zeros(shape, np.float32))
        return made[-1]

    examples = StoredWindows(EEGWindowDataset(folder, windows))
    loader = ExampleLoader(examples, batch_size=3, allocate=allocate)
    parts, _ = next(iter(loader.batches(0)))
    assert len(made) == len(parts) + 1
    assert all(any(np.shares_memory(part, one) for one in made) for part in parts.values())


def test_the_setting_chooses_how_windows_travel(folder, windows):
    dataset = EEGWindowDataset(folder, windows)
    assert examples_of(dataset, TransferConfig()) is dataset
    stored = examples_of(dataset, TransferConfig(dequantize_on_device=True))
    assert isinstance(stored, StoredWindows)
    assert isinstance(stored, Examples)
    assert (len(stored), stored.target_shape) == (len(dataset), dataset.target_shape)


def test_values_stay_what_they_are():
    values = np.ones((2, 3, 4), np.float32)
    assert decode_windows(values) is values
