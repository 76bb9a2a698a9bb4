import json
import pickle

import numpy as np
import pytest

from neurorun.core import ConfigError, DataError, FormatError
from neurorun.data import Damage, PreprocessingConfig, WindowConfig, open_cache, verify_cache
from neurorun.data.builder import build_cache
from neurorun.data.cache import cache_settings

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path, corpus, preprocessing):
    build_cache(corpus, tmp_path, split="train", preprocessing=preprocessing, rate_hz=64.0)
    return tmp_path / "train"


def edit(folder, **changes):
    path = folder / "cache.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_cache_is_a_sequence_of_recordings_by_name(folder, preprocessing):
    cache = open_cache(folder, preprocessing=preprocessing, rate_hz=64.0)
    assert [recording.recording_id for recording in cache] == ["p1_s1", "p1_s2", "p2_s1"]
    assert cache.recording_ids == ("p1_s1", "p1_s2", "p2_s1")
    assert cache.file_names == ("p1_s1.npz", "p1_s2.npz", "p2_s1.npz")
    assert (len(cache), cache.rate_hz) == (3, 64.0)
    assert cache[0] is cache[0]
    with pytest.raises(IndexError):
        cache[3]


def test_the_table_says_what_the_files_say(folder):
    cache = open_cache(str(folder))
    assert cache.extents == tuple(recording.extent for recording in cache)
    assert cache.extents[0].seizures == ((640, 1344), (1952, 2112))
    assert cache.extents[2].seizures == ((512, 640), (640, 704))


def test_windows_are_cut_without_opening_a_recording(folder, windows):
    cache = open_cache(folder)
    for path in folder.glob("*.npz"):
        path.unlink()
    table = cache.windows(windows)
    assert np.bincount(table.recording).tolist() == [17, 12, 4]


def test_windows_at_another_rate_are_refused(folder):
    with pytest.raises(ConfigError, match=r"prepared at 64 Hz, but data.sampling_rate is 256 Hz"):
        open_cache(folder).windows(WindowConfig())


def test_a_cache_can_be_sent_to_another_process(folder):
    cache = open_cache(folder)
    first = cache[0].window(0, 64)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(cache))[0].window(0, 64), first)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"bandpass": (1.0, 20.0)},
            r"built with preprocessing.bandpass = \[0.5, 20.0\], but the configuration asks for "
            r"preprocessing.bandpass = \[1.0, 20.0\]. Build another with `neurorun build-cache`",
            id="band",
        ),
        pytest.param({"notch_freq": 50}, r"preprocessing.notch_freq = null, but", id="notch"),
        pytest.param({"montage": ("C4", "C3")}, r"preprocessing.montage", id="montage"),
        pytest.param({"phase": "zero"}, r"preprocessing.phase", id="phase"),
    ],
)
def test_other_settings_are_refused_by_name(folder, preprocessing, changes, message):
    with pytest.raises(DataError, match=message):
        open_cache(folder, preprocessing=preprocessing.model_copy(update=changes))


def test_another_rate_is_refused(folder, preprocessing):
    message = r"data.sampling_rate = 64.0, but the configuration asks for data.sampling_rate = 32"
    for settings in (None, preprocessing):
        with pytest.raises(DataError, match=message):
            open_cache(folder, preprocessing=settings, rate_hz=32.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"normalize": False},
        {"standardize": "robust"},
        {"standardize": "fixed", "fixed_scale_uv": 30.0},
        {"clip_at": None},
    ],
)
def test_standardization_can_change_without_a_rebuild(folder, preprocessing, changes):
    changed = preprocessing.model_copy(update=changes)
    window = open_cache(folder, preprocessing=changed)[0].window(0, 128)
    assert not np.array_equal(window, open_cache(folder)[0].window(0, 128)) or "clip_at" in changes


def test_every_setting_that_decides_the_signal_is_in_the_fingerprint():
    standard = cache_settings(PreprocessingConfig(), rate_hz=256.0)
    later = {"normalize", "standardize", "fixed_scale_uv", "clip_at"}
    named = {name.removeprefix("preprocessing.") for name in standard}
    assert set(PreprocessingConfig.model_fields) - later <= named
    assert not later & named


