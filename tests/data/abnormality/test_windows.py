import csv
from pathlib import Path

import numpy as np
import pytest

from neurorun.core import DataError, FormatError
from neurorun.data import (
    AbnormalityDataConfig,
    AbnormalityPreprocessingConfig,
    GazeExamples,
    GazeMapConfig,
    annotations_of,
    find_abnormality_recordings,
    place_windows,
    prepare_window,
    prepare_windows,
)
from neurorun.data.abnormality.segments import polyphase
from neurorun.formats import open_edf

pytestmark = pytest.mark.unit

SHARED = Path(__file__).resolve().parents[3] / "../shared/data"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="shared data are not here")


def settings(tmp_path, **more):
    more = {"window_size": 10.0, "sampling_rate": 50.0, **more}
    return AbnormalityDataConfig(data_dir=tmp_path / "corpus", cache_dir=tmp_path / "cache", **more)


def prepared(path, config, **more):
    file, preprocessing = open_edf(path), AbnormalityPreprocessingConfig(**more)
    places = place_windows(file, config, preprocessing)
    return [prepare_window(file, place, config, preprocessing) for place in places], places


@pytest.mark.parametrize(
    ("seconds", "more", "onsets", "n_valid"),
    [
        (20, {}, [0.0, 10.0], [500, 500]),
        (29, {}, [0.0, 10.0], [500, 500]),
        (29, {"max_windows": 1}, [0.0], [500]),
        (7, {}, [0.0], [350]),
        (7, {"short_recordings": "skip"}, [], []),
    ],
)
def test_windows_follow_each_other_and_the_rest_is_dropped(
    tmp_path, write_edf, seconds, more, onsets, n_valid
):
    path = write_edf("normal/a.edf", seconds=seconds)
    windows, places = prepared(path, settings(tmp_path, **more))
    assert [place.onset_s for place in places] == onsets
    assert [window.n_valid for window in windows] == n_valid
    assert all(window.signal_uv.shape == (22, 500) for window in windows)


def test_derivations_are_differences_of_electrodes(tmp_path, write_edf):
    path = write_edf("normal/a.edf")
    (tcp, _), _ = prepared(path, settings(tmp_path), clip_uv=None)
    (own, _), _ = prepared(path, settings(tmp_path), clip_uv=None, montage="referential")
    rows = dict(zip(own.channels, own.signal_uv, strict=True))
    for channel, row in zip(tcp.channels, tcp.signal_uv, strict=True):
        first, second = channel.split("-")
        np.testing.assert_allclose(row, rows[first] - rows[second], atol=1e-3)


def test_amplitudes_are_clipped_padding_repeats_and_flat_channels_are_named(tmp_path, write_edf):
    path = write_edf("normal/a.edf", seconds=7, flat=("O1", "P3"))
    (window,), _ = prepared(path, settings(tmp_path), clip_uv=15)
    assert np.abs(window.signal_uv).max() <= 15
    assert window.flat == ("P3-O1",)
    assert window.spread[window.channels.index("P3-O1")] == 1
    assert (window.signal_uv[:, 350:] == window.signal_uv[:, 349:350]).all()


def test_missing_electrodes_are_refused_or_zero(tmp_path, write_edf):
    names = tuple(n for n in open_edf(write_edf("normal/b.edf")).header.channels if n[0] != "A")
    path = write_edf("normal/a.edf", channels=names)
    with pytest.raises(DataError, match=r"lacks A1, A2 of the montage 'tcp'; .*missing_channels"):
        prepared(path, settings(tmp_path))
    (window, _), _ = prepared(path, settings(tmp_path), missing_channels="zero")
    assert window.missing == ("A1-T3", "T4-A2")


def test_mains_are_taken_out_where_the_new_rate_carries_them(tmp_path, write_edf):
    path = write_edf("normal/a.edf", rate_hz=200.0)
    config = settings(tmp_path, sampling_rate=125.0)
    with_mains, _ = prepared(path, config, notch_freq=None)
    without, _ = prepared(path, config, notch_freq=50.0)

    def mains(window):
        return np.abs(np.fft.rfft(window.signal_uv, axis=1))[:, 500].mean()

    assert mains(without[0]) < 0.15 * mains(with_mains[0])


