"""What channel labels mean: the electrode, and what it was recorded against.

Corpora write one electrode in many ways: ``EEG FP1-REF``, ``Fp1``, ``FP1-LE``, ``POL Fp1``; and
T7, T8, P7 and P8 of the 10-10 system are T3, T4, T5 and T6 of the 10-20 system.
"""

import re
from typing import NamedTuple

TEN_TWENTY = (
    "Fp1", "F3", "C3", "P3", "F7", "T3", "T5", "O1", "Fz", "Cz",
    "Pz", "Fp2", "F4", "C4", "P4", "F8", "T4", "T6", "O2",
)  # fmt: skip
"""The 19 channels of the 10-20 system, in the order of our models."""

_TEN_TEN = (
    "Nz Fpz AF9 AF7 AF5 AF3 AF1 AFz AF2 AF4 AF6 AF8 AF10 F9 F5 F1 F2 F6 F10 FT9 FT7 FC5 FC3 FC1 "
    "FCz FC2 FC4 FC6 FT8 FT10 T9 C5 C1 C2 C6 T10 TP9 TP7 CP5 CP3 CP1 CPz CP2 CP4 CP6 TP8 TP10 P9 "
    "P5 P1 P2 P6 P10 PO9 PO7 PO5 PO3 PO1 POz PO2 PO4 PO6 PO8 PO10 Oz Iz T1 T2"
)
_SYNONYMS = {"T7": "T3", "T8": "T4", "P7": "T5", "P8": "T6"}
_SCALP = {name.casefold(): name for name in (*TEN_TWENTY, *_TEN_TEN.split())}
_SCALP |= {old.casefold(): new for old, new in _SYNONYMS.items()}
_EARS = {name.casefold(): name for name in ("A1", "A2", "M1", "M2")}
_ELECTRODES = _SCALP | _EARS

_REFERENCES = {"ref": "", "le": "linked ears", "a1a2": "linked ears", "a1+a2": "linked ears"}
_REFERENCES |= dict.fromkeys(("ar", "av", "avg", "car"), "average")

_PREFIX = re.compile(r"(?:EEG|POL)[ _:.-]*", re.IGNORECASE)
_REPETITION = re.compile(r"(?:#\d+|-\d)$")
_HEART = re.compile(r"(?:EEG )?(?:ECG|EKG)(?: (?:ECG|EKG))?(?:-(?:REF|LE|AR))?", re.IGNORECASE)


class Lead(NamedTuple):
    """An electrode and what it was recorded against.

    Parameters
    ----------
    electrode : canonical name
    against : another electrode, ``linked ears``, ``average``, the reference as written, or empty
        where the label says no more than that there is a common reference
    """

    electrode: str
    against: str = ""

    @property
    def is_derivation(self) -> bool:
        """Whether this is the difference of two scalp electrodes."""
        return self.against.casefold() in _SCALP

    @property
    def reference(self) -> str:
        """What the electrode was recorded against, in words."""
        return self.against or "a common reference"


def parse_label(label: str) -> Lead | None:
    """Read a channel label; None where it names no electrode.

    >>> parse_label("EEG FP1-LE"), parse_label("T8-P8#2"), parse_label("SPO2")
    (Lead(electrode='Fp1', against='linked ears'), Lead(electrode='T4', against='T6'), None)
    """
    lead = _lead(label)
    if lead is not None and _known(lead.against):
        return lead
    return _lead(_REPETITION.sub("", label)) or lead


def _lead(label: str) -> Lead | None:
    for text in (label, _PREFIX.sub("", label, count=1)):
        positive, _, negative = text.replace(" ", "").rstrip(".").partition("-")
        electrode = _ELECTRODES.get(positive.casefold())
        if electrode is not None:
            return Lead(electrode, _against(negative))
    return None


def _against(text: str) -> str:
    folded = text.casefold()
    return _REFERENCES.get(folded, _ELECTRODES.get(folded, text.upper()))


def _known(against: str) -> bool:
    return against in _REFERENCES.values() or against.casefold() in _ELECTRODES


def canonical_name(label: str) -> str:
    """Name of a channel as we write it: electrodes of the 10-20 system, derivations as ``A-B``.

    Common references are left off, electrocardiograms become ``EKG``, and what names no electrode
    stays as it is.

    >>> [canonical_name(label) for label in ("EEG FP1-REF", "T7", "T8-P8", "ECG ECG", " X1 ")]
    ['Fp1', 'T3', 'T4-T6', 'EKG', 'X1']
    """
    lead = parse_label(label)
    if lead is None:
        return "EKG" if _HEART.fullmatch(label.strip()) else label.strip()
    return f"{lead.electrode}-{lead.against}" if lead.is_derivation else lead.electrode
