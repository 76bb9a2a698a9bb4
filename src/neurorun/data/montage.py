"""Montages: which channels of a recording, in which order and against which reference.

A montage is resolved from channel names alone into a `MontagePlan`: the channels to read, and the
matrix that turns them into the montage. The plan serves whole recordings and blocks alike.

Nothing is put in the place of a missing channel, except that Fz and Pz, if they alone are
missing, are interpolated from the other seventeen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Float64

from neurorun.core import ConfigError, DataError, Recording, require
from neurorun.data.channel_names import TEN_TWENTY, Lead, canonical_name, parse_label

DOUBLE_BANANA = (
    "Fp1-F3", "F3-C3", "C3-P3", "P3-O1", "Fp1-F7", "F7-T3", "T3-T5", "T5-O1", "Fz-Cz", "Cz-Pz",
    "Fp2-F4", "F4-C4", "C4-P4", "P4-O2", "Fp2-F8", "F8-T4", "T4-T6", "T6-O2",
)  # fmt: skip
"""The 18 derivations of the longitudinal bipolar montage, in the order of SzCORE [1]_.

.. [1] github.com/esl-epfl/epilepsy2bids, ``Eeg.BIPOLAR_DBANANA``.
"""

_INTERPOLATED = frozenset(("Fz", "Pz"))
_MONTAGES = {"10-20": TEN_TWENTY, "double-banana": DOUBLE_BANANA}

Weights = dict[int, float]


@dataclass(frozen=True, eq=False)
class MontagePlan:
    """How a montage is made from the channels of a recording.

    Parameters
    ----------
    channels : names of the montage, in its order
    inputs : channels of the recording that it is made from, in the recording's order
    matrix : montage = matrix @ inputs; derivations have a 1 and a -1 in their row
    notes : what was mapped from what, one sentence for each kind of mapping
    """

    channels: tuple[str, ...]
    inputs: tuple[str, ...]
    matrix: Float64[np.ndarray, "channels inputs"]
    notes: tuple[str, ...] = ()

    @property
    def is_selection(self) -> bool:
        """Whether every channel of the montage is one channel of the recording, unchanged."""
        weights = self.matrix
        return bool(np.isin(weights, (0, 1)).all() and (weights.sum(axis=1) == 1).all())

    def apply(
        self, signal_uv: Float32[np.ndarray, "inputs samples"]
    ) -> Float32[np.ndarray, "channels samples"]:
        """Make the montage of a block whose rows are the ``inputs``, in their order."""
        mapped: Float32[np.ndarray, "channels samples"]
        if self.is_selection:
            mapped = signal_uv[self.matrix.argmax(axis=1)]
        else:
            mapped = self.matrix.astype(np.float32) @ signal_uv
        return mapped


def map_montage(
    recording: Recording, montage: str | Sequence[str], *, interpolate: bool = True
) -> Recording:
    """Bring a recording into a montage.

    Parameters
    ----------
    recording : any channels
    montage, interpolate : as in `resolve_montage`

    Returns
    -------
    The recording with the channels of the montage; its notes say what they were mapped from.

    Raises
    ------
    DataError : a channel of the montage cannot be had from this recording
    ConfigError : no such montage
    MissingExtraError : a channel must be interpolated and MNE-Python is not installed

    Examples
    --------
    >>> from neurorun.core import whole_recording
    >>> signal_uv = np.array([[3.0, 5.0], [1.0, 1.0]], dtype=np.float32)
    >>> labels = ("EEG FP1-REF", "EEG F3-REF")
    >>> recording = Recording("r", "p", labels, 1.0, signal_uv, whole_recording(2))
    >>> map_montage(recording, ["Fp1-F3"]).signal_uv.tolist()
    [[2.0, 4.0]]
    """
    plan = resolve_montage(recording.channels, montage, interpolate=interpolate)
    signal_uv = recording.signal_uv
    if plan.inputs != recording.channels:
        signal_uv = signal_uv[[recording.channels.index(name) for name in plan.inputs]]
    return replace(
        recording,
        channels=plan.channels,
        signal_uv=plan.apply(signal_uv),
        notes=(*recording.notes, *plan.notes),
    )


def resolve_montage(
    channel_names: Sequence[str], montage: str | Sequence[str], *, interpolate: bool = True
) -> MontagePlan:
    """Find how a montage is made from channels of these names; no signal is needed.

    Electrodes are found whatever prefix, reference, case or synonym their labels carry. A
    derivation is computed from its two electrodes, which must share a reference, or read as it
    stands, also with its electrodes exchanged (its sign is then turned). Of repeated channels the
    first is used and the choice is noted.

    Parameters
    ----------
    channel_names : unique names, as in a recording or an EDF header
    montage : ``10-20`` (19 channels), ``double-banana`` (18 derivations), or names of channels and
        derivations; a name is looked for first as it is, then as the electrodes it means
    interpolate : whether Fz and Pz may be interpolated (spherical splines of MNE-Python) where
        they alone are missing

    Raises
    ------
    DataError : a channel cannot be had, or channels with different references would be mixed
    ConfigError : no such montage
    MissingExtraError : a channel must be interpolated and MNE-Python is not installed
    """
    wanted = montage_channels(montage)
    labels = _Labels.of(channel_names)
    if isinstance(montage, str):
        rows = labels.find_montage(wanted)
    else:
        rows = {name: labels.find_named(name) for name in wanted}
    if interpolate and isinstance(montage, str):
        rows = _interpolate(labels, rows)
    missing = [name for name, weights in rows.items() if weights is None]
    if missing:
        raise DataError(_missing_text(montage, missing, labels))
    found = {name: weights for name, weights in rows.items() if weights is not None}
    if montage == "10-20":
        _check_references(labels, found)
    return _plan(labels, found)


def montage_channels(montage: str | Sequence[str]) -> tuple[str, ...]:
    """Names of the channels of a montage, in its order.

    Raises
    ------
    ConfigError : no such montage, or a list that is empty or names a channel twice

    Examples
    --------
    >>> len(montage_channels("10-20")), montage_channels(["C3", "C4"])
    (19, ('C3', 'C4'))
    """
    if isinstance(montage, str):
        if montage not in _MONTAGES:
            raise ConfigError(
                f"There is no montage '{montage}'; allowed are {_listed(_MONTAGES)}, or a list of "
                "channel names."
            )
        return _MONTAGES[montage]
    wanted = tuple(montage)
    if not wanted or len(set(wanted)) < len(wanted):
        raise ConfigError(
            f"The montage [{', '.join(wanted)}] is empty or names a channel twice; name each "
            "channel once."
        )
    return wanted


@dataclass(frozen=True)
class _Labels:
    """The channels of a recording by what their labels mean; the first of each meaning counts."""

    names: tuple[str, ...]
    leads: tuple[Lead | None, ...]
    by_lead: dict[Lead, int]
    by_electrode: dict[str, int]
    by_text: dict[str, int]
    repeated: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Sequence[str]) -> "_Labels":
        leads = tuple(parse_label(name) for name in names)
        labels = cls(tuple(names), leads, {}, {}, {})
        for i, (name, lead) in enumerate(zip(names, leads, strict=True)):
            meaning = canonical_name(name)
            labels.by_text.setdefault(meaning.casefold(), i)
            if lead is None:
                continue
            labels.by_lead.setdefault(lead, i)
            if lead.is_derivation:
                labels.repeated.setdefault(meaning, []).append(name)
            else:
                labels.by_electrode.setdefault(lead.electrode, i)
                labels.repeated.setdefault(lead.electrode, []).append(name)
        return labels

    def find_montage(self, wanted: Sequence[str]) -> dict[str, Weights | None]:
        """Channels of a named montage; derivations are all computed, or all read if possible."""
        electrodes = {electrode for name in wanted for electrode in name.split("-")}
        computed_first = electrodes <= self.by_electrode.keys()
        return {name: self._find(name, computed_first=computed_first) for name in wanted}

    def find_named(self, name: str) -> Weights | None:
        """A channel that the user named: the label itself, or what it means."""
        if name in self.names:
            return {self.names.index(name): 1.0}
        if parse_label(name) is not None:
            return self._find(name, computed_first=False)
        index = self.by_text.get(canonical_name(name).casefold())
        return None if index is None else {index: 1.0}

    def _find(self, name: str, *, computed_first: bool) -> Weights | None:
        lead = parse_label(name)
        assert lead is not None, name
        if not lead.against:
            index = self.by_electrode.get(lead.electrode)
            return None if index is None else {index: 1.0}
        computed, read = self._computed(lead), self._read(lead)
        return (computed or read) if computed_first else (read or computed)

    def _read(self, lead: Lead) -> Weights | None:
        if lead in self.by_lead:
            return {self.by_lead[lead]: 1.0}
        turned = Lead(lead.against, lead.electrode)
        return {self.by_lead[turned]: -1.0} if turned in self.by_lead else None

    def _computed(self, lead: Lead) -> Weights | None:
        """Difference of two electrodes, if both were recorded against the same."""
        pair = (self.by_electrode.get(lead.electrode), self.by_electrode.get(lead.against))
        if pair[0] is None or pair[1] is None:
            return None
        if self.reference(pair[0]) != self.reference(pair[1]):
            return None
        return {pair[0]: 1.0, pair[1]: -1.0}

    def reference(self, index: int) -> str:
        """What a channel was recorded against, in words."""
        lead = self.leads[index]
        assert lead is not None, self.names[index]
        return lead.reference


def _check_references(labels: _Labels, rows: dict[str, Weights]) -> None:
    """Potentials against different references cannot stand side by side.

    The two ears, or the two mastoids, are one exception: against the ear of the same side is a
    montage of its own, and the notes name the labels.
    """
    by_reference: dict[str, list[str]] = {}
    for weights in rows.values():
        for index in weights:
            by_reference.setdefault(labels.reference(index), []).append(labels.names[index])
    if len(by_reference) > 1 and set(by_reference) not in ({"A1", "A2"}, {"M1", "M2"}):
        found = "; ".join(f"{key}: {_listed(names)}" for key, names in by_reference.items())
        raise DataError(
            f"The channels of montage '10-20' were recorded against different references ({found});"
            " all must share one. Use montage 'double-banana', or name the channels."
        )


def _interpolate(labels: _Labels, rows: dict[str, Weights | None]) -> dict[str, Weights | None]:
    """Fill in what Fz and Pz are needed for, if they alone are missing."""
    absent = frozenset(TEN_TWENTY) - labels.by_electrode.keys()
    present = tuple(name for name in TEN_TWENTY if name not in absent)
    references = {labels.reference(labels.by_electrode[name]) for name in present}
    if not absent <= _INTERPOLATED or len(references) > 1:
        return rows
    filled = dict(rows)
    for name in [name for name, weights in rows.items() if weights is None]:
        weights: Weights = {}
        for electrode, sign in zip(name.split("-"), (1.0, -1.0), strict=False):
            for index, weight in _electrode_weights(labels, electrode, present).items():
                weights[index] = weights.get(index, 0.0) + sign * weight
        filled[name] = weights
    return filled


def _electrode_weights(labels: _Labels, electrode: str, present: tuple[str, ...]) -> Weights:
    if electrode in present:
        return {labels.by_electrode[electrode]: 1.0}
    weights = interpolation_weights(present)[electrode]
    return {labels.by_electrode[p]: weight for p, weight in zip(present, weights, strict=True)}


@lru_cache
def interpolation_weights(present: tuple[str, ...]) -> dict[str, tuple[float, ...]]:
    """Weights that interpolate the absent channels of the 10-20 system by spherical splines [1]_.

    MNE-Python interpolates a recording that has one sample per present channel, at which only
    that one is not zero; what it puts into the absent channels are the weights.

    Parameters
    ----------
    present : names in the order of `TEN_TWENTY`; positions are those of ``standard_1020``

    Raises
    ------
    MissingExtraError : MNE-Python is not installed

    References
    ----------
    .. [1] Perrin, Pernier, Bertrand, Echallier, "Spherical splines for scalp potential and current
       density mapping", Electroencephalography and Clinical Neurophysiology 72, 1989.
    """
    mne = require("mne", extra="mne")
    absent = [name for name in TEN_TWENTY if name not in present]
    samples = np.eye(len(present) + len(absent), len(present))
    info = mne.create_info([*present, *absent], 1.0, "eeg", verbose="error")
    raw = mne.io.RawArray(samples, info, verbose="error")
    raw.set_montage("standard_1020", verbose="error")
    raw.info["bads"] = absent
    raw.interpolate_bads(reset_bads=False, verbose="error")
    return {name: tuple(raw.get_data(picks=[name])[0].tolist()) for name in absent}


def _plan(labels: _Labels, rows: dict[str, Weights]) -> MontagePlan:
    used = sorted({index for weights in rows.values() for index in weights})
    matrix = np.zeros((len(rows), len(used)))
    for row, weights in zip(matrix, rows.values(), strict=True):
        for index, weight in weights.items():
            row[used.index(index)] = weight
    inputs = tuple(labels.names[index] for index in used)
    return MontagePlan(tuple(rows), inputs, matrix, _notes(labels, rows))


def _notes(labels: _Labels, rows: dict[str, Weights]) -> tuple[str, ...]:
    """What was made from what; what kept its name is not listed."""
    mapped: list[str] = []
    computed: dict[str, str] = {}
    interpolated: list[str] = []
    for name, weights in rows.items():
        terms = [(labels.names[index], weight) for index, weight in weights.items()]
        if any(weight not in (1.0, -1.0) for _, weight in terms):
            interpolated.append(name)
        elif len(terms) > 1:
            computed |= zip(name.split("-"), (label for label, _ in terms), strict=False)
        elif terms != [(name, 1.0)]:
            mapped.append(f"{name} = {'-' * (terms[0][1] < 0)}'{terms[0][0]}'")
    notes = [f"Mapped: {', '.join(mapped)}."] * bool(mapped)
    if computed:
        pairs = (f"{electrode} = '{label}'" for electrode, label in computed.items())
        notes.append(f"Derivations were computed from {', '.join(pairs)}.")
    if interpolated:
        notes.append(f"Interpolated by spherical splines: {_listed(interpolated)}.")
    return (*notes, *_repetitions(labels, rows))


def _repetitions(labels: _Labels, rows: dict[str, Weights]) -> list[str]:
    used = {labels.names[index] for weights in rows.values() for index in weights}
    return [
        f"{meaning} stands in {_listed(names)}; the first was used."
        for meaning, names in labels.repeated.items()
        if len(names) > 1 and names[0] in used
    ]


def _missing_text(montage: str | Sequence[str], missing: Sequence[str], labels: _Labels) -> str:
    called = f"Montage '{montage}'" if isinstance(montage, str) else "The montage"
    if not labels.names:
        return (
            f"{called} needs {_listed(missing)}, and no channel that is a voltage is left. Correct "
            "the units of the recording (uV, mV, V), or leave it out."
        )
    if montage == "10-20" and any(lead and lead.is_derivation for lead in labels.leads):
        advice = "The recording holds derivations: use montage 'double-banana'."
    elif any(set(name.split("-")) <= labels.by_electrode.keys() for name in missing):
        advice = "The two electrodes of a derivation must have been recorded against the same."
    else:
        advice = "Name channels that are there, or leave the recording out."
    return (
        f"{called} needs {_listed(missing)}, which cannot be had from the channels "
        f"{_listed(labels.names)}. {advice}"
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
