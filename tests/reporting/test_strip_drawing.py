import base64
import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from neurorun.core import Event
from neurorun.reporting.strip_drawing import (
    LEFT,
    RIGHT,
    WIDTH,
    draw_strip,
    envelope,
    envelope_image,
    trace_spacing_uv,
)

pytestmark = pytest.mark.unit


def kinds(parts) -> list[str]:
    return [part.kind for part in parts]


def words(drawing, kind: str) -> list[str]:
    return [text.words for text in drawing.texts if text.kind == kind]


def test_a_long_strip_is_an_image_and_a_short_one_lines(make):
    strip = make.strip_of("a")
    whole = draw_strip(strip, threshold=None)
    part = draw_strip(strip, threshold=None, onset_s=120, longest_s=10)
    assert whole.image.startswith("data:image/png;base64,")
    assert "trace" not in kinds(whole.lines)
    assert part.image == ""
    assert kinds(part.lines).count("trace") == 2


def test_every_sample_of_a_short_strip_is_drawn_negative_up(make):
    signal_uv = np.float32([[0, -20, 40, 0]])
    strip = make.strip_of("a", channels=("Cz",), rate_hz=4.0, signal_uv=signal_uv, onset_s=0.0)
    (trace,) = (one for one in draw_strip(strip, threshold=None).lines if one.kind == "trace")
    row = trace_spacing_uv(signal_uv)
    moves = [round(48 * uv / row) for uv in (0, -20, 40, 0)]
    assert trace.d == f"M0 0l1{moves[1]} 1 {moves[2] - moves[1]} 1{-moves[2]}"
    assert f"scale({(WIDTH - LEFT - RIGHT) / 3:.5f} " in trace.transform


def test_one_sample_can_be_drawn(make):
    strip = make.strip_of("a", signal_uv=np.zeros((2, 1), dtype=np.float32), onset_s=0.0)
    assert kinds(draw_strip(strip, threshold=None).lines).count("trace") == 2


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=60), st.integers(1, 40))
def test_the_envelope_holds_every_sample_and_nothing_beyond(values, n_columns):
    signal = np.array(values)
    low, high = envelope(signal, n_columns)
    assert (low <= high).all()
    assert low.min() >= signal.min() - 1e-6
    assert high.max() <= signal.max() + 1e-6
    if signal.size > 1:
        np.testing.assert_array_less(low[1:], high[:-1] + 1e-6)
        np.testing.assert_array_less(low[:-1], high[1:] + 1e-6)


def test_a_peak_of_one_sample_is_seen_in_the_image():
    rows = np.zeros((1, 90 * 128), dtype=np.float32)
    rows[0, 5000] = -0.9
    image = envelope_image(rows)
    painted = np.flatnonzero(image.any(axis=1))
    assert painted[0] < 48 * 0.2 < 48 == painted[-1]
    column = np.flatnonzero(image.sum(axis=0) > 30)
    assert abs(column.mean() / image.shape[1] - 5000 / rows.shape[1]) < 1e-3


def test_the_image_is_black_on_nothing(make):
    url = draw_strip(make.strip_of("a"), threshold=None).image
    picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    colours = {colour for _, colour in picture.convert("RGBA").getcolors()}
    assert colours == {(0, 0, 0, 0), (0, 0, 0, 255)}


@pytest.mark.parametrize(
    ("onset_s", "first"),
    [(120.0, "2:00"), (0.0, "1:40"), (900.0, "3:00")],
    ids=["inside", "before", "after"],
)
def test_a_part_lies_within_its_strip(make, onset_s, first):
    part = draw_strip(make.strip_of("a"), threshold=None, onset_s=onset_s, longest_s=10)
    assert words(part, "tick")[0] == first


def test_annotated_and_detected_time_are_marked_apart(make):
    drawing = draw_strip(make.strip_of("a"), threshold=None)
    assert kinds(drawing.boxes) == ["annotated-time", "annotated"]
    assert "detected" in kinds(drawing.lines)
    tint = drawing.boxes[0]
    scale = (WIDTH - LEFT - RIGHT) / 90
    assert (tint.x, tint.width) == pytest.approx((LEFT + 20 * scale, 30 * scale), abs=0.11)
    edges = [one.d for one in drawing.lines if one.kind == "detected-edge"]
    assert [float(re.match(r"M([\d.]+)", d)[1]) for d in edges] == pytest.approx(
        [LEFT + 25 * scale, LEFT + 55 * scale], abs=0.11
    )


def test_an_event_that_goes_on_beyond_the_strip_has_no_edge_there(make):
    def sides(*event):
        strip = make.strip_of("a", detected=(Event(*event),))
        (outline,) = (
            one.d for one in draw_strip(strip, threshold=None).lines if one.kind == "detected"
        )
        return [float(x) for x in re.findall(r"h(-?[\d.]+)", outline)], outline.count("v")

    drawing = draw_strip(make.strip_of("a", detected=(Event(90, 400),)), threshold=None)
    assert "detected-edge" not in kinds(drawing.lines)
    width = WIDTH - LEFT - RIGHT
    assert sides(90, 400) == ([width, -width], 0)
    assert [sides(*event)[1] for event in ((90, 150), (150, 400), (120, 150))] == [1, 1, 2]


def test_events_outside_the_part_are_not_drawn(make):
    part = draw_strip(make.strip_of("a"), threshold=None, onset_s=100, longest_s=10)
    assert part.boxes == []


def test_the_threshold_is_drawn_where_it_is_known(make):
    with_it = draw_strip(make.strip_of("a"), threshold=0.86)
    assert "threshold" in kinds(with_it.lines)
    assert "0.86" in words(with_it, "scale")
    assert "threshold" not in kinds(draw_strip(make.strip_of("a"), threshold=None).lines)


def test_scale_and_time_are_named(make):
    drawing = draw_strip(make.strip_of("a"), threshold=None)
    microvolts, seconds = words(drawing, "scale")
    assert re.fullmatch(r"\d+ µV", microvolts)
    assert seconds == "2 s"
    ticks = words(drawing, "tick")
    assert ticks[:3] == ["1:40", "1:50", "2:00"]
    assert ticks[-1] == "time in the recording, minutes:seconds"


@pytest.mark.parametrize("rate_hz", [0.0001, 100000.0], ids=["weeks", "a-moment"])
def test_any_length_has_a_scale_and_few_ticks(make, rate_hz):
    drawing = draw_strip(make.strip_of("a", rate_hz=rate_hz), threshold=None)
    assert len(words(drawing, "scale")) == 2
    assert len(drawing.grid) <= 13


def test_a_strip_without_probabilities_is_drawn_without_them(make):
    strip = make.strip_of("a", probabilities=np.empty(0, dtype=np.float32))
    assert "probability" not in kinds(draw_strip(strip, threshold=None).lines)


@pytest.mark.parametrize(
    ("deviation_uv", "spacing_uv"), [(0.0, 10.0), (10.0, 40.0), (10.1, 50.0), (1e6, 4e6)]
)
def test_spacing_is_four_deviations_rounded_up(deviation_uv, spacing_uv):
    signal_uv = np.tile(np.float32([-deviation_uv, deviation_uv]), (3, 50))
    assert trace_spacing_uv(signal_uv) == spacing_uv


def test_one_loud_channel_does_not_flatten_the_others():
    signal_uv = np.tile(np.float32([-10, 10]), (3, 50))
    signal_uv[0] *= 1000
    assert trace_spacing_uv(signal_uv) == 40.0