def test_an_interrupted_build_is_not_used(folder):
    edit(folder, complete=False)
    with pytest.raises(DataError, match=r"is not complete: its build was interrupted or is still"):
        open_cache(folder)
    assert verify_cache(folder) == (Damage("cache.json", "the build was interrupted"),)


def test_missing_and_resized_files_are_noticed_at_once(folder):
    (folder / "p1_s1.npz").unlink()
    with (folder / "p2_s1.npz").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(DataError, match=r"p1_s1.npz \(missing\), p2_s1.npz \(\d+ bytes instead of"):
        open_cache(folder)


def test_a_folder_without_cache_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no cache.json; give the folder of one split of a"):
        open_cache(tmp_path)


def test_a_cache_of_the_earlier_program_is_named_as_such(tmp_path):
    (tmp_path / "p1_s1_windows.npz").touch()
    with pytest.raises(DataError, match=r"earlier program.*convert_earlier_cache"):
        open_cache(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 9}, r"version 9; this program reads neurorun-cache, version 1"),
        ({"format": "zarr"}, r"is of format zarr"),
        (
            {"recordings": [{}]},
            r"is damaged \('stored'\); delete it and run `neurorun build-cache`",
        ),
        ({"recordings": 5}, r"is damaged"),
    ],
)
def test_tables_that_we_do_not_know_are_refused(folder, changes, message):
    edit(folder, **changes)
    with pytest.raises(FormatError, match=message):
        open_cache(folder)


def test_a_table_that_is_no_json_is_refused(folder):
    (folder / "cache.json").write_text("{")
    with pytest.raises(DataError, match=r"cache.json' is not readable as JSON"):
        open_cache(folder)


def test_a_cache_without_recordings_is_refused(tmp_path, corpus, preprocessing):
    absent = preprocessing.model_copy(update={"montage": ("Oz",)})
    build_cache(corpus, tmp_path, split="train", preprocessing=absent, rate_hz=64.0)
    with pytest.raises(DataError, match=r"holds none of its 3 recordings \(p1_s1: .*'Oz'"):
        open_cache(tmp_path / "train")


def test_a_whole_cache_passes(folder):
    assert verify_cache(folder) == ()


def flip_a_byte(path):
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(data)


def test_damage_is_named(folder):
    flip_a_byte(folder / "p1_s1.npz")
    (folder / "p1_s2.npz").unlink()
    (folder / "p2_s1.npz").rename(folder / "other.npz")
    assert verify_cache(folder) == (
        Damage("p1_s1.npz", "its checksum is another; delete it and build again"),
        Damage("p1_s2.npz", "missing"),
        Damage("p2_s1.npz", "missing"),
        Damage("other.npz", "is not in the table of the cache"),
    )


def test_a_table_that_contradicts_its_files_is_noticed(folder):
    rows = json.loads((folder / "cache.json").read_text())["recordings"]
    rows[0]["stored"]["seizures"] = [[0, 64]]
    edit(folder, recordings=rows, settings={"data.sampling_rate": 64.0})
    faults = {damage.file: damage.fault for damage in verify_cache(folder)}
    assert set(faults.values()) == {"it was prepared with other settings"}
    settings = cache_settings(
        PreprocessingConfig(montage=("C3", "C4"), bandpass=(0.5, 20.0), notch_freq=None),
        rate_hz=64.0,
    )
    edit(folder, settings=settings)
    assert verify_cache(folder) == (
        Damage("p1_s1.npz", "the table says something else of its samples or seizures"),
    )


def test_a_file_that_is_no_recording_is_noticed(folder):
    from neurorun.core import sha256_of

    path = folder / "p1_s1.npz"
    path.write_bytes(b"x" * path.stat().st_size)
    rows = json.loads((folder / "cache.json").read_text())["recordings"]
    rows[0]["stored"]["sha256"] = sha256_of(path)
    edit(folder, recordings=rows)
    (damage,) = verify_cache(folder)
    assert "is not a whole NPZ file" in damage.fault
