import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.data import ExampleLoader, Examples, LoaderConfig

pytestmark = pytest.mark.unit


class Numbers:
    """Examples whose content is their index; reading takes a while, more or less."""

    input_shape, target_shape = (2, 3), (3,)

    def __init__(self, n_examples=23, seconds=0.0):
        self.n_examples, self.seconds = n_examples, seconds
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return self.n_examples

    def fill(self, index, inputs, targets):
        time.sleep(self.seconds * self.rng.random())
        inputs[:], targets[:] = index, -index


def shuffled(epoch):
    return np.random.default_rng(epoch).permutation(23)


def read(loader, epoch=0, first_batch=0):
    return [
        (inputs.copy(), targets.copy())
        for inputs, targets in loader.batches(epoch, first_batch=first_batch)
    ]


def flat(batches):
    return np.concatenate([inputs[:, 0, 0] for inputs, _ in batches]).tolist()


def test_examples_come_as_they_are_with_the_last_batch_smaller():
    loader = ExampleLoader(Numbers(), batch_size=5)
    batches = read(loader)
    assert loader.n_batches() == len(batches) == 5
    assert [inputs.shape for inputs, _ in batches] == [(5, 2, 3)] * 4 + [(3, 2, 3)]
    assert [targets.shape for _, targets in batches] == [(5, 3)] * 4 + [(3, 3)]
    assert flat(batches) == list(range(23))
    assert batches[0][0].dtype == batches[0][1].dtype == np.float32


@settings(max_examples=30, deadline=None)
@given(
    n_workers=st.integers(0, 5),
    prefetch=st.integers(1, 3),
    batch_size=st.integers(1, 9),
    epoch=st.integers(0, 3),
)
def test_content_does_not_depend_on_the_threads(n_workers, prefetch, batch_size, epoch):
    loader = ExampleLoader(
        Numbers(seconds=0.001),
        batch_size=batch_size,
        order=shuffled,
        num_workers=n_workers,
        prefetch_factor=prefetch,
    )
    batches = read(loader, epoch)
    assert flat(batches) == shuffled(epoch).tolist()
    for inputs, targets in batches:
        np.testing.assert_array_equal(targets, -inputs[:, 0])


@settings(max_examples=30, deadline=None)
@given(n_workers=st.integers(0, 3), first_batch=st.integers(0, 7))
def test_going_on_at_a_batch_gives_the_rest_of_the_epoch(n_workers, first_batch):
    loader = ExampleLoader(Numbers(), batch_size=4, order=shuffled, num_workers=n_workers)
    assert flat(read(loader, 1)[first_batch:] or [(np.empty((0, 1, 1)), 0)]) == flat(
        read(loader, 1, first_batch) or [(np.empty((0, 1, 1)), 0)]
    )


@pytest.mark.parametrize("n_workers", [0, 2])
def test_several_processes_share_an_epoch(n_workers):
    loader = ExampleLoader(Numbers(), batch_size=4, order=shuffled, num_workers=n_workers)
    whole = [inputs[:, 0, 0].tolist() for inputs, _ in read(loader, 1)]
    for rank in range(3):
        shared = loader.batches(1, first_batch=rank, stride=3)
        assert [inputs[:, 0, 0].tolist() for inputs, _ in shared] == whole[rank::3]


def test_buffers_are_used_again():
    loader = ExampleLoader(Numbers(), batch_size=2, num_workers=2, prefetch_factor=4)
    seen = {inputs.base.ctypes.data for inputs, _ in loader.batches(0)}
    assert len(seen) == 5


def test_a_batch_stays_until_the_next_is_asked_for():
    loader = ExampleLoader(Numbers(seconds=0.0), batch_size=2, num_workers=2, prefetch_factor=1)
    for number, (inputs, targets) in enumerate(loader.batches(0)):
        before = inputs.copy()
        time.sleep(0.002)
        np.testing.assert_array_equal(inputs, before)
        assert targets[0, 0] == -2 * number


def loader_threads():
    return [t for t in threading.enumerate() if t.name.startswith("neurorun-loader")]


def test_threads_end_with_the_epoch_and_when_it_is_broken_off():
    loader = ExampleLoader(Numbers(seconds=0.002), batch_size=2, num_workers=3)
    batches = loader.batches(0)
    next(batches)
    assert loader_threads()
    batches.close()
    assert not loader_threads()
    read(loader)
    assert not loader_threads()


def test_threads_and_buffers_may_stay():
    loader = ExampleLoader(Numbers(), batch_size=2, num_workers=2, persistent_workers=True)
    first = next(loader.batches(0))[0].base.ctypes.data
    assert first in {inputs.base.ctypes.data for inputs, _ in loader.batches(1)}
    assert loader_threads()
    loader.close()
    assert not loader_threads()


def test_two_epochs_may_be_read_at_once():
    loader = ExampleLoader(Numbers(), batch_size=4, order=shuffled, persistent_workers=True)
    pairs = zip(loader.batches(0), loader.batches(1), strict=True)
    copied = [((a[0].copy(), None), (b[0].copy(), None)) for a, b in pairs]
    assert flat([a for a, _ in copied]) == shuffled(0).tolist()
    assert flat([b for _, b in copied]) == shuffled(1).tolist()


@pytest.mark.parametrize("n_workers", [0, 2])
def test_what_goes_wrong_in_a_thread_is_raised(n_workers):
    class Broken(Numbers):
        def fill(self, index, inputs, targets):
            if index == 7:
                raise RuntimeError("window 7")

    loader = ExampleLoader(Broken(), batch_size=2, num_workers=n_workers)
    with pytest.raises(RuntimeError, match="window 7"):
        read(loader)
    assert not loader_threads()


def test_the_time_spent_waiting_is_measured():
    loader = ExampleLoader(Numbers(n_examples=4, seconds=0.02), batch_size=1)
    begun = time.perf_counter()
    read(loader)
    assert 0 < loader.waited_s <= time.perf_counter() - begun


def test_buffers_can_be_made_elsewhere():
    shapes = []

    def allocate(shape):
        shapes.append(shape)
        return np.zeros(shape, np.float32)

    read(ExampleLoader(Numbers(), batch_size=3, allocate=allocate))
    assert shapes == [(3, 2, 3), (3, 3)]


def test_an_epoch_without_examples_has_no_batches():
    loader = ExampleLoader(Numbers(), batch_size=3, order=lambda _: np.empty(0, np.int64))
    assert (loader.n_batches(), read(loader)) == (0, [])


def test_what_can_be_filled_is_an_example_source():
    assert isinstance(Numbers(), Examples)


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 0}, {"batch_size": 257}, {"num_workers": 33}, {"prefetch_factor": 0}]
)
def test_settings_have_bounds(wrong):
    with pytest.raises(ValueError, match=r"greater than or equal|less than or equal"):
        LoaderConfig(**wrong)
