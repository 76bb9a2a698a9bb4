import re
import tracemalloc
from datetime import datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurorun.core import DataError, Event, FormatError, Stretch
from neurorun.formats import open_edf, read_recording

pytestmark = pytest.mark.unit


def test_a_small_file_is_read_to_the_last_sample(small, tmp_path):
    recording = read_recording(small.write(tmp_path / "chb01_02.edf"))
    assert (recording.recording_id, recording.patient) == ("chb01_02", "chb01")
    assert recording.channels == ("EEG Fp1", "EEG F3")
    assert (recording.rate_hz, recording.n_samples) == (4.0, 12)
    expected = -100 + 200 / 65535 * (np.stack([np.arange(12), np.arange(100, 112)]) + 32768)
    np.testing.assert_allclose(recording.signal_uv, expected, atol=1e-6)
    assert recording.stretches == (Stretch(0, 12, 0.0),)
    assert recording.start == datetime(2020, 3, 2, 4, 5, 6)
    assert recording.notes == ()


def test_identity_can_be_given(small, tmp_path):
    recording = read_recording(small.write(tmp_path / "a.edf"), recording_id="r", patient="p")
    assert (recording.recording_id, recording.patient) == ("r", "p")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, [-100.0, 0.0, 100.0], id="plain"),
        pytest.param(
            {"physical_min": "100", "physical_max": "-100"}, [100, 0, -100], id="inverted"
        ),
        pytest.param({"dimension": "mV"}, [-1e5, 0, 1e5], id="millivolts"),
        pytest.param({"dimension": "V"}, [-1e8, 0, 1e8], id="volts"),
        pytest.param({"dimension": "nV"}, [-0.1, 0, 0.1], id="nanovolts"),
        pytest.param({"dimension": "µV".encode()}, [-100, 0, 100], id="micro-sign-utf-8"),
        pytest.param({"dimension": b"\xb5V"}, [-100, 0, 100], id="micro-sign-latin-1"),
        pytest.param({"dimension": "?V"}, [-100, 0, 100], id="micro-sign-lost"),
        pytest.param({"dimension": ""}, [-100, 0, 100], id="blank"),
        pytest.param({"physical_max": "100,0"}, [-100, 0, 100], id="decimal-comma"),
        pytest.param({"physical_min": "-1000,5", "physical_max": "1000,5"}, [-1000.5, 0, 1000.5]),
        pytest.param({"physical_min": "1e2", "physical_max": "2e2"}, [100, 150, 200], id="offset"),
    ],
)
@pytest.mark.parametrize("is_bdf", [False, True])
def test_scales_are_exact(edf_bytes, tmp_path, fields, expected, is_bdf):
    top = 8388608 if is_bdf else 32768
    limits = {"digital_min": -top, "digital_max": top}
    signal = {"label": "Cz", "data": [[-top, 0, top - 1]]} | limits | fields
    recording = read_recording(edf_bytes([signal], is_bdf=is_bdf).write(tmp_path / "a.edf"))
    step = (expected[2] - expected[0]) / (2 * top)
    np.testing.assert_allclose(
        recording.signal_uv[0], [expected[0], expected[1], expected[2] - step], rtol=1e-7
    )


def test_digital_ranges_need_not_be_those_of_the_format(edf_bytes, tmp_path):
    limits = {
        "digital_min": "-100",
        "digital_max": "1000",
        "physical_min": "0",
        "physical_max": "1",
    }
    data = edf_bytes([{"label": "Cz", "data": [[-100, 1000, 2100]]} | limits])
    recording = read_recording(data.write(tmp_path / "a.edf"))
    np.testing.assert_allclose(recording.signal_uv[0], [0, 1, 2], atol=1e-7)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), is_bdf=st.booleans(), samples=st.integers(1, 40))
def test_blocks_are_parts_of_the_whole(edf_bytes, tmp_path, monkeypatch, data, is_bdf, samples):
    monkeypatch.setattr("neurorun.formats.edf._BLOCK_SAMPLES", data.draw(st.integers(1, 50)))
    values = np.random.default_rng(samples).integers(-32768, 32768, (2, 7, samples))
    signals = [{"label": f"C{i}", "data": rows} for i, rows in enumerate(values)]
    file = open_edf(edf_bytes(signals, is_bdf=is_bdf).write(tmp_path / "a.edf"))
    first = data.draw(st.integers(0, 7 * samples))
    n = data.draw(st.integers(0, 7 * samples - first))
    whole = (values.reshape(2, -1) + 32768) * (200 / 65535) - 100
    block = file.read(["C1", "C0"], first, n)
    np.testing.assert_allclose(block, whole[::-1, first : first + n], atol=1e-5)


