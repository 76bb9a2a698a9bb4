"""A strip of EEG as a drawing: traces as a reader sees them, events and probability below.

Traces go from the top down, negative up. A long piece is drawn as an image of the envelope, since
its samples are far denser than the page; a short one as lines through every sample. Everything else
is lines and text, coloured by the style sheet of the page.
"""

import base64
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Float64

from neurorun.core import Event, require
from neurorun.reporting.words import clock
from neurorun.runs import Strip

WIDTH, LEFT, RIGHT, TOP = 1000.0, 74.0, 62.0, 8.0
ROW, LANE, PROBABILITY = 24.0, 17.0, 60.0
LONGEST_AS_LINES_S = 15.0

_CUT_AT_ROWS = 2.5
_STEPS_PER_ROW = 48
_PIXELS_PER_UNIT = 2
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
_MOST_TICKS = 12


@dataclass(frozen=True, slots=True)
class Text:
    """Words at a place; ``kind`` is a class of the style sheet, as everywhere here."""

    x: float
    y: float
    words: str
    kind: str


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve, as the ``d`` of a path; moved and stretched as ``transform`` says."""

    d: str
    kind: str
    transform: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything that is drawn, in units of which the page is `WIDTH` wide.

    Parameters
    ----------
    image : data URL of the envelope of the traces, filling ``image_box``; empty if traces are lines
    """

    height: float
    image_box: Box
    image: str = ""
    boxes: list[Box] = field(default_factory=list)
    grid: list[Line] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)

    @property
    def n_bytes(self) -> int:
        """About how much it adds to a page."""
        return len(self.image) + sum(len(line.d) for line in self.lines)


@dataclass(frozen=True, slots=True)
class Frame:
    """The stretch of time that is drawn, and where its parts lie from the top down."""

    onset_s: float
    duration_s: float
    n_channels: int

    @property
    def stop_s(self) -> float:
        """End of the stretch, seconds from the start of the recording."""
        return self.onset_s + self.duration_s

    @property
    def width(self) -> float:
        """Width of the traces."""
        return WIDTH - LEFT - RIGHT

    @property
    def bottom(self) -> float:
        """Where the traces end."""
        return TOP + (self.n_channels + 1) * ROW

    @property
    def floor(self) -> float:
        """Where the probability is 0."""
        return self.bottom + 2 * LANE + PROBABILITY + 14

    def x(self, time_s: float) -> float:
        """Place of a time, kept within the frame."""
        share = min(1.0, max(0.0, (time_s - self.onset_s) / self.duration_s))
        return round(LEFT + share * self.width, 1)

    def row(self, channel: int) -> float:
        """Zero line of a channel."""
        return TOP + (channel + 1) * ROW


def draw_strip(
    strip: Strip, *, threshold: float | None, onset_s: float = 0.0, longest_s: float = math.inf
) -> Drawing:
    """Draw a strip, or a part of it.

    Parameters
    ----------
    threshold : probability at which events start, drawn as a line; None if unknown
    onset_s : where the part begins, seconds from the start of the recording; moved into the strip
        if it lies before or after
    longest_s : at most so much is drawn
    """
    first, stop = _samples_of_part(strip, onset_s, longest_s)
    frame = Frame(
        strip.onset_s + first / strip.rate_hz, (stop - first) / strip.rate_hz, len(strip.channels)
    )
    box = Box(LEFT, TOP, frame.width, frame.bottom - TOP)
    spacing_uv = trace_spacing_uv(strip.signal_uv)
    rows = np.clip(strip.signal_uv[:, first:stop] / spacing_uv, -_CUT_AT_ROWS, _CUT_AT_ROWS)
    as_lines = frame.duration_s <= LONGEST_AS_LINES_S
    drawing = Drawing(frame.floor + 38, box, "" if as_lines else _png(envelope_image(rows)))
    _add_events(drawing, frame, strip)
    _add_ticks(drawing, frame)
    if as_lines:
        drawing.lines.extend(_traces(rows, frame))
    _add_probability(drawing, frame, strip, threshold)
    _add_names(drawing, frame, strip)
    _add_scale(drawing, frame, spacing_uv)
    return drawing


def _samples_of_part(strip: Strip, onset_s: float, longest_s: float) -> tuple[int, int]:
    n_samples = strip.signal_uv.shape[1]
    length = n_samples
    if longest_s * strip.rate_hz < n_samples:
        length = max(2, round(longest_s * strip.rate_hz))
    wanted = round((onset_s - strip.onset_s) * strip.rate_hz)
    first = min(max(0, wanted), n_samples - length)
    return first, first + length


