from pathlib import Path

import pytest

from neurorun.formats import guess_patient, read_header

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("path", "patient_text", "expected"),
    [
        ("train/aaaaaaaq/s007_2014/01_tcp_ar/aaaaaaaq_s007_t000.edf", "X X X X", "aaaaaaaq"),
        ("sub-07/ses-01/eeg/sub-07_ses-01_task-szMonitoring_run-00_eeg.edf", "", "sub-07"),
        ("sub-A1/eeg/recording.edf", "", "sub-A1"),
        ("chb05/chb05_06.edf", "X X X X", "chb05"),
        ("chb17/chb17a_03.edf", "", "chb17"),
        ("chb21/chb21_01.edf", "", "chb01"),
        ("PN00/PN00-1.edf", "X X X X", "PN00"),
        ("P_ID64/P_ID64_r1.edf", "", "P_ID64"),
        ("a/Subject00_1.edf", "0 M 01-JAN-1990 Subject0", "0"),
        ("a/night.edf", "MCH-0234567 F 02-MAY-1951 Haagse_Harry", "MCH-0234567"),
        ("a/night.edf", "X F X Female_33yr", "night"),
        ("a/night.edf", "-1 X 30-DEC-1899 test", "night"),
        ("a/night.edf", "J. B. (1066 28)", "night"),
        ("a/training_2.edf", "", "training_2"),
    ],
)
def test_the_patient_follows_from_corpus_names_then_the_header(
    small, tmp_path, path, patient_text, expected
):
    header = read_header(small.put("patient", patient_text).write(tmp_path / "a.edf"))
    assert guess_patient(Path(path), header) == expected
