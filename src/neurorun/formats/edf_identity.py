"""Whose recording an EDF file is, by the naming rules of the large corpora."""

import re
from pathlib import Path

from neurorun.formats.edf_header import EdfHeader

_BIDS = re.compile(r"(sub-[A-Za-z0-9]+)(?:_.*)?")
_STEMS = (
    re.compile(r"([a-z]{8})_s\d{3}.*"),
    re.compile(r"(chb\d\d)[a-z]?(?:_.*)?"),
    re.compile(r"(PN\d\d)(?:-.*)?"),
    re.compile(r"(P_ID\d+)(?:_.*)?"),
)
_SAME_PERSON = {"chb21": "chb01"}
_EDF_PLUS_PATIENT = re.compile(r"(\S+) [FMX] (?:X|\d\d-[A-Z]{3}-\d{4})(?: .*)?")
_NOT_A_CODE = {"x", "-1", "?", "n/a", "na", "none", "unknown", "anonymous", "anonymized"}


def guess_patient(path: Path, header: EdfHeader) -> str:
    """Name the patient of a file, so that no split divides a person.

    In this order: ``sub-XX`` of BIDS in the file name or a folder; the first part of the name in
    TUSZ (eight small letters), CHB-MIT (``chb05``; chb21 is the person of chb01 [1]_), Siena
    (``PN00``) and SeizeIT1 (``P_ID64``); the patient code of an EDF+ header, unless it says that it
    is unknown; the stem of the file. Sharing a code between strangers costs a little balance,
    dividing a person would leak: a doubtful code is therefore used.

    References
    ----------
    .. [1] physionet.org/content/chbmit: "Case chb21 was obtained 1.5 years after case chb01, from
       the same female subject."
    """
    for part in (path.stem, *reversed(path.parent.parts)):
        if match := _BIDS.fullmatch(part):
            return match[1]
    for pattern in _STEMS:
        if match := pattern.fullmatch(path.stem):
            return _SAME_PERSON.get(match[1], match[1])
    match = _EDF_PLUS_PATIENT.fullmatch(header.patient_text)
    if match and match[1].lower() not in _NOT_A_CODE:
        return match[1]
    return path.stem
