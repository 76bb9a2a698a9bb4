"""Raws of MNE-Python: where their events lie, and which channels count."""

import datetime as dt
import importlib.util
import logging
from pathlib import Path

import numpy as np
import pytest

import neurorun
from neurorun.core import ConfigError, DataError
from neurorun.data.channel_names import TEN_TWENTY
from neurorun.experiment import Detector
from neurorun.formats import from_mne_raw

mne = pytest.importorskip("mne")

pytestmark = pytest.mark.unit

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("loud", HERE / "loud.py")
loud = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(loud)

RATE_HZ = 100
NOON = dt.datetime(2020, 1, 1, 12, tzinfo=dt.UTC)
IN_10_20 = {"preprocessing": {"montage": "10-20"}}


def raw_of(channels=("C3", "C4"), *, date=None, first_samp=0, loud_s=(62, 70), duration_s=90):
    """Quiet noise with one loud stretch."""
    rng = np.random.default_rng(0)
    signal = 2e-5 * rng.standard_normal((len(channels), duration_s * RATE_HZ))
    signal[:, loud_s[0] * RATE_HZ : loud_s[1] * RATE_HZ] *= 5
    info = mne.create_info(list(channels), RATE_HZ, "eeg", verbose="error")
    raw = mne.io.RawArray(signal, info, first_samp=first_samp, verbose="error")
    return raw.set_meas_date(date)


def began_s(raw):
    """Where MNE sees annotations begin, from the first sample that is left."""
    samples = mne.events_from_annotations(raw, verbose="error")[0][:, 0]
    return (samples - raw.first_samp) / RATE_HZ


@pytest.fixture
def opens(monkeypatch):
    """Let every run be a detector of loud signal, or the given one."""

    def of(**options):
        detector = loud.detector(**options)
        monkeypatch.setattr(Detector, "open", lambda *_, **__: detector)

    of()
    return of


@pytest.mark.usefixtures("opens")
@pytest.mark.parametrize("date", [None, NOON], ids=["undated", "dated"])
@pytest.mark.parametrize("first_samp", [0, 1000])
@pytest.mark.parametrize("cropped_s", [0, 30])
def test_events_lie_where_the_signal_is_loud_on_cropped_raws_too(date, first_samp, cropped_s):
    raw = raw_of(date=date, first_samp=first_samp).crop(cropped_s)
    (expected,) = loud.detector().detect(from_mne_raw(raw)).events
    assert expected.onset_s == pytest.approx(62 - cropped_s, abs=1)
    raw.set_annotations(neurorun.detect("run", raw))
    assert began_s(raw) == pytest.approx([expected.onset_s], abs=1 / RATE_HZ)
    assert raw.annotations.duration == pytest.approx([expected.duration_s])


@pytest.mark.usefixtures("opens")
def test_events_are_added_to_the_annotations_of_a_dated_raw():
    raw = raw_of(date=NOON)
    raw.set_annotations(mne.Annotations([35], [1], ["spike"])).crop(30)
    (expected,) = loud.detector().detect(from_mne_raw(raw)).events
    raw.set_annotations(raw.annotations + neurorun.detect("run", raw))
    assert began_s(raw) == pytest.approx([5, expected.onset_s], abs=1 / RATE_HZ)


def test_fz_marked_bad_is_interpolated_and_that_is_logged(opens, caplog):
    opens(**IN_10_20)
    raw = raw_of(TEN_TWENTY)
    expected = neurorun.detect("run", raw.copy().drop_channels("Fz"))
    raw._data[TEN_TWENTY.index("Fz")] = 5e-3 * np.random.default_rng(1).standard_normal(raw.n_times)
    raw.info["bads"] = ["Fz"]
    with caplog.at_level(logging.INFO, "neurorun"):
        found = neurorun.detect("run", raw)
    assert found.onset.tolist() == expected.onset.tolist()
    assert len(found) == 1
    assert "Marked bad in MNE: 'Fz'." in caplog.text
    assert "Interpolated by spherical splines: 'Fz'." in caplog.text


def test_another_channel_marked_bad_is_refused_with_what_mends_it(opens):
    opens(**IN_10_20)
    raw = raw_of(TEN_TWENTY)
    raw.info["bads"] = ["T3"]
    with pytest.raises(DataError, match=r"needs 'T3'.* count as missing: 'T3'.*interpolate_bads"):
        neurorun.detect("run", raw)
    raw.set_montage("standard_1020", verbose="error").interpolate_bads(verbose="error")
    assert len(neurorun.detect("run", raw)) == 1


@pytest.mark.usefixtures("opens")
def test_a_bad_channel_that_the_run_does_not_need_changes_nothing():
    raw = raw_of(("C3", "C4", "EMG"))
    expected = neurorun.detect("run", raw)
    raw.info["bads"] = ["EMG"]
    assert neurorun.detect("run", raw).onset.tolist() == expected.onset.tolist()


@pytest.mark.usefixtures("opens")
def test_a_flat_channel_is_told(caplog):
    raw = raw_of()
    raw._data[1] = 0
    neurorun.detect("run", raw)
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage() for record in warnings] == [
        "Flat throughout, and so without a say in what was detected: 'C4'."
    ]


def test_microvolts_given_as_volts_are_told(opens, caplog):
    opens(preprocessing={"standardize": "fixed"})
    raw = raw_of()
    raw._data *= 1e6
    neurorun.detect("run", raw)
    assert "The spread of 'C3', 'C4' is up to" in caplog.text
    assert "millivolts, far more than that of any EEG; check the unit" in caplog.text


@pytest.mark.usefixtures("opens")
@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("night.edf", "in str 'night.edf'; an mne.io.Raw is needed. Read a file with mne.io.read"),
        (np.zeros((2, 100)), "in an object of type ndarray; an mne.io.Raw is needed"),
    ],
)
def test_something_else_than_a_raw_is_refused(value, told):
    with pytest.raises(DataError, match=told):
        neurorun.detect("run", value)


def test_how_many_windows_at_a_time_and_where_can_be_chosen(monkeypatch):
    asked = {}

    def opened(*_, **options):
        asked.update(options)
        return loud.detector()

    monkeypatch.setattr(Detector, "open", opened)
    neurorun.detect("run", raw_of(), fa_rate=10, batch_size=2, device="cpu")
    assert asked == {"fa_rate": 10, "batch_size": 2, "device": "cpu"}


def test_less_than_one_window_at_a_time_is_refused():
    with pytest.raises(ConfigError, match="batch_size is 0; at least 1 window"):
        Detector.open("run", batch_size=0)
