"""The spike store."""

import json
import os

import numpy as np
import pytest

from neurorun.core import DataError, FormatError
from neurorun.simulation import build_store, find_clips, load_leadfield, read_clip, save_mat
from neurorun.simulation.source import store as store_module

pytestmark = pytest.mark.unit


@pytest.fixture
def files(small_world):
    return dict(find_clips(small_world / "source/nmm_spikes"))


@pytest.fixture
def small_leadfield(small_world):
    return load_leadfield(small_world / "anatomy/leadfield.mat")


def test_every_clip_comes_out_as_it_is_in_its_file(tmp_path, files):
    store = build_store(tmp_path / "store", files, n_regions=30, n_workers=2)
    assert store.usable == tuple(sorted(files))
    for key, path in files.items():
        np.testing.assert_array_equal(store.clip(key), read_clip(path, n_regions=30))


def test_the_store_cannot_be_written_to(tmp_path, files):
    store = build_store(tmp_path / "store", files, n_regions=30)
    with pytest.raises(ValueError, match="read-only"):
        store.clips[0, 0, 0] = 1


def test_nothing_is_read_twice(tmp_path, files, monkeypatch):
    first = build_store(tmp_path / "store", files, n_regions=30)
    monkeypatch.setattr(store_module, "read_clip", None)
    again = build_store(tmp_path / "store", files, n_regions=30)
    assert again.fingerprint() == first.fingerprint()


def test_files_that_are_new_or_changed_are_read(tmp_path, files):
    keys = sorted(files)
    build_store(tmp_path / "store", {keys[0]: files[keys[0]]}, n_regions=30)
    clip = read_clip(files[keys[1]], n_regions=30).T * 2
    save_mat(tmp_path / "new.mat", {"data": clip})
    grown = build_store(tmp_path / "store", files, n_regions=30)
    changed = build_store(
        tmp_path / "store", {**files, keys[1]: tmp_path / "new.mat"}, n_regions=30
    )
    np.testing.assert_allclose(changed.clip(keys[1]), 2 * grown.clip(keys[1]))
    np.testing.assert_array_equal(changed.clip(keys[2]), grown.clip(keys[2]))
    assert changed.fingerprint() != grown.fingerprint()


def test_what_cannot_be_used_is_told(tmp_path, files):
    silent = np.zeros((500, 30), np.float32)
    save_mat(tmp_path / "silent.mat", {"data": silent})
    save_mat(tmp_path / "negative.mat", {"data": silent - 1})
    (tmp_path / "damaged.mat").write_bytes(b"x")
    odd = {
        (8, n): tmp_path / f"{name}.mat"
        for n, name in enumerate(["silent", "negative", "damaged", "absent"], 1)
    }
    store = build_store(tmp_path / "store", {**files, **odd}, n_regions=30)
    assert store.usable == tuple(sorted(files))
    assert [store.place(key) for key in odd] == [-1] * 4
    assert "region 8 has no potential above 0" in store.reason((8, 1))
    assert "region 8 has no potential above 0" in store.reason((8, 2))
    assert "begins with b'x'" in store.reason((8, 3))
    assert "absent.mat' does not exist" in store.reason((8, 4))
    assert store.reason((9, 9)) == "it was not asked for"
    with pytest.raises(DataError, match="Clip 4 of region 8 is not in the store"):
        store.clip((8, 4))


def test_the_background_is_the_projection_of_each_clip(tmp_path, files, small_leadfield):
    store = build_store(tmp_path / "store", files, n_regions=30)
    background = store.background(small_leadfield)
    for key in store.usable:
        expected = small_leadfield @ store.clip(key).astype(np.float64)
        np.testing.assert_allclose(background[store.place(key)], expected, rtol=1e-5, atol=1e-5)


def test_the_background_grows_with_the_store(tmp_path, files, small_leadfield):
    keys = sorted(files)
    few = build_store(tmp_path / "store", {k: files[k] for k in keys[:3]}, n_regions=30)
    before = few.background(small_leadfield).copy()
    more = build_store(tmp_path / "store", files, n_regions=30)
    after = more.background(small_leadfield)
    np.testing.assert_array_equal(after[:3], before)
    assert len(after) == len(keys)
    other = more.background(2 * small_leadfield)
    np.testing.assert_allclose(other, 2 * after, rtol=1e-6)


def test_a_build_that_was_cut_off_leaves_nothing_behind(tmp_path, files, small_leadfield):
    keys = sorted(files)
    build_store(tmp_path / "store", {k: files[k] for k in keys[:2]}, n_regions=30)
    with (tmp_path / "store" / store_module.CLIPS_FILE).open("ab") as stream:
        stream.write(b"half a clip")
    store = build_store(tmp_path / "store", files, n_regions=30)
    assert store.damaged() == ()
    for key in keys:
        np.testing.assert_array_equal(store.clip(key), read_clip(files[key], n_regions=30))


def test_damage_is_found_by_checksum(tmp_path, files):
    store = build_store(tmp_path / "store", files, n_regions=30)
    with (tmp_path / "store" / store_module.CLIPS_FILE).open("r+b") as stream:
        stream.write(b"\x01")
    assert store.damaged() == (min(files),)


def test_a_store_that_was_cut_short_is_refused(tmp_path, files):
    build_store(tmp_path / "store", files, n_regions=30)
    os.truncate(tmp_path / "store" / store_module.CLIPS_FILE, 100)
    with pytest.raises(FormatError, match="is shorter than its table says; delete the folder"):
        build_store(tmp_path / "store", files, n_regions=30)


def test_a_store_of_another_kind_is_refused(tmp_path, files):
    build_store(tmp_path / "store", files, n_regions=30)
    with pytest.raises(FormatError, match="holds clips of 30 regions and 500 samples, 31 and 500"):
        build_store(tmp_path / "store", files, n_regions=31)
    path = tmp_path / "store" / store_module.STORE_FILE
    table = json.loads(path.read_text())
    path.write_text(json.dumps({**table, "format_version": 2}))
    with pytest.raises(FormatError, match="neurorun-spike-store 1 is read"):
        build_store(tmp_path / "store", files, n_regions=30)


def test_a_place_that_cannot_be_written_is_named(tmp_path, files):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"Cannot write the store .* Set store_dir to a folder"):
        build_store(tmp_path / "file" / "store", files, n_regions=30)