def trace_spacing_uv(signal_uv: Float[np.ndarray, "channels samples"]) -> float:
    """Microvolts between two traces: four typical deviations, rounded up to 10.

    >>> trace_spacing_uv(np.tile(np.float32([-20.0, 20.0]), (3, 50)))
    80.0
    """
    typical = float(np.median(signal_uv.std(axis=1)))
    return max(10.0, math.ceil(4 * typical / 10 - 1e-6) * 10.0)


def envelope_image(
    rows: Float[np.ndarray, "channels samples"],
) -> Bool[np.ndarray, "height width"]:
    """Paint traces, given in rows from their zero lines, as they fill the columns of an image.

    Every column is filled from the lowest to the highest value in it, so that no peak is lost.
    """
    frame = Frame(0.0, 1.0, len(rows))
    n_columns = round(frame.width * _PIXELS_PER_UNIT)
    row_pixels = ROW * _PIXELS_PER_UNIT
    height = round((frame.bottom - TOP) * _PIXELS_PER_UNIT)
    pixels = np.arange(height)[:, None]
    image = np.zeros((height, n_columns), dtype=np.bool_)
    for channel, row in enumerate(rows):
        low, high = envelope(row.astype(np.float64), n_columns)
        zero = (channel + 1) * row_pixels
        top, bottom = np.floor(zero + low * row_pixels), np.floor(zero + high * row_pixels)
        image |= (pixels >= top) & (pixels <= bottom)
    return image


def envelope(
    values: Float64[np.ndarray, " samples"], n_columns: int
) -> tuple[Float64[np.ndarray, " columns"], Float64[np.ndarray, " columns"]]:
    """Lowest and highest value of a curve in equal stretches; neighbours share their border.

    >>> [side.tolist() for side in envelope(np.array([0.0, 4.0, 2.0]), 2)]
    [[0.0, 2.0], [4.0, 4.0]]
    """
    per_column = 2 * math.ceil(values.size / n_columns)
    places = np.linspace(0, values.size - 1, n_columns * per_column + 1)
    dense = np.interp(places, np.arange(values.size), values)
    inner, ends = dense[:-1].reshape(n_columns, per_column), dense[per_column::per_column]
    return np.minimum(inner.min(axis=1), ends), np.maximum(inner.max(axis=1), ends)


def _png(image: Bool[np.ndarray, "height width"]) -> str:
    """Black where the image is true, transparent elsewhere, as a data URL."""
    pillow = require("PIL.Image", extra="report")
    height, width = image.shape
    picture = pillow.frombytes("P", (width, height), image.astype(np.uint8).tobytes())
    picture.putpalette([0, 0, 0, 0, 0, 0])
    stream = io.BytesIO()
    picture.save(stream, "PNG", bits=1, transparency=0, optimize=True)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _traces(rows: Float[np.ndarray, "channels samples"], frame: Frame) -> Iterator[Line]:
    """One line per channel through every sample, in whole steps, which makes it short."""
    stretch = f"scale({frame.width / max(1, rows.shape[1] - 1):.5f} {ROW / _STEPS_PER_ROW})"
    steps = np.round(rows * _STEPS_PER_ROW).astype(np.int64)
    for channel, values in enumerate(steps):
        moves = " ".join(f"1{'' if move < 0 else ' '}{move}" for move in np.diff(values).tolist())
        place = f"translate({LEFT:g} {frame.row(channel):g}) {stretch}"
        yield Line(f"M0 {values[0]}l{moves or '0 0'}", "trace", place)


def _add_events(drawing: Drawing, frame: Frame, strip: Strip) -> None:
    """Annotated time is tinted, detected time stands between dashed lines; bars tell both apart."""
    for event in _in_frame(strip.reference, frame):
        x, width = _reach(event, frame)
        drawing.boxes.append(Box(x, TOP, width, frame.bottom - TOP, "annotated-time"))
        drawing.boxes.append(Box(x, frame.bottom + 4, width, LANE - 5, "annotated"))
    for event in _in_frame(strip.detected, frame):
        drawing.lines.append(Line(_outline(event, frame), "detected"))
        for time_s in (event.onset_s, event.offset_s):
            if frame.onset_s < time_s < frame.stop_s:
                edge = f"M{frame.x(time_s):g} {TOP:g}V{frame.bottom + 2 * LANE:g}"
                drawing.lines.append(Line(edge, "detected-edge"))


