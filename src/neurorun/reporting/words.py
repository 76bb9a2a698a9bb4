"""Numbers and times as people write them."""

import math
from collections.abc import Sequence

_ACRONYMS = {"iou": "IoU"} | {
    word: word.upper()
    for word in ("auroc", "auprc", "taes", "f1", "szcore", "fa", "nmse", "mse", "mae")
}


def number_in_words(value: float) -> str:
    """A number for reading; what is undefined says so, and only zero reads as zero.

    >>> [number_in_words(value) for value in (0.98765, float("nan"), 1234.5, 12.34, 0.0, 0.00012)]
    ['0.988', 'undefined', '1,234', '12.3', '0', '0.00012']
    """
    if math.isnan(value):
        return "undefined"
    if abs(value) < 0.001:
        return f"{value:.2g}"
    if abs(value) < 10:
        return f"{value:.3f}"
    return f"{value:,.1f}" if abs(value) < 100 else f"{value:,.0f}"


def count_in_words(count: float, noun: str) -> str:
    """A count with its noun, which is made plural with an s.

    >>> count_in_words(1, "seizure"), count_in_words(1200, "seizure"), count_in_words(0, "patient")
    ('1 seizure', '1,200 seizures', '0 patients')
    """
    return f"{whole(count)} {noun if count == 1 else f'{noun}s'}"


def whole(count: float) -> str:
    """A count without decimals.

    >>> whole(1234.0), whole(float("nan"))
    ('1,234', 'undefined')
    """
    return "undefined" if math.isnan(count) else f"{count:,.0f}"


def percent(share: float) -> str:
    """A share of 1 as percent.

    >>> percent(0.123), percent(1.0), percent(float("nan"))
    ('12.3 %', '100 %', 'undefined')
    """
    if math.isnan(share):
        return "undefined"
    return f"{100 * share:.0f} %" if share in (0, 1) else f"{100 * share:.1f} %"


def clock(time_s: float) -> str:
    """A time in a recording as minutes and seconds, with hours where there are some.

    >>> clock(125.4), clock(59.6), clock(3725)
    ('2:05', '1:00', '1:02:05')
    """
    minutes, seconds = divmod(math.floor(time_s + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def span(onset_s: float, offset_s: float) -> str:
    """A stretch of time, from one clock time to another.

    >>> span(62, 75.2)
    '1:02-1:15'
    """
    return f"{clock(onset_s)}-{clock(offset_s)}"


def duration_in_words(duration_s: float) -> str:
    """A length of time in the largest unit that fits it.

    >>> [duration_in_words(s) for s in (12, 600, 5400, 720000)]
    ['12 s', '10 min', '1.5 h', '200 h']
    """
    if math.isnan(duration_s):
        return "undefined"
    if duration_s < 60:
        return f"{duration_s:.0f} s"
    size, unit = (60, "min") if duration_s < 3600 else (3600, "h")
    amount = duration_s / size
    return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:,.0f} {unit}"


def metric_in_words(name: str) -> str:
    """Name of a metric as a heading.

    >>> metric_in_words("false_alarms_per_24h"), metric_in_words("auroc"), metric_in_words("val_f1")
    ('false alarms per 24 h', 'AUROC', 'val F1')
    """
    spaced = name.replace("_", " ").replace("24h", "24 h")
    return " ".join(_ACRONYMS.get(word, word) for word in spaced.split(" "))


def unit_in_words(unit: str) -> str:
    """Unit of a metric; ratios have none.

    >>> unit_in_words("1"), unit_in_words("per 24 h")
    ('', 'per 24 h')
    """
    return "" if unit == "1" else unit


def listed(words: Sequence[str]) -> str:
    """Words as an enumeration.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return words[-1] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
