"""Drawings of several runs: curves over epochs, and values with their intervals.

Places are computed here, in units of the drawing; a template turns them into SVG. A run is known
by its letter at the end of its line, and only then by its colour.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

N_COLOURS = 8
WIDTH = 640.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 44.0, 14.0, 40.0
_CURVES_HEIGHT = 280.0
_DOTS_WIDTH = 400.0
_ROW = 26.0
_LETTER_ROOM = 13.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, with its words."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """A curve: path data, colour and dash by number, and its letter at the end."""

    d: str
    colour: int
    dash: int
    label: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Curves:
    """One panel of curves."""

    title: str
    height: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Dot:
    """One value; ``hollow`` where it is one of several trainings."""

    x: float
    y: float
    hollow: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval at some height; ``thick`` for that of a mean over trainings."""

    x1: float
    x2: float
    y: float
    thick: bool


@dataclass(frozen=True, slots=True)
class Dots:
    """One panel of values: a line for every setting."""

    title: str
    height: float
    x_ticks: tuple[Tick, ...]
    names: tuple[tuple[str, float, int], ...]
    dots: tuple[tuple[Dot, int], ...]
    bars: tuple[tuple[Bar, int], ...]
    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True)
class Series:
    """Values of one run over epochs.

    Parameters
    ----------
    label : its letter and, among several trainings, its number
    colour, dash : by number
    values : by epoch; NaN where undefined
    """

    label: str
    colour: int
    dash: int
    values: Mapping[int, float]


def draw_curves(title: str, series: Sequence[Series]) -> Curves | None:
    """Draw curves over epochs on one axis; None where nothing is defined."""
    drawn = [one for one in series if any(math.isfinite(v) for v in one.values.values())]
    if not drawn:
        return None
    finite = [v for one in drawn for v in one.values.values() if math.isfinite(v)]
    y_ticks = nice_ticks(min(finite), max(finite))
    last = max(epoch for one in drawn for epoch in one.values)
    height = max(_CURVES_HEIGHT, _TOP + _BOTTOM + _LETTER_ROOM * len(drawn))
    x = _Scale(1.0, float(max(last, 2)), _LEFT, WIDTH - _RIGHT)
    y = _Scale(y_ticks[0], y_ticks[-1], height - _BOTTOM, _TOP)
    return Curves(
        title=title,
        height=height,
        x_ticks=tuple(Tick(x(epoch), f"{epoch}") for epoch in _epoch_ticks(last)),
        y_ticks=tuple(Tick(y(value), f"{value:g}") for value in y_ticks),
        lines=tuple(_apart([_line(one, x, y) for one in drawn], height)),
        left=_LEFT, right=WIDTH - _RIGHT, top=_TOP, bottom=height - _BOTTOM,
    )  # fmt: skip


class _Scale:
    """Values to places."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low, self._start = low, start
        self._factor = (end - start) / (high - low)

    def __call__(self, value: float) -> float:
        return self._start + self._factor * (value - self._low)


def _line(one: Series, x: _Scale, y: _Scale) -> Line:
    """A path with a gap where a value is undefined; a lone value is a short stroke."""
    parts, pen_down = [], False
    for epoch, value in sorted(one.values.items()):
        if math.isfinite(value):
            parts.append(f"{'L' if pen_down else 'M'}{x(epoch):.1f} {y(value):.1f}")
            if not pen_down:
                parts.append("h.1")
        pen_down = math.isfinite(value)
    epoch, value = max((e, v) for e, v in one.values.items() if math.isfinite(v))
    return Line("".join(parts), one.colour, one.dash, one.label, x(epoch) + 5, y(value))


def _apart(lines: Sequence[Line], height: float) -> Iterator[Line]:
    """Move letters that would cover each other: downwards, then up again from the lower edge."""
    ordered = sorted(lines, key=lambda line: (line.y, line.label))
    places: list[float] = []
    for line in ordered:
        places.append(max(line.y, places[-1] + _LETTER_ROOM) if places else line.y)
    limit = height - _BOTTOM + 4
    for number in reversed(range(len(places))):
        places[number] = min(places[number], limit)
        limit = places[number] - _LETTER_ROOM
    for line, place in zip(ordered, places, strict=True):
        yield replace(line, y=place)


def _epoch_ticks(last: int) -> list[int]:
    step = max(1, int(nice_step(last / 6)))
    ticks = [1, *range(step, last + 1, step)]
    return sorted(dict.fromkeys(tick for tick in ticks if tick == 1 or tick - 1 >= step / 2))


def nice_step(rough: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten.

    >>> nice_step(0.03), nice_step(7)
    (0.05, 10.0)
    """
    power = 10.0 ** math.floor(math.log10(rough))
    factor = next(one for one in (1, 2, 5, 10) if one * power >= rough * (1 - 1e-9))
    return float(f"{factor * power:.12g}")


def nice_ticks(low: float, high: float) -> list[float]:
    """Round values around a range, at least two.

    >>> nice_ticks(0.12, 0.47)
    [0.1, 0.2, 0.3, 0.4, 0.5]
    """
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - 0.5 * max(abs(low), 0.1), high + 0.5 * max(abs(high), 0.1)
    step = nice_step((high - low) / 5)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{n * step:.12g}") for n in range(first, last + 1)]


@dataclass(frozen=True)
class Setting:
    """Values of one setting in one metric.

    Parameters
    ----------
    name : its letter
    values : one per training
    low, high : interval; NaN without
    mean : over trainings; None for a single one, whose interval is over groups of items
    """

    name: str
    values: tuple[float, ...]
    low: float
    high: float
    mean: float | None


def draw_dots(title: str, settings: Sequence[Setting]) -> Dots | None:
    """Draw the values of settings below each other; None where nothing is defined."""
    numbers = np.array([n for one in settings for n in (*one.values, one.low, one.high)])
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return None
    ticks = nice_ticks(float(finite.min()), float(finite.max()))
    right = _DOTS_WIDTH - 0.5 * _RIGHT
    x = _Scale(ticks[0], ticks[-1], _LEFT, right)
    heights = {one.name: _TOP + _ROW * (place + 0.5) for place, one in enumerate(settings)}
    bottom = _TOP + _ROW * len(settings)
    dots, bars = [], []
    for number, one in enumerate(settings):
        y, colour = heights[one.name], number % N_COLOURS
        hollow = one.mean is not None
        dots += [(Dot(x(v), y, hollow), colour) for v in one.values if math.isfinite(v)]
        if one.mean is not None and math.isfinite(one.mean):
            dots.append((Dot(x(one.mean), y, False), colour))
        if math.isfinite(one.low) and math.isfinite(one.high):
            bars.append((Bar(x(one.low), x(one.high), y, hollow), colour))
    return Dots(
        title=title,
        height=bottom + _BOTTOM - 8,
        x_ticks=tuple(Tick(x(value), f"{value:g}") for value in ticks),
        names=tuple((one.name, heights[one.name], n % N_COLOURS) for n, one in enumerate(settings)),
        dots=tuple(dots), bars=tuple(bars),
        left=_LEFT, right=right, top=_TOP, bottom=bottom,
    )  # fmt: skip