def test_drift_is_taken_out_on_request_and_the_rest_stays(tmp_path, write_edf):
    """What the window is does not depend on where it begins: filters settle before it."""
    path = write_edf("normal/a.edf", seconds=40)
    plain, _ = prepared(path, settings(tmp_path), clip_uv=None)
    without, _ = prepared(path, settings(tmp_path), clip_uv=None, highpass_freq=1.0)
    clock_hz = np.fft.rfftfreq(500, 1 / 50)
    for before, after in zip(plain[1:3], without[1:3], strict=True):
        spectra = [np.abs(np.fft.rfft(one.signal_uv * np.hanning(500))) for one in (before, after)]
        drift, rhythm = clock_hz < 0.35, (clock_hz > 4) & (clock_hz < 20)
        assert spectra[1][:, drift].sum() < 0.15 * spectra[0][:, drift].sum()
        assert spectra[1][:, rhythm].sum() == pytest.approx(spectra[0][:, rhythm].sum(), rel=0.02)
    whole, _ = prepared(path, settings(tmp_path, window_size=40.0), clip_uv=None, highpass_freq=1.0)
    np.testing.assert_allclose(without[1].signal_uv, whole[0].signal_uv[:, 500:1000], atol=0.5)


def test_a_high_pass_that_leaves_nothing_is_refused(tmp_path, write_edf):
    path = write_edf("normal/a.edf")
    with pytest.raises(DataError, match=r"highpass_freq is 30 Hz, but the signal holds nothing ab"):
        prepared(path, settings(tmp_path), highpass_freq=30.0)


def cached(tmp_path, **more):
    config = settings(tmp_path, **more)
    entries = find_abnormality_recordings(config)
    return prepare_windows(entries, config, AbnormalityPreprocessingConfig()), entries


def test_the_cache_opens_as_earlier_pipelines_wrote_it(tmp_path, write_edf):
    write_edf("abnormal/a.edf")
    cache, _ = cached(tmp_path)
    content = np.load(cache.folder / "a_P0_S1.npz", allow_pickle=False)
    assert content["data"].shape == (22, 500)
    assert content["label"].tolist() == [0, 1]
    assert str(content["channel_names"][0]) == "Fp1-F7"
    with (cache.folder / "data.csv").open() as stream:
        assert [(r["File"], r["Label"]) for r in csv.DictReader(stream)] == [
            ("a_P0_S0.npz", "1"), ("a_P0_S1.npz", "1"),
        ]  # fmt: skip


def test_nothing_is_prepared_twice_unless_something_changed(tmp_path, write_edf):
    write_edf("normal/a.edf")
    write_edf("normal/b.edf", seed=1)
    times = {w.path: w.path.stat().st_mtime_ns for w in cached(tmp_path)[0].windows}
    assert {w.path: w.path.stat().st_mtime_ns for w in cached(tmp_path)[0].windows} == times
    write_edf("normal/b.edf", seed=2)
    write_edf("normal/c.edf", seed=3)
    again = {w.path.name: w.path.stat().st_mtime_ns for w in cached(tmp_path)[0].windows}
    before = {path.name: time for path, time in times.items()}
    assert {n for n in before if again[n] == before[n]} == {"a_P0_S0.npz", "a_P0_S1.npz"}
    assert "c_P0_S0.npz" in again
    assert len(cached(tmp_path, window_size=20.0)[0].windows) == 3


def test_recordings_that_cannot_be_used_are_named(tmp_path, write_edf):
    write_edf("normal/a.edf")
    write_edf("normal/b.edf", channels=("X1",))
    cache, _ = cached(tmp_path)
    assert list(cache.left_out) == ["b"]
    (tmp_path / "corpus" / "normal" / "a.edf").unlink()
    with pytest.raises(DataError, match=r"None of 1 recordings can be used; the first: .*lacks"):
        cached(tmp_path)


def test_caches_of_other_versions_are_refused(tmp_path, write_edf):
    write_edf("normal/a.edf")
    cache, _ = cached(tmp_path)
    table = cache.folder / "windows.json"
    table.write_text(table.read_text().replace('"format_version": 1', '"format_version": 9'))
    with pytest.raises(FormatError, match=r"\('neurorun-abnormality-windows', 9\)"):
        cached(tmp_path)


def examples_of(tmp_path, fixations=None, **more):
    cache, entries = cached(tmp_path, **more)
    return GazeExamples(cache.windows, entries, GazeMapConfig(), montage="tcp", rate_hz=50.0)


def gaze_file(tmp_path, name, times):
    folder = tmp_path / "corpus" / "gaze"
    folder.mkdir(exist_ok=True)
    rows = ", ".join(
        f'{{"x": {x}, "y": 0, "duration": 0.2, "channel": ["CZ"], "num_points": 5}}' for x in times
    )
    (folder / name).write_text(f'{{"fixations": [{rows}]}}')


