import json
import logging

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurorun.core import DataError, whole_recording
from neurorun.data import (
    Extent,
    PreprocessingConfig,
    WindowConfig,
    load_manifest,
    open_cache,
    scan_cache,
)
from neurorun.data.builder import build_cache
from neurorun.data.cache import Cache
from neurorun.data.cache_table import CacheRow, CacheTable, StoredFile

pytestmark = pytest.mark.unit

LISTS = ("partial_seizure", "full_seizure", "no_seizure")


@pytest.fixture
def folder(tmp_path, corpus, preprocessing):
    build_cache(corpus, tmp_path, split="train", preprocessing=preprocessing, rate_hz=64.0)
    return tmp_path / "train"


def read(folder):
    return json.loads((folder / "manifest.json").read_text())


def test_the_manifest_has_the_lists_of_earlier_programs(folder, windows):
    manifest = scan_cache(folder, windows)
    content = read(folder)
    assert list(content) == [*LISTS, "window"]
    assert content["full_seizure"] == [
        {"cache_file": "p1_s1.npz", "window_idx": 5},
        {"cache_file": "p1_s1.npz", "window_idx": 6},
    ]
    assert manifest.counts == {name: len(content[name]) for name in LISTS}
    assert manifest.n_seizure_windows == 16
    assert content["window"] == {
        "format": "neurorun-manifest",
        "format_version": 1,
        "window_size": 8.0,
        "stride": 2.0,
        "sampling_rate": 64.0,
        "fingerprint": open_cache(folder).content_fingerprint,
        "counts": manifest.counts,
    }


def test_the_lists_equal_counting_the_masks_of_the_files(folder, windows):
    scan_cache(folder, windows)
    expected = {name: [] for name in LISTS}
    for recording in open_cache(folder):
        for index, first in enumerate(recording.extent.starts(windows)):
            share = recording.mask(int(first), 512).mean()
            kind = "no_seizure" if share == 0 else "full_seizure" if share >= 0.99 else LISTS[0]
            item = {"cache_file": f"{recording.recording_id}.npz", "window_idx": index}
            expected[kind].append(item)
    content = read(folder)
    assert {name: content[name] for name in LISTS} == expected


def cache_of(folder, recordings):
    """Make the cache of recordings that are seizures and length only; no file is behind it."""
    rows = tuple(
        CacheRow(
            f"r{number}",
            "p",
            "ok",
            "",
            StoredFile(f"r{number}.npz", 0, "", Extent(f"r{number}", whole_recording(n), s), 0),
        )
        for number, (n, s) in enumerate(recordings)
    )
    table = CacheTable("train", {"data.sampling_rate": 1.0}, rows, complete=True)
    return Cache(folder, table, PreprocessingConfig())


edges = st.lists(st.integers(0, 200), unique=True, max_size=8).map(
    lambda x: tuple(zip(sorted(x)[::2], sorted(x)[1::2], strict=False))
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    recordings=st.lists(st.tuples(st.integers(200, 300), edges), min_size=1, max_size=4),
    stride=st.integers(1, 100),
)
def test_every_manifest_equals_counting_masks(tmp_path, recordings, stride):
    windows = WindowConfig(window_size=100, stride=stride, sampling_rate=1)
    scan_cache(cache_of(tmp_path, recordings), windows)
    content = read(tmp_path)
    kinds = {
        (item["cache_file"], item["window_idx"]): name for name in LISTS for item in content[name]
    }
    for number, (n_samples, seizures) in enumerate(recordings):
        mask = np.zeros(n_samples, bool)
        for first, stop in seizures:
            mask[first:stop] = True
        starts = [*range(0, n_samples - 100, stride), n_samples - 100]
        for index, start in enumerate(starts):
            share = mask[start : start + 100].mean()
            kind = "no_seizure" if share == 0 else "full_seizure" if share >= 0.99 else LISTS[0]
            assert kinds.pop((f"r{number}.npz", index)) == kind
    assert not kinds


def test_the_geometry_is_that_of_the_cache_if_none_is_given(tmp_path):
    manifest = scan_cache(cache_of(tmp_path, [(100, ((0, 50),))]))
    assert manifest.windows == WindowConfig(window_size=60, stride=10, sampling_rate=1)


