import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorun.core import DataError, Event, Stretch
from neurorun.reporting.review.packing import pack

pytestmark = pytest.mark.unit

RATE_HZ = 64.0


class Noise:
    """Noise that is the same whenever it is read."""

    channels = ("Fp1", "Cz", "O2")
    rate_hz = RATE_HZ

    def __init__(self, *seconds):
        firsts = np.cumsum([0, *seconds]) * 64
        self.stretches = tuple(
            Stretch(int(first), 64 * length, float(first / 64 + 100 * number))
            for number, (first, length) in enumerate(zip(firsts, seconds, strict=False))
        )
        rng = np.random.default_rng(0)
        self.signal_uv = rng.normal(scale=20, size=(3, int(firsts[-1]))).astype(np.float32)

    def microvolts(self, first, n_samples):
        return self.signal_uv[:, first : first + n_samples]


def material_of(signal=None, probabilities=None):
    return SimpleNamespace(
        recording_id="a",
        patient="p",
        duration_s=10_000.0,
        gaps=(),
        reference=(),
        detected=(),
        probabilities=probabilities,
        probability_rate_hz=RATE_HZ,
        signal=signal,
        missing=(),
    )


def unpacked(blob, rows, steps):
    raw = np.frombuffer(zlib.decompress(blob), np.uint8).astype(np.int32)
    folded = raw[: rows * steps] | (raw[rows * steps :] << 8)
    return ((folded >> 1) ^ -(folded & 1)).reshape(rows, steps).cumsum(axis=1).astype(np.int16)


def test_a_recording_that_fits_is_whole_and_needs_no_envelope():
    signal = Noise(25, 12)
    packed = pack(material_of(signal), [], room_bytes=1_000_000)
    assert packed.contents["whole"]
    assert "envelope" not in packed.contents
    blobs = iter(packed.blobs)
    for run, stretch in zip(packed.contents["detail"], signal.stretches, strict=True):
        assert run["onset_s"] == stretch.onset_s
        steps = [unpacked(next(blobs), 3, n) for n, _ in run["blocks"]]
        decoded_uv = np.concatenate(steps, axis=1) * packed.contents["step_uv"]
        expected_uv = signal.signal_uv[:, stretch.first : stretch.stop]
        assert np.abs(decoded_uv - expected_uv).max() <= packed.contents["step_uv"] / 2 + 1e-4


def test_of_a_long_recording_the_envelope_is_whole_and_detail_is_around_events():
    signal = Noise(3000)
    packed = pack(material_of(signal), [Event(2000, 2020)], room_bytes=150_000)
    assert not packed.contents["whole"]
    (envelope,) = packed.contents["envelope"]
    assert envelope["n"] * envelope["bin_s"] >= 3000
    (run,) = packed.contents["detail"]
    assert run["onset_s"] <= 1980
    assert run["onset_s"] + sum(n for n, _ in run["blocks"]) / RATE_HZ >= 2040
    steps = unpacked(packed.blobs[0], 6, envelope["n"])
    per_bin = round(envelope["bin_s"] * RATE_HZ)
    low = np.minimum.reduceat(signal.signal_uv, range(0, 64 * 3000, per_bin), axis=1)
    step_uv = packed.contents["envelope_step_uv"]
    np.testing.assert_array_equal(steps[:3], np.floor(low.astype(np.float64) / step_uv))


@given(st.integers(3_000, 400_000), st.integers(1, 900), st.booleans())
def test_what_is_packed_never_takes_more_than_the_room(room_bytes, seconds, predicted):
    rng = np.random.default_rng(seconds)
    pieces = ((0.0, rng.random(64 * seconds).astype(np.float32)),) if predicted else None
    events = [Event(seconds / 2, seconds / 2 + 5)]
    packed = pack(material_of(Noise(seconds), pieces), events, room_bytes=room_bytes)
    entries = str(packed.contents.get("detail", "")) + str(packed.contents.get("envelope", ""))
    assert len(packed.payload) + len(entries) - 150 <= room_bytes
    if "detail" in packed.contents and packed.contents["whole"]:
        n_samples = sum(n for run in packed.contents["detail"] for n, _ in run["blocks"])
        assert n_samples == 64 * seconds


def test_what_cannot_be_made_any_coarser_is_refused():
    many = Noise(*[2] * 40)
    with pytest.raises(DataError, match=r"40 stretches do not fit .* allow a larger page"):
        pack(material_of(many), [], room_bytes=2000)


def test_the_same_recording_gives_the_same_bytes():
    made = [pack(material_of(Noise(500)), [], room_bytes=60_000) for _ in range(2)]
    assert made[0].payload == made[1].payload
    assert made[0].contents == made[1].contents
