"""Decoded images that stay in memory, up to a limit."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np
from jaxtyping import Bool, UInt8


@dataclass(frozen=True, eq=False)
class Pixels:
    """An image and its mask; both are shared and must not be written to."""

    image: UInt8[np.ndarray, "height width 3"]
    mask: Bool[np.ndarray, "height width"]

    @property
    def n_bytes(self) -> int:
        """Memory that both take."""
        return self.image.nbytes + self.mask.nbytes


class PixelStore:
    """Keeps what was used last; what was dropped is read again.

    Used from several threads; an image that two threads ask for at once may be read twice.

    Parameters
    ----------
    read : decodes one image by its place
    limit_bytes : an image larger than this is never kept

    Examples
    --------
    >>> asked = []
    >>> def read(place):
    ...     asked.append(place)
    ...     return Pixels(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.bool_))
    >>> store = PixelStore(read, limit_bytes=40)
    >>> for place in (0, 1, 1, 2, 0):
    ...     _ = store[place]
    >>> asked, store.n_bytes
    ([0, 1, 2, 0], 32)
    """

    def __init__(self, read: Callable[[int], Pixels], *, limit_bytes: int) -> None:
        self._read, self._limit_bytes = read, limit_bytes
        self._kept: OrderedDict[int, Pixels] = OrderedDict()
        self._lock = Lock()
        self.n_bytes = 0

    def __getitem__(self, place: int) -> Pixels:
        with self._lock:
            if place in self._kept:
                self._kept.move_to_end(place)
                return self._kept[place]
        pixels = self._read(place)
        self.keep(place, pixels)
        return pixels

    def keep(self, place: int, pixels: Pixels) -> None:
        """Keep an image that was read already, and drop those that were not used for longest."""
        pixels.image.setflags(write=False)
        pixels.mask.setflags(write=False)
        with self._lock:
            if place in self._kept or pixels.n_bytes > self._limit_bytes:
                return
            self._kept[place] = pixels
            self.n_bytes += pixels.n_bytes
            while self.n_bytes > self._limit_bytes:
                _, dropped = self._kept.popitem(last=False)
                self.n_bytes -= dropped.n_bytes
