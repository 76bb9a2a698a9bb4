import pytest

from neurorun.data.channel_names import TEN_TWENTY, Lead, canonical_name, parse_label

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Fp1", "Fp1"),
        ("FP1", "Fp1"),
        ("fp1", "Fp1"),
        ("EEG Fp1", "Fp1"),
        ("EEG FP1-REF", "Fp1"),
        ("EEG FP1-LE", "Fp1"),
        ("EEG FP1-AR", "Fp1"),
        ("Fp1-Avg", "Fp1"),
        ("EEG Fp1-Ref#2", "Fp1"),
        ("Fp1#3", "Fp1"),
        ("Fp1-0", "Fp1"),
        ("EEG_Fp1", "Fp1"),
        ("EEG-Fp1", "Fp1"),
        ("EEGFp1", "Fp1"),
        ("POL Fp1", "Fp1"),
        ("EEG Fp1 - A1A2", "Fp1"),
        ("F7-CS2", "F7"),
        ("Fp1-A1", "Fp1"),
        ("Fc5.", "FC5"),
        ("T7", "T3"),
        ("T8", "T4"),
        ("P7", "T5"),
        ("p8", "T6"),
        ("EEG CZ", "Cz"),
        ("EEG A2-A1", "A2"),
        ("T8-P8", "T4-T6"),
        ("T8-P8-0", "T4-T6"),
        ("T8-P8#2", "T4-T6"),
        ("EEG FP1-F7", "Fp1-F7"),
        ("A1-T3", "A1-T3"),
        ("T4-A2", "T4"),
        ("FT9-FT10", "FT9-FT10"),
        ("ECG EKG", "EKG"),
        ("ECG ECG", "EKG"),
        ("EKG EKG", "EKG"),
        ("EKG", "EKG"),
        ("EEG EKG-REF", "EKG"),
        ("EEG EKG1-REF", "EEG EKG1-REF"),
        ("SPO2", "SPO2"),
        (" MK ", "MK"),
        ("LT-1", "LT-1"),
        ("5: 1", "5: 1"),
    ],
)
def test_labels_are_named_canonically(label, expected):
    assert canonical_name(label) == expected


@pytest.mark.parametrize("name", TEN_TWENTY)
def test_canonical_names_stay_as_they_are(name):
    assert canonical_name(name) == name


@pytest.mark.parametrize(
    ("label", "against", "reference"),
    [
        ("Fp1", "", "a common reference"),
        ("EEG Fp1-REF", "", "a common reference"),
        ("EEG Fp1-LE", "linked ears", "linked ears"),
        ("Fp1-A1+A2", "linked ears", "linked ears"),
        ("EEG Fp1-AR", "average", "average"),
        ("Fp1-CAR", "average", "average"),
        ("Fp1-CS2", "CS2", "CS2"),
        ("Fp1-m2", "M2", "M2"),
        ("Fp1-F3", "F3", "F3"),
    ],
)
def test_a_lead_knows_what_it_was_recorded_against(label, against, reference):
    lead = parse_label(label)
    assert lead == Lead("Fp1", against)
    assert (lead.reference, lead.is_derivation) == (reference, against == "F3")
