import logging
import subprocess
import sys

import numpy as np
import pytest

from neurorun.core import DataError, Timeline
from neurorun.data import (
    BalancedSeizureDataset,
    CachedRecording,
    EEGWindowDataset,
    EpochSampler,
    ExampleLoader,
    Examples,
    SamplingConfig,
    WindowConfig,
    WindowKind,
    collate_gathered,
    load_manifest,
    open_cache,
    prepare,
)
from neurorun.data.builder import build_cache

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path, corpus, preprocessing):
    build_cache(corpus, tmp_path, split="train", preprocessing=preprocessing, rate_hz=64.0)
    return tmp_path / "train"


@pytest.mark.parametrize(
    "open_", [str, lambda folder: folder, open_cache], ids=["str", "path", "cache"]
)
def test_items_are_windows_and_masks(folder, windows, open_):
    dataset = EEGWindowDataset(open_(folder), windows)
    assert isinstance(dataset, Examples)
    assert len(dataset) == 33
    cached = open_cache(folder)[0]
    window, mask = dataset[3]
    np.testing.assert_array_equal(window, cached.window(3 * 128, 512))
    np.testing.assert_array_equal(mask, cached.mask(3 * 128, 512))
    assert window.dtype == mask.dtype == np.float32
    assert (window.shape, mask.shape) == (dataset.input_shape, dataset.target_shape)
    with pytest.raises(IndexError):
        dataset[33]


def test_recordings_need_no_cache(recording, preprocessing, windows):
    prepared = prepare(recording(), preprocessing, rate_hz=64.0)
    timeline = Timeline("p1_s1", prepared.duration_s)
    dataset = EEGWindowDataset([CachedRecording.from_recording(prepared, timeline)], windows)
    assert len(dataset) == 17
    assert dataset[16][0].shape == (2, 512)


def test_windows_are_a_minute_every_ten_seconds_unless_told(recording, preprocessing):
    prepared = prepare(recording(seconds=75), preprocessing, rate_hz=64.0)
    dataset = EEGWindowDataset([CachedRecording.from_recording(prepared, None)])
    assert dataset.input_shape == (2, 60 * 64)
    assert dataset.table.first.tolist() == [0, 640, 960]
    assert np.isnan(dataset[0][1]).all()


def test_what_is_in_no_window_is_said(folder, caplog):
    with caplog.at_level(logging.WARNING):
        EEGWindowDataset(folder, WindowConfig(window_size=12, stride=6, sampling_rate=64))
    assert "20.0 s lie in stretches shorter than one window of 12 s" in caplog.text
    assert "recordings without any window: p2_s1" in caplog.text


def test_the_balanced_dataset_is_the_recipe_of_the_seed(folder, windows):
    dataset = BalancedSeizureDataset(folder, windows=windows)
    kinds = dataset.table.kind
    n_partial = int((kinds == 1).sum())
    whole = open_cache(folder).windows(windows)
    assert n_partial == len(whole.of_kind(WindowKind.PARTIAL))
    assert int((kinds == 2).sum()) == min(int(0.3 * n_partial), len(whole.of_kind(WindowKind.FULL)))
    assert int((kinds == 0).sum()) == min(
        int(2.5 * n_partial), len(whole.of_kind(WindowKind.BACKGROUND))
    )
    again = BalancedSeizureDataset(folder, windows=windows, seed=42)
    np.testing.assert_array_equal(dataset.table.first, again.table.first)
    other = BalancedSeizureDataset(folder, windows=windows, seed=43)
    assert dataset.table.first.tolist() != other.table.first.tolist()


def test_the_manifest_is_made_where_it_is_needed_and_only_there(folder, windows):
    EEGWindowDataset(folder, windows)
    assert not (folder / "manifest.json").exists()
    with pytest.raises(DataError, match=r"manifest.json' does not exist. Run `neurorun scan-cache"):
        BalancedSeizureDataset(folder, windows=windows, ensure_manifest=False)
    BalancedSeizureDataset(folder, windows=windows)
    BalancedSeizureDataset(folder, windows=windows, ensure_manifest=False)
    assert load_manifest(folder, windows, rebuild=False)


def test_the_loader_reads_what_the_dataset_holds(folder, windows):
    dataset = EEGWindowDataset(folder, windows)
    sampler = EpochSampler(dataset.table, SamplingConfig(), seed=5)
    loader = ExampleLoader(dataset, batch_size=4, order=sampler.order, num_workers=2)
    rows = iter(sampler.order(1))
    for inputs, targets in loader.batches(1):
        for window, mask in zip(inputs, targets, strict=True):
            expected = dataset[int(next(rows))]
            np.testing.assert_array_equal(window, expected[0])
            np.testing.assert_array_equal(mask, expected[1])
    assert next(rows, None) is None