def _in_frame(events: tuple[Event, ...], frame: Frame) -> Iterator[Event]:
    return (one for one in events if one.onset_s < frame.stop_s and frame.onset_s < one.offset_s)


def _reach(event: Event, frame: Frame) -> tuple[float, float]:
    """Left end and width; an event too short to be seen is one unit wide."""
    x = frame.x(event.onset_s)
    return x, max(1.0, round(frame.x(event.offset_s) - x, 1))


def _outline(event: Event, frame: Frame) -> str:
    """A box in the lane of detections, open where the event goes on beyond the frame."""
    x, width = _reach(event, frame)
    top, height = frame.bottom + LANE + 4, LANE - 5
    sides = f"M{x:g} {top:g}h{width:g}m0 {height:g}h{-width:g}"
    if frame.onset_s <= event.onset_s:
        sides += f"v{-height:g}"
    if event.offset_s <= frame.stop_s:
        sides += f"M{x + width:g} {top:g}v{height:g}"
    return sides


def _add_ticks(drawing: Drawing, frame: Frame) -> None:
    whole_steps = [step for step in _STEPS_S if step >= 1]
    fitting = [step for step in whole_steps if frame.duration_s / step <= _MOST_TICKS]
    step = fitting[0] if fitting else frame.duration_s
    for number in range(math.ceil(frame.onset_s / step), math.floor(frame.stop_s / step) + 1):
        x = frame.x(number * step)
        drawing.grid.append(Line(f"M{x:g} {TOP:g}V{frame.floor + 4:g}", "grid"))
        drawing.texts.append(Text(x, frame.floor + 17, clock(number * step), "tick"))
    middle = LEFT + frame.width / 2
    words = "time in the recording, minutes:seconds"
    drawing.texts.append(Text(middle, frame.floor + 33, words, "tick"))


def _add_probability(drawing: Drawing, frame: Frame, strip: Strip, threshold: float | None) -> None:
    times_s = strip.onset_s + np.arange(strip.probabilities.size) / strip.probability_rate_hz
    shown = (times_s >= frame.onset_s) & (times_s <= frame.stop_s)
    points = [
        f"{frame.x(time_s):g} {_height(frame, probability):g}"
        for time_s, probability in zip(
            times_s[shown].tolist(), strip.probabilities[shown].tolist(), strict=True
        )
    ]
    if points:
        drawing.lines.append(Line(f"M{'L'.join(points)}", "probability"))
    right = WIDTH - RIGHT
    drawing.lines.append(Line(f"M{LEFT:g} {frame.floor:g}H{right:g}", "axis"))
    for level in (0.0, 1.0):
        drawing.texts.append(Text(LEFT - 6, _height(frame, level) + 4, f"{level:g}", "name"))
    drawing.texts.append(Text(LEFT - 6, _height(frame, 0.5) + 4, "probability", "name"))
    if threshold is not None:
        y = _height(frame, threshold)
        drawing.lines.append(Line(f"M{LEFT:g} {y:g}H{right:g}", "threshold"))
        drawing.texts.append(Text(right + 6, y + 4, f"{threshold:g}", "scale"))


def _height(frame: Frame, probability: float) -> float:
    return round(frame.floor - probability * PROBABILITY, 1)


def _add_names(drawing: Drawing, frame: Frame, strip: Strip) -> None:
    for channel, name in enumerate(strip.channels):
        drawing.texts.append(Text(LEFT - 6, frame.row(channel) + 4, name, "name"))
    for lane, name in enumerate(("annotated", "detected")):
        y = frame.bottom + lane * LANE + LANE - 4
        drawing.texts.append(Text(LEFT - 6, y, name, f"name {name}-name"))


def _add_scale(drawing: Drawing, frame: Frame, spacing_uv: float) -> None:
    """A corner in the right margin: so many microvolts high, so many seconds wide."""
    room = RIGHT - 22
    units_per_s = frame.width / frame.duration_s
    fitting = [step for step in _STEPS_S if step * units_per_s <= room]
    step_s = fitting[-1] if fitting else room / units_per_s
    x, y = WIDTH - RIGHT + 12, frame.bottom - 2 * ROW
    corner = f"M{x:g} {y:g}v{ROW:g}h{step_s * units_per_s:.1f}"
    drawing.lines.append(Line(corner, "bar"))
    drawing.texts.append(Text(x + 5, y + ROW / 2 + 3, f"{spacing_uv:g} µV", "scale"))
    drawing.texts.append(Text(x, y + ROW + 14, f"{step_s:g} s", "scale"))
