import numpy as np
import pytest

from neurorun.core import DataError, FormatError
from neurorun.data import (
    PreprocessingConfig,
    WindowConfig,
    convert_earlier_cache,
    open_cache,
    read_earlier_recording,
    scan_cache,
    verify_cache,
)
from neurorun.data.builder import build_cache

pytestmark = pytest.mark.unit

WINDOWS = WindowConfig(window_size=6, stride=2, sampling_rate=16)
CHANNELS = ("C3", "C4")


def earlier_windows(seconds=21, seed=0):
    """Cut as the earlier program did: no window for what is left at the end."""
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal((2, seconds * 16)).astype(np.float32).clip(-2, 2)
    mask = np.zeros(seconds * 16, np.float32)
    mask[70:150] = mask[200:203] = 1
    starts = range(0, seconds * 16 - 96 + 1, 32)
    windows = np.stack([signal[:, s : s + 96] for s in starts])
    return {"windows": windows, "labels": np.stack([mask[s : s + 96] for s in starts])}


def write(folder, name="aaaa_s1_t0", save=np.savez_compressed, **changes):
    folder.mkdir(exist_ok=True)
    arrays = {**earlier_windows(), **changes}
    path = folder / f"{name}_windows.npz"
    save(path, **{key: array for key, array in arrays.items() if array is not None})
    return path


@pytest.fixture
def convert(tmp_path):
    def run(**options):
        return convert_earlier_cache(
            tmp_path / "old", tmp_path / "new", split="train", channels=CHANNELS, windows=WINDOWS,
            **options,
        )  # fmt: skip

    return run


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_converted_windows_are_the_earlier_ones(tmp_path, convert, save):
    write(tmp_path / "old", save=save)
    report = convert()
    assert (report.exit_code, report.rows[0].action) == (0, "built")
    cache = open_cache(report.folder)
    earlier = earlier_windows()
    table = cache.windows(WINDOWS)
    assert len(table) == len(earlier["windows"]) == 8
    for first, window, labels in zip(table.first.tolist(), *earlier.values(), strict=True):
        np.testing.assert_allclose(cache[0].window(first, 96), window, atol=2e-4)
        np.testing.assert_array_equal(cache[0].mask(first, 96), labels > 0)
    assert cache[0].timeline.recording_id == "aaaa_s1_t0"
    assert cache[0].patient == "aaaa"


def test_kinds_are_those_of_the_earlier_manifest(tmp_path, convert):
    write(tmp_path / "old")
    manifest = scan_cache(convert().folder, WINDOWS)
    shares = earlier_windows()["labels"].mean(axis=1)
    assert manifest.counts == {
        "partial_seizure": int(((shares > 0) & (shares < 0.99)).sum()),
        "full_seizure": int((shares >= 0.99).sum()),
        "no_seizure": int((shares == 0).sum()),
    }


def test_one_file_can_be_read_without_converting(tmp_path):
    path = write(tmp_path / "old")
    recording = read_earlier_recording(path, channels=CHANNELS, windows=WINDOWS)
    assert recording.extent.seizures == ((70, 150), (200, 203))
    np.testing.assert_allclose(recording.window(0, 96), earlier_windows()["windows"][0], atol=2e-4)


def test_a_conversion_goes_on_where_it_stopped(tmp_path, convert):
    write(tmp_path / "old", "a_1")
    convert()
    write(tmp_path / "old", "b_1", **earlier_windows(seed=1))
    report = convert()
    assert [row.action for row in report.rows] == ["kept", "built"]
    assert verify_cache(report.folder) == ()


def test_it_is_smaller(tmp_path, convert):
    before = write(tmp_path / "old", save=np.savez, **earlier_windows(seconds=400)).stat().st_size
    (path,) = convert().folder.glob("*.npz")
    assert path.stat().st_size < before / 6


def test_files_without_labels_are_unlabelled(tmp_path, convert):
    write(tmp_path / "old", labels=None)
    report = convert()
    assert open_cache(report.folder)[0].timeline is None


def test_microvolts_are_not_made_up(tmp_path, convert):
    write(tmp_path / "old")
    folder = convert().folder
    for changes in ({"normalize": False}, {"standardize": "fixed"}):
        config = PreprocessingConfig().model_copy(update=changes)
        cache = open_cache(folder)
        cache.config = config
        with pytest.raises(DataError, match=r"its microvolts are not known. Set preprocessing.nor"):
            _ = cache[0]
    with pytest.raises(DataError, match=r"its microvolts are not known"):
        open_cache(folder)[0].to_recording()


def test_it_counts_as_prepared_by_the_earlier_chain(tmp_path, convert):
    write(tmp_path / "old")
    folder = convert().folder
    assert len(open_cache(folder, preprocessing=PreprocessingConfig(preset="legacy"))) == 1
    with pytest.raises(DataError, match=r"preprocessing.preset = \"legacy\", but the configurat"):
        open_cache(folder, preprocessing=PreprocessingConfig())


def test_converted_and_prepared_recordings_are_not_mixed(tmp_path, convert, corpus):
    write(tmp_path / "old")
    convert()
    with pytest.raises(DataError, match=r"holds a cache that was converted from an earlier prog"):
        build_cache(
            corpus,
            tmp_path / "new",
            split="train",
            preprocessing=PreprocessingConfig(preset="legacy"),
            rate_hz=16.0,
        )


EARLIER = earlier_windows()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"windows": EARLIER["windows"][::2]}, r"windows 0 and 1 are not 2 s apart", id="stride"
        ),
        pytest.param({"labels": EARLIER["labels"][::2]}, r"labels 0 and 1 are not", id="labels"),
        pytest.param({"windows": None}, r"it has no 'windows'", id="absent"),
        pytest.param(
            {"windows": EARLIER["windows"][:, :1]},
            r"windows of shape \(1, 96\), 2 channels",
            id="channels",
        ),
        pytest.param(
            {"windows": EARLIER["windows"][..., :90]},
            r"of 90 samples, 96 were expected",
            id="length",
        ),
        pytest.param({"windows": EARLIER["windows"][:0]}, r"is no array of windows", id="empty"),
        pytest.param(
            {"windows": np.asfortranarray(EARLIER["windows"])}, r"no array of windows", id="order"
        ),
    ],
)
def test_files_that_are_not_what_they_should_be_are_refused(tmp_path, convert, changes, message):
    path = write(tmp_path / "old", **changes)
    with pytest.raises(FormatError, match=message):
        read_earlier_recording(path, channels=CHANNELS, windows=WINDOWS)
    report = convert()
    assert report.exit_code == 2
    assert "restore it, or prepare the recording again" in report.rows[0].row.reason


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damaged_files_are_refused(tmp_path, save):
    path = write(tmp_path / "old", save=save)
    data = bytearray(path.read_bytes())
    for damaged in (data[:-100], data[:500] + bytes(50) + data[550:]):
        path.write_bytes(damaged)
        with pytest.raises(FormatError, match=r"cannot be read .*; restore it"):
            read_earlier_recording(path, channels=CHANNELS, windows=WINDOWS)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no \*_windows.npz; give the folder of one split"):
        convert_earlier_cache(tmp_path, tmp_path, split="train")
