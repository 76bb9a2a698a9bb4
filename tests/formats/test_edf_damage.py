"""Whatever is damaged, a file is read or refused by name; nothing else ever happens."""

from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurorun.core import DataError, FormatError, Recording
from neurorun.formats import read_edf_events, read_recording

pytestmark = pytest.mark.unit

HEADER = ("patient", "recording", "date", "time", "header_bytes", "reserved", "n_records")
LAYOUT = ("duration", "n_signals")
SIGNAL = (
    "label",
    "dimension",
    "physical_min",
    "physical_max",
    "digital_min",
    "digital_max",
    "samples",
)
NUMBERLIKE = st.text("0123456789.,-+eE ", max_size=8).map(str.encode)
TEXTS = NUMBERLIKE | st.binary(max_size=8)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    fields=st.dictionaries(st.sampled_from(HEADER + LAYOUT), TEXTS, max_size=2),
    of_signals=st.dictionaries(
        st.tuples(st.sampled_from(SIGNAL), st.integers(0, 2)), TEXTS, max_size=2
    ),
    tal=st.none() | st.text("+-0123456789.\x14\x15a\0", max_size=40).map(str.encode),
    cut=st.none() | st.integers(0, 1300),
    is_bdf=st.booleans(),
)
def test_a_damaged_file_is_read_or_refused(
    edf_bytes, ramp, tmp_path, fields, of_signals, tal, cut, is_bdf
):
    room = b"\0" * 40
    tals = [b"+0\x14\x14\0" + room, (b"+1\x14\x14\0" + room if tal is None else tal)]
    signals = [{"label": label, "data": ramp(2, 4)} for label in ("EEG Fp1", "EEG F3")]
    data = edf_bytes(signals, tals=tals, reserved="EDF+C", is_bdf=is_bdf)
    for name, text in fields.items():
        data.put(name, text[:4] if name == "n_signals" else text)
    for (name, index), text in of_signals.items():
        data.put(name, text, signal=index)
    if cut is not None:
        del data.raw[cut:]
    path = data.write(tmp_path / "a.edf")
    for read in (read_recording, partial(read_edf_events, duration_s=5.0)):
        refusal = ""
        try:
            result = read(path)
        except DataError as error:
            refusal = str(error)
        if not refusal and isinstance(result, Recording):
            assert np.isfinite(result.signal_uv).all()
        assert not refusal or "a.edf" in refusal


@pytest.mark.parametrize(
    "tal",
    [
        pytest.param(b"+0.5\x150.0000000001\x14short\x14\0", id="shorter-than-a-nanosecond"),
        pytest.param(b"+99999999999999999999\x14late\x14\0", id="beyond-counting"),
        pytest.param(b"+0.5\x15-2\x14backwards\x14\0", id="backwards"),
    ],
)
def test_annotations_of_absurd_times_are_left_out_and_named(edf_bytes, ramp, tmp_path, tal):
    tals = [b"+0\x14\x14\0" + tal + b"+0\x14sound\x14\0"]
    data = edf_bytes([{"label": "Cz", "data": ramp(1, 4)}], tals=tals, reserved="EDF+C")
    recording = read_recording(data.write(tmp_path / "a.edf"))
    assert [event.label for event in recording.annotations] == ["sound"]
    assert "Annotations that are no events were left out" in recording.notes[0]


def test_a_start_beyond_the_calendar_is_unknown(edf_bytes, ramp, tmp_path):
    tals = [b"+99999999999999\x14\x14\0"]
    data = edf_bytes([{"label": "Cz", "data": ramp(1, 4)}], tals=tals, reserved="EDF+C")
    recording = read_recording(data.write(tmp_path / "a.edf"))
    assert recording.start is None
    assert "first sample lies 1e+14 s after the start" in recording.notes[0]


def test_physical_limits_that_no_voltage_reaches_are_refused(small, tmp_path):
    small.put("physical_max", "1e38", signal=0)
    with pytest.raises(FormatError, match=r"physical range is -100 to 1e\+38; no voltage is that"):
        read_recording(small.write(tmp_path / "a.edf"))
