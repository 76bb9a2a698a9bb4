import json
from pathlib import Path

import numpy as np
import pytest

from neurorun.core import FormatError, RunError
from neurorun.runs.attention import (
    ATTENTION_MANIFEST,
    ATTENTION_METADATA,
    AttentionMap,
    MapOrigin,
    attention_maps_of,
    attention_path,
    is_sound,
    read_attention_manifest,
    read_attention_map,
    read_attention_metadata,
    verify_attention,
    write_attention_index,
    write_attention_map,
)

pytestmark = pytest.mark.unit


def map_of(file_id, shape=(2, 5), fill=0.5):
    channels = tuple(f"c{n}" for n in range(shape[0]))
    return AttentionMap(file_id, np.full(shape, fill, np.float32), 50.0, channels)


def test_maps_open_with_the_snippet_of_gaze_experiments(tmp_path):
    write_attention_map(tmp_path, map_of("sample_001"))
    maps = {}
    for npz_file in Path(tmp_path / "attention_maps").glob("*_attention.npz"):
        data = np.load(npz_file, allow_pickle=False)
        maps[str(data["file_id"])] = data["attention_map"]
        assert tuple(data["shape"]) == (2, 5)
        assert float(data["sampling_rate"]) == 50.0
    assert maps["sample_001"].dtype == np.float32


def test_maps_come_back(tmp_path):
    for file_id in ("a/b", "a_b", "C:\\x"):
        write_attention_map(tmp_path, map_of(file_id))
    maps = attention_maps_of(tmp_path)
    assert sorted(maps) == ["C:\\x", "a/b", "a_b"]
    assert maps["a/b"].channels == ("c0", "c1")
    np.testing.assert_array_equal(maps["a/b"].attention_map, 0.5)


def test_values_outside_0_to_1_are_cut_off(tmp_path):
    write_attention_map(tmp_path, map_of("high", fill=2.0))
    assert attention_maps_of(tmp_path)["high"].attention_map.max() == 1.0


def test_index_counts_the_files_that_are_there(tmp_path):
    for file_id in ("a", "b", "a"):
        write_attention_map(tmp_path, map_of(file_id))
    write_attention_index(tmp_path, created="now")
    entries = read_attention_manifest(tmp_path)
    assert [(e.file_id, e.path, e.shape) for e in entries] == [
        ("a", "a_attention.npz", (2, 5)),
        ("b", "b_attention.npz", (2, 5)),
    ]
    metadata = read_attention_metadata(tmp_path)
    assert (metadata.n_samples, metadata.expected_shape) == (2, (2, 5))
    assert list(json.loads((tmp_path / ATTENTION_METADATA).read_text()))[:5] == [
        "n_samples", "expected_shape", "dtype", "sampling_rate", "created",
    ]  # fmt: skip
    assert metadata.channel_names == ("c0", "c1")
    for entry in json.loads((tmp_path / ATTENTION_MANIFEST).read_text()):
        assert (tmp_path / "attention_maps" / entry["path"]).exists()


@pytest.mark.parametrize("shapes", [[], [(2, 5), (2, 6)]])
def test_index_needs_maps_of_one_shape(tmp_path, shapes):
    for number, shape in enumerate(shapes):
        write_attention_map(tmp_path, map_of(str(number), shape))
    with pytest.raises(RunError, match=rf"holds {len(shapes)} maps of the shapes .*; at least one"):
        write_attention_index(tmp_path, created="now")


@pytest.mark.parametrize(
    ("array", "rate", "channels", "message"),
    [
        (np.array([[np.nan]], np.float32), 50.0, ("c",), "not finite; numbers in"),
        (np.zeros((2, 1), np.float32), 50.0, ("c",), "has 2 rows, 1 channel names and 50.0 Hz"),
        (np.zeros((1, 1), np.float32), 0.0, ("c",), "a rate above 0 are needed"),
    ],
)
def test_maps_that_cannot_be_are_refused(array, rate, channels, message):
    with pytest.raises(RunError, match=message):
        AttentionMap("x", array, rate, channels)


def test_damaged_map_is_told(tmp_path):
    write_attention_map(tmp_path, map_of("a"))
    path = tmp_path / attention_path("a")
    for damaged in (b"", b"no zip", path.read_bytes()[:200]):
        path.write_bytes(damaged)
        with pytest.raises(FormatError, match="is not a readable attention map"):
            read_attention_map(path)


def test_everything_that_is_known_of_a_map_comes_back(tmp_path):
    origin = MapOrigin(
        "tcp", segment_start_s=300.0, n_valid=4, true_label=1, predicted_label=0,
        prob_abnormal=0.25, dataset="test", model_sha256="ab",
    )  # fmt: skip
    time, space = np.linspace(0, 1, 5, dtype=np.float32), np.float32([0.5, 2.0])
    written = AttentionMap(
        "a", np.outer(space, time), 50.0, ("x", "y"), origin, time_factor=time, channel_factor=space
    )
    entry = write_attention_map(tmp_path, written, saved_at="now")
    read = attention_maps_of(tmp_path)["a"]
    assert (read.origin, read.clip, read.shape) == (origin, written.clip, (2, 5))
    assert read.clip.raw_max == 2.0
    assert read.clip.clipped_fraction == pytest.approx(0.2)
    np.testing.assert_array_equal(read.time_factor, time)
    np.testing.assert_array_equal(read.channel_factor, space)
    assert (entry.model_sha256, entry.saved_at) == ("ab", "now")
    assert is_sound(tmp_path, entry)


def test_factors_fit_the_map():
    with pytest.raises(RunError, match="has a time factor of 3 values; 5 are needed"):
        AttentionMap("a", np.zeros((2, 5), np.float32), 50.0, ("x", "y"),
                     time_factor=np.zeros(3, np.float32))  # fmt: skip


def test_the_index_is_extended_and_forgets_what_is_gone(tmp_path):
    first = write_attention_map(tmp_path, map_of("a"), saved_at="1")
    write_attention_index(tmp_path, created="1", entries=[first])
    second = write_attention_map(tmp_path, map_of("b"), saved_at="2")
    write_attention_map(tmp_path, map_of("c"))  # as if the process died before it was listed
    entries = write_attention_index(tmp_path, created="2", entries=[second])
    assert [(e.file_id, e.saved_at) for e in entries] == [("a", "1"), ("b", "2"), ("c", "2")]
    (tmp_path / attention_path("a")).unlink()
    assert [e.file_id for e in write_attention_index(tmp_path, created="3")] == ["b", "c"]
    assert len(verify_attention(tmp_path)) == 2


def test_an_index_that_is_not_true_is_told(tmp_path):
    for file_id in ("a", "b"):
        write_attention_map(tmp_path, map_of(file_id))
    write_attention_index(tmp_path, created="now")
    (tmp_path / attention_path("a")).unlink()
    write_attention_map(tmp_path, map_of("c"))
    with pytest.raises(FormatError, match=r"'a_attention.npz' is missing or changed, and 1 more"):
        verify_attention(tmp_path)


def test_a_shape_that_is_not_that_of_the_map_is_told(tmp_path, monkeypatch):
    import neurorun.runs.attention as module

    arrays = module.attention_arrays(map_of("a"))
    monkeypatch.setattr(module, "attention_arrays", lambda _: {**arrays, "shape": np.array((3, 5))})
    write_attention_map(tmp_path, map_of("a"))
    with pytest.raises(FormatError, match=r"says that its map is \(3, 5\), and it is \(2, 5\)"):
        attention_maps_of(tmp_path)["a"]