def test_unlabelled_recordings_are_in_no_list(tmp_path):
    windows = WindowConfig(window_size=10, stride=10, sampling_rate=1)
    manifest = scan_cache(cache_of(tmp_path, [(100, None), (20, ((0, 3),))]), windows)
    assert manifest.counts == {"partial_seizure": 1, "full_seizure": 0, "no_seizure": 1}


def test_without_seizures_there_is_nothing_to_balance(tmp_path):
    windows = WindowConfig(window_size=10, stride=10, sampling_rate=1)
    assert scan_cache(cache_of(tmp_path, [(100, ())]), windows).n_seizure_windows == 0


def test_a_true_manifest_is_used_as_it_is(folder, windows, caplog):
    first = scan_cache(folder, windows)
    before = first.path.stat().st_mtime_ns
    with caplog.at_level(logging.INFO):
        again = load_manifest(folder, windows)
    assert (first.path.stat().st_mtime_ns, caplog.text) == (before, "")
    assert again.counts == first.counts


def damage(content):
    def write(path):
        path.write_text(content if isinstance(content, str) else json.dumps(content))

    return write


def change_geometry(path):
    path.write_text(path.read_text().replace('"stride": 2.0', '"stride": 4.0'))


def change_labels(path):
    path.write_text(path.read_text().replace('"fingerprint": "', '"fingerprint": "0'))


def drop_a_window(path):
    path.write_text(path.read_text().replace('{"cache_file": "p1_s1.npz", "window_idx": 0},\n', ""))


EMPTY = {"partial_seizure": [], "full_seizure": [], "no_seizure": []}
FOREIGN = EMPTY | {"no_seizure": [{"cache_file": "a_windows.npz", "window_idx": 0}]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda path: path.unlink(), r"does not exist", id="absent"),
        pytest.param(damage("{"), r"is not readable as JSON", id="torn"),
        pytest.param(lambda path: path.write_bytes(b"\xff"), r"not readable as text", id="bytes"),
        pytest.param(damage(FOREIGN), r"comes from another program", id="foreign"),
        pytest.param(damage([]), r"comes from another program", id="no-manifest"),
        pytest.param(damage(EMPTY | {"window": {}}), r"is empty", id="empty"),
        pytest.param(change_geometry, r"has stride 4.0, the cache stride 2.0", id="geometry"),
        pytest.param(change_labels, r"it has fingerprint \"0", id="stale"),
        pytest.param(drop_a_window, r"lists other windows than the cache has", id="edited"),
    ],
)
def test_untrue_manifests_are_written_again_and_said_so(folder, windows, caplog, change, message):
    path = scan_cache(folder, windows).path
    text = path.read_text()
    change(path)
    with pytest.raises(DataError, match=message + r".*Run `neurorun scan-cache`"):
        load_manifest(folder, windows, rebuild=False)
    with caplog.at_level(logging.WARNING):
        load_manifest(folder, windows)
    assert path.read_text() == text
    assert ("written again" in caplog.text) == (message != "does not exist")


def test_changed_labels_make_a_manifest_stale(
    folder, windows, corpus, preprocessing, entry, recording
):
    before = load_manifest(folder, windows).counts
    entry(corpus[1].path.parent, recording("p1_s2", seconds=30, seed=2), [(3, 9)])
    build_cache(corpus, folder.parent, split="train", preprocessing=preprocessing, rate_hz=64.0)
    with pytest.raises(DataError, match=r"is not of this cache as it is now"):
        load_manifest(folder, windows, rebuild=False)
    assert load_manifest(folder, windows).counts != before


def test_a_rebuild_can_be_forced(folder, windows, monkeypatch, caplog):
    path = scan_cache(folder, windows).path
    before = path.stat().st_ino
    monkeypatch.setenv("BGB_FORCE_MANIFEST_REBUILD", "1")
    with caplog.at_level(logging.WARNING):
        load_manifest(folder, windows)
    assert path.stat().st_ino != before
    assert "was asked for by BGB_FORCE_MANIFEST_REBUILD; written again" in caplog.text