@pytest.mark.integration
@pytest.mark.parametrize("n_workers", [0, 1])
def test_pytorch_reads_it_too(folder, windows, n_workers):
    data = pytest.importorskip("torch.utils.data")
    dataset = BalancedSeizureDataset(folder, windows=windows)
    loader = data.DataLoader(
        dataset,
        batch_size=4,
        num_workers=n_workers,
        multiprocessing_context="spawn" if n_workers else None,
    )
    batches = [(x.clone(), y.clone()) for x, y in loader]
    assert sum(len(x) for x, _ in batches) == len(dataset)
    np.testing.assert_array_equal(batches[0][0][1].numpy(), dataset[1][0])
    np.testing.assert_array_equal(batches[0][1][1].numpy(), dataset[1][1])


def test_a_batch_is_gathered_into_one_array(folder, windows):
    dataset = EEGWindowDataset(folder, windows)
    gathered = dataset.__getitems__([5, 0, 5])
    assert gathered.inputs.shape == (3, *dataset.input_shape)
    assert len(gathered) == 3
    for (window, mask), index in zip(gathered, [5, 0, 5], strict=True):
        assert np.shares_memory(window, gathered.inputs)
        np.testing.assert_array_equal(window, dataset[index][0])
        np.testing.assert_array_equal(mask, dataset[index][1])
    with pytest.raises(IndexError):
        dataset.__getitems__([0, len(dataset)])


@pytest.mark.integration
@pytest.mark.parametrize("n_workers", [0, 2])
@pytest.mark.parametrize("collate", [None, collate_gathered], ids=["of-torch", "ours"])
@pytest.mark.filterwarnings("ignore:'pin_memory' argument is set as true but no accelerator")
def test_pytorch_gathers_whole_batches(folder, windows, n_workers, collate):
    data = pytest.importorskip("torch.utils.data")
    dataset = EEGWindowDataset(folder, windows)
    loader = data.DataLoader(
        dataset,
        batch_size=4,
        sampler=data.SequentialSampler(dataset),
        num_workers=n_workers,
        multiprocessing_context="spawn" if n_workers else None,
        collate_fn=collate,
        pin_memory=True,
    )
    batches = [(x.clone(), y.clone()) for x, y in loader]
    assert [len(x) for x, _ in batches] == [4] * 8 + [1]
    np.testing.assert_array_equal(batches[2][0][1].numpy(), dataset[9][0])
    np.testing.assert_array_equal(batches[2][1][1].numpy(), dataset[9][1])


@pytest.mark.integration
def test_distributed_samplers_of_pytorch_divide_it(folder, windows):
    data = pytest.importorskip("torch.utils.data")
    dataset = EEGWindowDataset(folder, windows)
    shares = [
        list(data.DistributedSampler(dataset, num_replicas=3, rank=rank, seed=1))
        for rank in range(3)
    ]
    assert sorted(row for share in shares for row in share) == list(range(33))
    loader = data.DataLoader(
        dataset,
        batch_size=4,
        sampler=data.DistributedSampler(dataset, num_replicas=3, rank=1, seed=1),
    )
    first = next(iter(loader))[0]
    np.testing.assert_array_equal(first[2].numpy(), dataset[shares[1][2]][0])


@pytest.mark.parametrize("sampling", ["redrawn", "fixed", "oversampled"])
@pytest.mark.parametrize("world", [2, 3, 5])
def test_the_processes_of_a_run_get_disjoint_shares_of_an_epoch(folder, windows, sampling, world):
    dataset = EEGWindowDataset(folder, windows)
    sampler = EpochSampler(dataset.table, SamplingConfig(sampling=sampling), seed=5)
    loader = ExampleLoader(dataset, batch_size=2, order=sampler.order, num_workers=1)
    for epoch in (0, 3):
        whole = [masks.copy() for _, masks in loader.batches(epoch)]
        shared = [
            [masks.copy() for _, masks in loader.batches(epoch, first_batch=rank, stride=world)]
            for rank in range(world)
        ]
        assert sum(len(share) for share in shared) == len(whole)
        for number, masks in enumerate(whole):
            np.testing.assert_array_equal(shared[number % world][number // world], masks)


def test_nothing_here_imports_pytorch():
    code = "import sys, neurorun.data; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