def test_examples_know_whether_there_is_gaze(tmp_path, write_edf):
    write_edf("normal/a.edf", seconds=30)
    write_edf("abnormal/b.edf", seconds=7)
    gaze_file(tmp_path, "a_P0.json", [12.0])
    examples = examples_of(tmp_path)
    assert examples.has_gaze.tolist() == [False, True, False, False]
    inputs, targets = examples.batch([0, 1, 3])
    assert targets["has_gaze"].tolist() == [0, 1, 0]
    assert targets["label"].tolist() == [0, 0, 1]
    assert targets["n_valid"].tolist() == [500, 500, 350]
    assert targets["gaze"][1].argmax() % 500 == 100
    assert not targets["gaze"][[0, 2]].any()
    assert inputs[0].mean() == pytest.approx(0, abs=1e-5)
    assert inputs[2, :, :350].std() == pytest.approx(1, abs=1e-3)
    assert not inputs[2, :, 350:].any()
    assert examples.class_counts() == {0: 3, 1: 1}


@pytest.mark.parametrize("n_ahead", [0, 2])
def test_batches_are_the_same_however_they_are_made(tmp_path, write_edf, n_ahead):
    write_edf("normal/a.edf", seconds=30)
    examples = examples_of(tmp_path)
    found = [inputs for inputs, _ in examples.batches([[2], [0, 1]], n_ahead=n_ahead)]
    np.testing.assert_array_equal(found[1], examples.batch([0, 1])[0])
    assert [len(inputs) for inputs in found] == [1, 2]


def test_annotations_become_events(tmp_path):
    (tmp_path / "annotations").mkdir()
    header = "Gender,Age,File Start,Start time,End time,Channel names,Comment\n"
    path = tmp_path / "annotations" / "a.csv"
    path.write_text(
        f"{header}male,3,23:59:50:000,23:59:55:500,00:00:02:000,F7 T3,Sharp Wave\n"
        "male,3,,00:00:05:000,00:00:05:000,,Spike\n"
    )
    first, second = annotations_of(tmp_path, "a")
    assert (first.onset_s, first.offset_s, first.channels) == (5.5, 12.0, ("F7", "T3"))
    assert (second.label, second.duration_s) == ("Spike", pytest.approx(1e-3))
    assert annotations_of(tmp_path, "b") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "lacks the columns File Start"),
        (
            "File Start,Start time,End time,Channel names,Comment\nnine,,,,\n",
            "holds the time 'nine'; HH:MM:SS:mmm is needed",
        ),
    ],
)
def test_broken_annotations_are_told(tmp_path, text, message):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "x.csv").write_text(text)
    with pytest.raises(FormatError, match=message):
        annotations_of(tmp_path, "x")


@needs_data
@pytest.mark.integration
def test_the_direct_way_agrees_with_the_way_by_mne(tmp_path):
    mne = pytest.importorskip("mne")
    path = SHARED / "gaze/edf/train/normal/0000003.edf"
    config = AbnormalityDataConfig(data_dir=tmp_path)
    (window,), _ = prepared(path, config)
    raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
    raw.rename_channels({name: name.capitalize() for name in raw.ch_names})
    raw.notch_filter(50.0, verbose="error").resample(50.0, verbose="error")
    for row, name in zip(window.signal_uv, window.channels, strict=True):
        first, second = (raw.get_data(one)[0] for one in name.split("-"))
        wanted = np.clip(first - second, -1e-4, 1e-4)
        n = min(len(wanted), len(row))
        assert np.corrcoef(row[:n], wanted[:n])[0, 1] > 0.999


@pytest.mark.parametrize("source_hz", [100.0, 200.0, 250.0, 256.0, 500.0, 40.0])
@pytest.mark.parametrize("n_samples", [1, 777, 4000])
def test_the_rate_is_changed_as_scipy_does(source_hz, n_samples):
    from fractions import Fraction

    from scipy.signal import firwin, resample_poly

    source = np.random.default_rng(0).standard_normal((3, n_samples)).astype(np.float32) + 100
    up, down = Fraction(50.0 / source_hz).limit_denominator(1000).as_integer_ratio()
    longest = max(up, down)
    taps = firwin(32 * longest + 1, 1 / longest, window=("kaiser", 5.0))
    wanted = resample_poly(source, up, down, axis=1, window=taps, padtype="edge")
    found = polyphase(source, source_hz, 50.0)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_an_equal_rate_changes_nothing():
    source = np.random.default_rng(0).standard_normal((2, 9)).astype(np.float32)
    assert polyphase(source, 50.0, 50.0) is source


def test_rates_without_a_ratio_are_refused():
    with pytest.raises(DataError, match=r"cannot be brought to 50.1235 Hz by whole numbers"):
        polyphase(np.zeros((1, 10), np.float32), 200.0, 50.1234567)
