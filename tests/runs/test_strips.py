import dataclasses
import json

import numpy as np
import pytest

from neurorun.core import Event, FormatError, RunError
from neurorun.runs.strips import Strip, read_strip, strip_path, strips_of, write_strip

pytestmark = pytest.mark.unit


def strip_with(**changes):
    rng = np.random.default_rng(0)
    parts = {
        "recording_id": "p1/s1",
        "channels": ("Fp1", "Fp2"),
        "rate_hz": 32.0,
        "onset_s": 120.0,
        "signal_uv": rng.normal(size=(2, 320)).astype(np.float32),
        "probabilities": rng.uniform(size=40).astype(np.float32),
        "probability_rate_hz": 4.0,
        "reference": (Event(118.0, 125.0, "fnsz"),),
        "detected": (Event(121.0, 126.0, confidence=0.75), Event(128.0, 129.0)),
    }
    return Strip(**(parts | changes))


def test_strip_comes_back(tmp_path):
    strip = strip_with()
    write_strip(tmp_path, strip)
    found = strips_of(tmp_path)["p1/s1"]
    for field in dataclasses.fields(Strip):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(strip, field.name))
    assert found.duration_s == 10.0


def test_strip_without_events_comes_back(tmp_path):
    write_strip(tmp_path, strip_with(reference=(), detected=()))
    found = strips_of(tmp_path)["p1/s1"]
    assert (found.reference, found.detected) == ((), ())


def test_any_numpy_opens_a_strip_without_running_code(tmp_path):
    write_strip(tmp_path, strip_with())
    with np.load(tmp_path / strip_path("p1/s1"), allow_pickle=False) as members:
        assert members["signal"].dtype == np.float32
        assert json.loads(str(members["header"]))["format"] == "neurorun-strip"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": ("Fp1",)}, "has 1 channel names for 2 rows of 320 samples"),
        ({"signal_uv": np.zeros((2, 0), np.float32)}, "rows of 0 samples; one name per row, and"),
        ({"rate_hz": 0.0}, "at 0.0 Hz and 4.0 Hz; an onset of at least 0 and rates above 0"),
        ({"onset_s": -1.0}, "begins at -1.0 s"),
        ({"probabilities": np.array([np.nan], np.float32)}, "values that are not finite"),
        ({"signal_uv": np.full((2, 3), np.inf, np.float32)}, "values that are not finite"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(changes, message):
    with pytest.raises(RunError, match=message):
        strip_with(**changes)


def test_damaged_strip_is_told(tmp_path):
    write_strip(tmp_path, strip_with())
    path = tmp_path / strip_path("p1/s1")
    whole = path.read_bytes()
    for damaged in (b"", b"no zip", whole[: len(whole) // 2], whole.replace(b"header", b"h3ader")):
        path.write_bytes(damaged)
        with pytest.raises(FormatError, match=r"is not a readable strip .*; restore it"):
            read_strip(path)


def test_strip_of_a_later_version_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, header=np.array('{"format": "neurorun-strip", "format_version": 2}'))
    with pytest.raises(FormatError, match=r"\('neurorun-strip', 2\); this neurorun reads"):
        read_strip(path)
