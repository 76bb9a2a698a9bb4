import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neurorun.core import DataError, FormatError
from neurorun.data.aligned_npz import (
    AlignedNpzWriter,
    locate_members,
    map_member,
    read_member,
    state_of,
)

pytestmark = pytest.mark.unit

ARRAYS = {
    "signal": np.arange(60, dtype=np.int16).reshape(3, 20),
    "scale": np.array([0.5, 2.0, 3.0], np.float32),
    "events": np.empty((0, 2)),
    "labels": np.array(["seiz", "bckg"]),
    "header": np.array('{"patient": "Zoë"}'),
}


def write(path, arrays=ARRAYS):
    with path.open("wb") as stream:
        npz = AlignedNpzWriter(stream)
        for name, array in arrays.items():
            npz.add(name, array)
        npz.close()
    return path


def test_numpy_reads_what_we_write(tmp_path):
    with np.load(write(tmp_path / "a.npz"), allow_pickle=False) as npz:
        assert set(npz) == set(ARRAYS)
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(npz[name], array)
            assert npz[name].dtype == array.dtype


def test_the_archive_passes_its_own_check(tmp_path):
    with zipfile.ZipFile(write(tmp_path / "a.npz")) as archive:
        assert archive.testzip() is None


def test_every_array_begins_at_a_multiple_of_64_bytes(tmp_path):
    members = locate_members(write(tmp_path / "a.npz"))
    assert {member.offset % 64 for member in members.values()} == {0}


def test_the_same_arrays_give_the_same_bytes(tmp_path):
    first, second = write(tmp_path / "a.npz"), write(tmp_path / "b.npz")
    os.utime(first, (0, 0))
    assert first.read_bytes() == second.read_bytes()


def test_pieces_give_the_same_bytes_as_the_whole(tmp_path):
    whole = write(tmp_path / "a.npz", {"signal": ARRAYS["signal"]})
    with (tmp_path / "b.npz").open("wb") as stream:
        npz = AlignedNpzWriter(stream)
        pieces = iter(ARRAYS["signal"].reshape(-1)[i : i + 7] for i in range(0, 60, 7))
        npz.add_pieces("signal", pieces, shape=(3, 20), dtype=np.dtype(np.int16))
        npz.close()
    assert (tmp_path / "b.npz").read_bytes() == whole.read_bytes()


def test_members_are_mapped_and_read_in_place(tmp_path):
    path = write(tmp_path / "a.npz")
    members = locate_members(path)
    mapped = map_member(path, members["signal"], state_of(path)).array
    np.testing.assert_array_equal(mapped, ARRAYS["signal"])
    assert mapped.flags.aligned
    assert not mapped.flags.writeable
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read_member(path, members[name]), array)


def test_columns_can_be_announced(tmp_path):
    signal = np.arange(60_000, dtype=np.int16).reshape(3, 20_000)
    path = write(tmp_path / "a.npz", {"signal": signal})
    mapped = map_member(path, locate_members(path)["signal"], state_of(path))
    for first, stop in [(0, 20_000), (19_999, 20_000), (5_000, 9_000)]:
        mapped.announce(first, stop)
        np.testing.assert_array_equal(mapped.array[:, first:stop], signal[:, first:stop])


def test_files_of_numpy_can_be_located_too(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, signal=ARRAYS["signal"])
    np.testing.assert_array_equal(
        read_member(path, locate_members(path)["signal"]), ARRAYS["signal"]
    )


def test_a_file_that_was_replaced_is_not_mixed_with_the_old_one(tmp_path):
    path = write(tmp_path / "a.npz")
    member, state = locate_members(path)["signal"], state_of(path)
    write(tmp_path / "b.npz", {**ARRAYS, "signal": ARRAYS["signal"] + 1}).replace(path)
    with pytest.raises(DataError, match=r"was written again while it was read; windows of two"):
        map_member(path, member, state)
    path.unlink()
    with pytest.raises(DataError, match=r"was deleted while it was read; start again"):
        map_member(path, member, state)


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-40])


def compress(path):
    np.savez_compressed(path, signal=ARRAYS["signal"])


def transpose(path):
    np.savez(path, signal=np.asfortranarray(ARRAYS["signal"]))


def pickle(path):
    np.savez(path, signal=np.array([None]), allow_pickle=True)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(cut_off, r"is not a whole NPZ file", id="cut-off"),
        pytest.param(compress, r"'signal.npy' is compressed and cannot be mapped", id="compressed"),
        pytest.param(transpose, r"is no plain array in row order", id="columns-first"),
        pytest.param(pickle, r"is no plain array in row order", id="objects"),
        pytest.param(lambda path: path.write_text("EDF"), r"is not a whole NPZ", id="no-zip"),
    ],
)
def test_other_files_are_refused(tmp_path, damage, message):
    path = write(tmp_path / "a.npz")
    damage(path)
    with pytest.raises(FormatError, match=message):
        locate_members(path)


def test_many_files_can_be_mapped_in_turn(tmp_path):
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    paths = [write(tmp_path / f"{i}.npz", {"signal": np.full((1, 9), i)}) for i in range(200)]
    located = [(path, locate_members(path)["signal"], state_of(path)) for path in paths]
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(2):
        assert [int(map_member(*args).array[0, 0]) for args in located] == list(range(200))
    assert len(list(Path("/proc/self/fd").iterdir())) - before <= 128 < limit
