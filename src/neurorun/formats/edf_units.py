"""Physical dimensions of EDF channels: which are voltages, and how many microvolts one is."""

import re

_MICRO = re.compile(r"(?:u|micro|\?|[^\x00-\x7f]{1,2}) ?v(?:olts?)?", re.IGNORECASE)
_NANO = re.compile(r"n(?:ano)?v(?:olts?)?", re.IGNORECASE)
_MILLI = re.compile(r"m[vV]|millivolts?")
_VOLT = re.compile(r"v(?:olts?)?", re.IGNORECASE)


def microvolts_per_unit(dimension: str) -> float | None:
    """Microvolts in one unit of a physical dimension; None where it is no voltage.

    A blank dimension counts as microvolts. So does ``?V`` or any one or two characters outside
    ASCII before the V: only the micro sign can have stood there. ``MV`` would be megavolts and
    is taken for no voltage.

    >>> [microvolts_per_unit(text) for text in ("uV", "mV", "V", "Â\u00b5V", "%")]
    [1.0, 1000.0, 1000000.0, 1.0, None]
    """
    if not dimension or _MICRO.fullmatch(dimension):
        return 1.0
    scales = ((_MILLI, 1e3), (_VOLT, 1e6), (_NANO, 1e-3))
    return next((scale for pattern, scale in scales if pattern.fullmatch(dimension)), None)


def is_plain_unit(dimension: str) -> bool:
    """Whether a voltage is spelled so that nothing had to be assumed.

    >>> is_plain_unit("uV"), is_plain_unit(""), is_plain_unit("?V")
    (True, False, False)
    """
    return bool(dimension) and not dimension.startswith("?") and "\ufffd" not in dimension
