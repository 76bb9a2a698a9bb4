"""Random numbers that are a function of their place, the same on every device.

Number *i* of example *(seed, epoch, row)* is computed from these four alone, so neither the number
of workers nor their order nor the size of a batch matters, and nothing needs to be saved to go on.

References
----------
.. [1] Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (the mixing
   function of SplitMix64, variant 13 of Stafford).
.. [2] Box, Muller, "A note on the generation of random normal deviates", 1958.
"""

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt64

GAMMA = 0x9E3779B97F4A7C15
MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
SHIFTS = (30, 27, 31)
SMALLEST_UNIFORM = 2.0**-33

Keys = UInt64[np.ndarray, " rows"]


def mix(values: UInt64[np.ndarray, "..."]) -> UInt64[np.ndarray, "..."]:
    """Scramble 64-bit numbers: equal inputs give equal outputs, others look unrelated."""
    values = (values ^ (values >> np.uint64(SHIFTS[0]))) * np.uint64(MULTIPLIERS[0])
    values = (values ^ (values >> np.uint64(SHIFTS[1]))) * np.uint64(MULTIPLIERS[1])
    return np.asarray(values ^ (values >> np.uint64(SHIFTS[2])))


def row_keys(seed: int, epoch: int, rows: Int64[np.ndarray, " rows"]) -> Keys:
    """Key of each row of an epoch, from which all its numbers follow.

    >>> a, b = row_keys(42, 1, np.array([3, 4])), row_keys(42, 1, np.array([4]))
    >>> bool(a[1] == b[0])
    True
    """
    keys = np.zeros(len(rows), np.uint64)
    for part in (np.full(len(rows), seed), np.full(len(rows), epoch), rows):
        keys = mix((keys + np.uint64(GAMMA)) ^ mix(part.astype(np.uint64)))
    return keys


def uniforms(keys: Keys, n: int, *, stream: int) -> Float64[np.ndarray, "rows n"]:
    """``n`` numbers in [0, 1) for every key; streams are independent of each other."""
    counters = np.uint64(stream << 32) + np.arange(1, n + 1, dtype=np.uint64)
    mixed = mix(keys[:, None] + counters * np.uint64(GAMMA))
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


class NormalNumbers:
    """Fills arrays with standard normal numbers, using the same memory again and again.

    Parameters
    ----------
    size : how many numbers belong to a key
    n_keys : how many keys are served at once at most
    """

    def __init__(self, size: int, n_keys: int = 1) -> None:
        half = -(-size // 2)
        self._counters = np.arange(1, half + 1, dtype=np.uint64) * np.uint64(GAMMA)
        self._mixed = np.empty((n_keys, half), np.uint64)
        self._shifted = np.empty_like(self._mixed)
        self._radius, self._angle, self._cosine = np.empty((3, n_keys, half), np.float32)
        self._n_sines = size - half

    def fill(self, keys: Keys, out: Float32[np.ndarray, "rows size"]) -> None:
        """Write the numbers that belong to some keys.

        64 mixed bits give two uniform numbers of 32 bits, and these two normal ones [2]_.
        """
        n = len(keys)
        radius, angle, cosine = self._radius[:n], self._angle[:n], self._cosine[:n]
        halves = self._mix(keys).view(np.uint32)
        np.copyto(radius, halves[:, 0::2], casting="unsafe")
        np.copyto(angle, halves[:, 1::2], casting="unsafe")
        radius *= np.float32(2.0**-32)
        np.maximum(radius, np.float32(SMALLEST_UNIFORM), out=radius)
        np.log(radius, out=radius)
        radius *= np.float32(-2)
        np.sqrt(radius, out=radius)
        angle *= np.float32(2 * np.pi * 2.0**-32)
        np.cos(angle, out=cosine)
        np.sin(angle, out=angle)
        half, n_sines = radius.shape[1], self._n_sines
        np.multiply(cosine, radius, out=out[:, :half])
        np.multiply(angle[:, :n_sines], radius[:, :n_sines], out=out[:, half:])

    def _mix(self, keys: Keys) -> np.ndarray:
        z, t = self._mixed[: len(keys)], self._shifted[: len(keys)]
        np.add(self._counters, keys[:, None], out=z)
        for shift, multiplier in zip(SHIFTS[:2], MULTIPLIERS, strict=True):
            np.right_shift(z, np.uint64(shift), out=t)
            np.bitwise_xor(z, t, out=z)
            np.multiply(z, np.uint64(multiplier), out=z)
        np.right_shift(z, np.uint64(SHIFTS[2]), out=t)
        return np.bitwise_xor(z, t, out=z)
