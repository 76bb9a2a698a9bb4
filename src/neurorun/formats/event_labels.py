"""The labels of seizures: the codes of the TUH corpus and those of HED-SCORE.

TUSZ writes four letters (``fnsz``), HED-SCORE a path into a tree of seizure types
(``sz_foc_ia_nm``). Both call time without a seizure ``bckg``. Where a file only says that there is
a seizure (``seiz``, ``sz``), our label is ``seiz``.

TUSZ's ``nesz`` is a non-epileptic seizure: the patient has one, the EEG shows nothing of it. It is
read and kept under its name, but it is nothing that could be detected: in targets, scores and
formats that do not know it, it is background.

References
----------
.. [1] Shah, von Weltin, Lopez et al., "The Temple University Hospital Seizure Detection Corpus",
   Frontiers in Neuroinformatics 12:83, 2018.
.. [2] Dan, Pale, Amirshahi et al., "SzCORE: seizure community open-source research evaluation
   framework", Epilepsia 66(S3), 2025; the seizure types of the HED-SCORE library.
"""

from collections.abc import Mapping
from types import MappingProxyType

from neurorun.core import BACKGROUND, NON_EPILEPTIC, SEIZURE

TUSZ_TO_HED: Mapping[str, str] = MappingProxyType(
    {
        BACKGROUND: BACKGROUND,
        SEIZURE: "sz",
        "fnsz": "sz_foc",
        "gnsz": "sz_gen",
        "spsz": "sz_foc_a",
        "cpsz": "sz_foc_ia",
        "absz": "sz_gen_nm",
        "tnsz": "sz_gen_m_tonic",
        "cnsz": "sz_gen_m_clonic",
        "tcsz": "sz_gen_m_tonicClonic",
        "atsz": "sz_gen_m_atonic",
        "mysz": "sz_gen_nm_myoclonic",
        NON_EPILEPTIC: BACKGROUND,
    }
)
"""Labels of TUSZ, each with the nearest type of HED-SCORE."""

SEIZURE_LABELS: frozenset[str] = frozenset(TUSZ_TO_HED) - {BACKGROUND, NON_EPILEPTIC}
"""Labels of TUSZ that mark a seizure of any kind that shows in the EEG."""

HED_SEIZURE = "sz"
"""Label of HED-SCORE for a seizure of unknown type, and the beginning of all others."""

IMPEDANCE_CHECK = "impd"
"""Label of time in which electrodes were checked, so that no EEG was recorded."""


def is_seizure_label(label: str) -> bool:
    """Whether a label of either table marks a seizure.

    >>> [is_seizure_label(x) for x in ("fnsz", "sz_foc_ia_nm", "bckg", "szabo")]
    [True, True, False, False]
    """
    return label in SEIZURE_LABELS or is_hed_seizure(label)


def is_hed_seizure(label: str) -> bool:
    """Whether a label is ``sz`` or lies below it in the tree of HED-SCORE."""
    return label == HED_SEIZURE or label.startswith("sz_")


def hed_label(label: str) -> str | None:
    """Nearest label of HED-SCORE, or None for a label of neither table.

    >>> hed_label("cpsz"), hed_label("sz_uo"), hed_label("blink")
    ('sz_foc_ia', 'sz_uo', None)
    """
    return label if is_hed_seizure(label) else TUSZ_TO_HED.get(label)