@pytest.mark.parametrize(("first", "n"), [(-1, 2), (0, 13), (12, 1), (5, -1)])
def test_blocks_beyond_the_file_are_refused(small, tmp_path, first, n):
    file = open_edf(small.write(tmp_path / "a.edf"))
    with pytest.raises(DataError, match=r"Samples .* were asked of .*; it has samples 0 to 12"):
        file.read(None, first, n)


def test_channels_come_in_the_order_asked_for(small, tmp_path):
    path = small.write(tmp_path / "a.edf")
    both = read_recording(path)
    turned = read_recording(path, channels=["EEG F3", "EEG Fp1"])
    assert turned.channels == ("EEG F3", "EEG Fp1")
    np.testing.assert_array_equal(turned.signal_uv, both.signal_uv[::-1])


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        (["Cz"], r"has no channel 'Cz'; it has 'EEG Fp1', 'EEG F3'\. Name one of these"),
        (["EDF Annotations"], r"Channel 'EDF Annotations' of .* is in '', which is no voltage"),
    ],
)
def test_channels_that_cannot_be_read_are_refused_by_name(small, tmp_path, channels, message):
    with pytest.raises(DataError, match=message):
        read_recording(small.write(tmp_path / "a.edf"), channels=channels)


@pytest.fixture
def mixed(edf_bytes, ramp):
    """Rates 4, 4, 2 and 1 Hz, and a channel that is no voltage."""
    signals = [
        {"label": "Cz", "data": ramp(2, 4)},
        {"label": "Pz", "data": ramp(2, 4)},
        {"label": "Resp", "data": ramp(2, 2)},
        {"label": "IBI", "data": ramp(2, 1)},
        {"label": "SPO2", "data": ramp(2, 4), "dimension": "%"},
    ]
    return edf_bytes(signals)


def test_without_names_the_most_frequent_rate_is_read_and_the_rest_is_named(mixed, tmp_path):
    recording = read_recording(mixed.write(tmp_path / "a.edf"))
    assert (recording.channels, recording.rate_hz) == (("Cz", "Pz"), 4.0)
    assert recording.notes == (
        "Left out at 2 Hz: 'Resp'.",
        "Left out at 1 Hz: 'IBI'.",
        "Left out, in units that are no voltage: 'SPO2' (%).",
    )


def test_a_channel_at_another_rate_can_be_read_alone(mixed, tmp_path):
    recording = read_recording(mixed.write(tmp_path / "a.edf"), channels=["Resp"])
    assert (recording.rate_hz, recording.n_samples, recording.notes) == (2.0, 4, ())


def test_channels_of_different_rates_are_refused_with_their_rates(mixed, tmp_path):
    message = r"different rates \(4 Hz: 'Cz', 'Pz'; 1 Hz: 'IBI'\); those of one recording must"
    with pytest.raises(DataError, match=message):
        read_recording(mixed.write(tmp_path / "a.edf"), channels=["Cz", "Pz", "IBI"])


def test_a_file_without_voltages_is_refused(edf_bytes, ramp, tmp_path):
    data = edf_bytes([{"label": "SPO2", "data": ramp(1, 4), "dimension": "%"}])
    with pytest.raises(FormatError, match=r"no voltage channel to read, only 'SPO2'\. Give a file"):
        read_recording(data.write(tmp_path / "a.edf"))


BAD_SCALES = [
    pytest.param(
        {"physical_min": "5", "physical_max": "5"}, "are both 5; they must", id="physical"
    ),
    pytest.param(
        {"digital_min": "1", "digital_max": "1"}, "is 1, its maximum 1; the", id="digital"
    ),
    pytest.param(
        {"digital_min": "32767", "digital_max": "-32768"}, "the minimum must be", id="turned"
    ),
    pytest.param({"physical_max": "1.000,5"}, "reads '1.000,5'; a decimal number", id="garbage"),
]


@pytest.mark.parametrize(("fields", "message"), BAD_SCALES)
def test_an_unknown_scale_is_refused_where_the_channel_is_wanted(small, tmp_path, fields, message):
    for name, text in fields.items():
        small.put(name, text, signal=0)
    path = small.write(tmp_path / "a.edf")
    for channels in (None, ["EEG Fp1"], ["EEG F3", "EEG Fp1"]):
        with pytest.raises(FormatError, match=f"'EEG Fp1'.*{message}"):
            read_recording(path, channels=channels)


