"""What of a recording goes into a page, so that the page stays below its limit.

A recording that fits is kept whole at full resolution. Of a longer one the envelope is kept from
start to end, as fine as half of the room allows, and full resolution in the rest, where a reader
wants to look.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurorun.core import DataError, Event
from neurorun.reporting.review.codec import encode
from neurorun.reporting.review.detail import Block, blocks_of, by_interest, joined
from neurorun.reporting.review.envelope import (
    PROBABILITY_STEP,
    Envelope,
    Survey,
    probability_envelopes,
    probability_steps,
    survey_signal,
)
from neurorun.reporting.review.material import Material, Signal

ENVELOPE_STEPS = 4
"""Steps of full resolution in one step of the envelope."""

_ENVELOPE_SHARE = 0.5
_PROBABILITY_SHARE = 0.125
_BYTES_PER_ENTRY = 64


@dataclass(eq=False)
class Packed:
    """What is embedded.

    Parameters
    ----------
    contents : where everything lies in the payload, plain values for JSON
    blobs : compressed arrays, in the order in which the contents name them
    """

    contents: dict[str, Any] = field(default_factory=dict)
    blobs: list[bytes] = field(default_factory=list)

    @property
    def payload(self) -> str:
        """All blobs, one after the other, as base64."""
        return base64.b64encode(b"".join(self.blobs)).decode("ascii")

    @property
    def n_bytes(self) -> int:
        """What it adds to a page, at most."""
        return sum(_cost(blob) for blob in self.blobs) + 4


def pack(material: Material, events: Sequence[Event], *, room_bytes: int) -> Packed:
    """Choose and compress what goes into a page.

    Parameters
    ----------
    events : around which full resolution is wanted, the most interesting first
    room_bytes : that all of it may take

    Raises
    ------
    DataError : there is no room even for the coarsest envelope
    """
    packed = Packed()
    if material.probabilities is not None:
        _pack_probabilities(packed, material, int(room_bytes * _PROBABILITY_SHARE))
    if material.signal is not None:
        _pack_signal(packed, material.signal, events, room_bytes - packed.n_bytes)
    return packed


def _cost(blob: bytes) -> int:
    """Bytes of a page that a blob and its entry in the contents take."""
    return 4 * (len(blob) // 3 + 1) + _BYTES_PER_ENTRY


def _pack_probabilities(packed: Packed, material: Material, room_bytes: int) -> None:
    assert material.probabilities is not None, "the caller has looked"
    envelopes = probability_envelopes(material.probabilities, material.probability_rate_hz)
    while True:
        blobs = [encode(probability_steps(one)) for one in envelopes]
        if sum(map(_cost, blobs)) <= room_bytes:
            break
        envelopes = _halved(envelopes, room_bytes)
    packed.contents["probability"] = _entries(envelopes, blobs)
    packed.contents["probability_step"] = PROBABILITY_STEP
    packed.blobs += blobs


def _pack_signal(packed: Packed, signal: Signal, events: Sequence[Event], room_bytes: int) -> None:
    survey = survey_signal(signal)
    blocks = by_interest(blocks_of(signal.stretches, signal.rate_hz), signal.rate_hz, events)
    kept = _encoded_blocks(signal, blocks, survey.step_uv, room_bytes)
    if len(kept) < len(blocks):
        envelope = _pack_envelope(packed, survey, int(room_bytes * _ENVELOPE_SHARE))
        kept = _that_fit(kept, room_bytes - envelope)
    runs = joined(list(kept))
    packed.contents["detail"] = [
        {
            "onset_s": run[0].onset_s,
            "blocks": [[block.n_samples, len(kept[block])] for block in run],
        }
        for run in runs
    ]
    packed.contents |= {
        "channels": signal.channels,
        "rate_hz": signal.rate_hz,
        "step_uv": survey.step_uv,
        "typical_uv": survey.typical_uv,
        "whole": len(kept) == len(blocks),
    }
    packed.blobs += [kept[block] for run in runs for block in run]


def _encoded_blocks(
    signal: Signal, blocks: Sequence[Block], step_uv: float, room_bytes: int
) -> dict[Block, bytes]:
    """Compress blocks in their order until the room is used up."""
    kept: dict[Block, bytes] = {}
    for block in blocks:
        signal_uv = signal.microvolts(block.first, block.n_samples)
        blob = encode(np.round(signal_uv / step_uv).astype(np.int16))
        room_bytes -= _cost(blob)
        if room_bytes < 0:
            break
        kept[block] = blob
    return kept


def _that_fit(kept: dict[Block, bytes], room_bytes: int) -> dict[Block, bytes]:
    """Blocks, in their order, until the room is used up."""
    fitting: dict[Block, bytes] = {}
    for block, blob in kept.items():
        room_bytes -= _cost(blob)
        if room_bytes < 0:
            break
        fitting[block] = blob
    return fitting


def _pack_envelope(packed: Packed, survey: Survey, room_bytes: int) -> int:
    """Add the finest envelope that fits; return what it takes."""
    step_uv = ENVELOPE_STEPS * survey.step_uv
    envelopes = survey.envelopes
    while True:
        blobs = [encode(one.in_steps(step_uv)) for one in envelopes]
        taken = sum(map(_cost, blobs))
        if taken <= room_bytes:
            break
        envelopes = _halved(envelopes, room_bytes)
    packed.contents["envelope"] = _entries(envelopes, blobs)
    packed.contents["envelope_step_uv"] = step_uv
    packed.blobs += blobs
    return taken


def _halved(envelopes: Sequence[Envelope], room_bytes: int) -> tuple[Envelope, ...]:
    if all(one.n_bins == 1 for one in envelopes):
        raise DataError(
            f"{len(envelopes)} stretches do not fit into {room_bytes:,} bytes of a page even as "
            "one range each; allow a larger page."
        )
    return tuple(one.halved() for one in envelopes)


def _entries(envelopes: Sequence[Envelope], blobs: Sequence[bytes]) -> list[dict[str, Any]]:
    return [
        {"onset_s": one.onset_s, "bin_s": one.bin_s, "n": one.n_bins, "bytes": len(blob)}
        for one, blob in zip(envelopes, blobs, strict=True)
    ]