@pytest.mark.parametrize(("fields", "message"), BAD_SCALES)
def test_an_unknown_scale_does_not_concern_other_channels(small, tmp_path, fields, message):
    sound = read_recording(small.write(tmp_path / "a.edf"), channels=["EEG F3"])
    for name, text in fields.items():
        small.put(name, text, signal=0)
    path = small.write(tmp_path / "b.edf")
    damaged = read_recording(path, channels=["EEG F3"])
    np.testing.assert_array_equal(damaged.signal_uv, sound.signal_uv)
    assert open_edf(path).stretches() == sound.stretches
    assert open_edf(path).n_samples() == 12


def test_a_repaired_comma_is_noted_only_for_channels_that_are_read(small, tmp_path):
    path = small.put("physical_max", "100,5", signal=0).write(tmp_path / "a.edf")
    assert read_recording(path, channels=["EEG F3"]).notes == ()
    (note,) = read_recording(path).notes
    assert "physical maximum of signal 1 'EEG Fp1' has a decimal comma: '100,5'" in note


@pytest.mark.parametrize(("second", "verb"), [(0, "is identical to"), (9, "differs from")])
def test_repeated_labels_get_names_of_their_own(edf_bytes, ramp, tmp_path, second, verb):
    signals = [
        {"label": "T8-P8", "data": ramp(2, 4)},
        {"label": "Cz", "data": ramp(2, 4)},
        {"label": "T8-P8", "data": ramp(2, 4, second)},
    ]
    path = edf_bytes(signals).write(tmp_path / "a.edf")
    recording = read_recording(path)
    assert recording.channels == ("T8-P8", "Cz", "T8-P8#2")
    assert recording.notes == (f"Label 'T8-P8' occurs again: 'T8-P8#2' {verb} 'T8-P8'.",)
    only = read_recording(path, channels=["T8-P8#2"])
    np.testing.assert_array_equal(only.signal_uv, recording.signal_uv[2:])


def test_the_trigger_channel_of_bdf_is_left_out_and_noted(edf_bytes, ramp, tmp_path):
    signals = [{"label": "Cz", "data": ramp(2, 4)}, {"label": "Status", "data": ramp(2, 4)}]
    recording = read_recording(edf_bytes(signals, is_bdf=True).write(tmp_path / "a.bdf"))
    assert recording.channels == ("Cz",)
    assert recording.notes == ("Left out, the trigger channel of BDF: 'Status'.",)


def test_gaps_become_stretches_and_events_keep_their_times(edf_bytes, ramp, tmp_path):
    tals = [b"+0.25\x14\x14\0", b"+1.25\x14\x14\0", b"+9.25\x14\x14\0+9.5\x150.5\x14sz\x14\0"]
    data = edf_bytes([{"label": "Cz", "data": ramp(3, 4)}], tals=tals, reserved="EDF+D")
    recording = read_recording(data.write(tmp_path / "a.edf"))
    assert recording.stretches == (Stretch(0, 8, 0.0), Stretch(8, 4, 9.0))
    assert recording.gaps == ((2.0, 9.0),)
    assert recording.annotations == (Event(9.25, 9.75, "sz"),)
    assert recording.start == datetime(2020, 3, 2, 4, 5, 6, 250000)


def test_instants_last_one_sample_and_total_times_are_left_out(edf_bytes, ramp, tmp_path):
    tals = [
        b"+0\x14\x14\0+0\x15-1\x14[Total time]+62\x14\0+0.5\x14Eyes open\x14\0+0.5\x150\x14x\x14\0"
    ]
    data = edf_bytes([{"label": "Cz", "data": ramp(1, 4)}], tals=tals, reserved="EDF+C")
    recording = read_recording(data.write(tmp_path / "a.edf"))
    assert recording.annotations == (Event(0.5, 0.75, "Eyes open"), Event(0.5, 0.75, "x"))
    assert recording.notes == (
        "Annotations that are no events were left out: '[Total time]+62' at 0 s.",
    )


def test_an_unknown_start_stays_unknown(small, tmp_path):
    small.put("recording", "").put("date", "00.00.00")
    recording = read_recording(small.write(tmp_path / "a.edf"))
    assert recording.start is None
    assert re.search("the start is unknown", recording.notes[0])


def test_memory_is_bounded_by_what_is_asked_for(edf_bytes, tmp_path):
    values = np.zeros((600, 256), dtype=np.int64)
    data = edf_bytes([{"label": f"C{i}", "data": values} for i in range(32)])
    path = data.write(tmp_path / "a.edf")
    assert path.stat().st_size > 9_000_000
    read_recording(path, channels=["C1"])
    tracemalloc.start()
    recording = read_recording(path, channels=["C7", "C9"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < recording.signal_uv.nbytes + 2_500_000
