from pathlib import Path

import pytest

from neurorun.core import Event, FormatError
from neurorun.formats import read_chb_mit_summary

pytestmark = pytest.mark.unit

REAL = (
    Path(__file__).resolve().parents[2]
    / "../shared/data/eeg_seizure/epilepsy2bids_stubs/chbmit/chb05/chb05-summary.txt"
)


def summary(folder, *lines):
    path = folder / "chb99-summary.txt"
    path.write_text("\n".join(["Data Sampling Rate: 256 Hz", *lines]) + "\n")
    return path


@pytest.mark.skipif(not REAL.exists(), reason="needs the shared data")
def test_the_real_summary_of_chb05():
    seizures = read_chb_mit_summary(REAL)
    assert len(seizures) == 39
    assert seizures["chb05_06.edf"] == (Event(417, 532),)
    assert seizures["chb05_13.edf"] == (Event(1086, 1196),)
    assert sum(len(events) for events in seizures.values()) == 5
    assert seizures["chb05_01.edf"] == ()


def test_starts_and_ends_are_paired_by_position_as_chb09_needs(tmp_path):
    path = summary(
        tmp_path,
        "File Name: chb09_08.edf",
        "File End Time: 24:22:17",
        "Number of Seizures in File: 2",
        "Seizure 1 Start Time: 2951 seconds",
        "Seizure 1 End Time:   3030 seconds",
        "Seizure 2 Start Time: 9196 seconds",
        "Seizure 1 End Time:   9267 seconds",
    )
    assert read_chb_mit_summary(path) == {"chb09_08.edf": (Event(2951, 3030), Event(9196, 9267))}


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_line_ends_blanks_and_case_do_not_matter(tmp_path, line_end):
    path = tmp_path / "s.txt"
    lines = ["file name:  chb02_16+.edf ", "Number of Seizures in File: 1"]
    lines += ["SEIZURE START TIME: 130", "Seizure End Time:212.5 secs"]
    path.write_bytes(line_end.join(lines).encode())
    assert read_chb_mit_summary(path) == {"chb02_16+.edf": (Event(130, 212.5),)}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "names no file"),
        (["File Name: a.edf"] * 2, "describes 'a.edf' twice"),
        (["File Name: a.edf"], r"counts \[\] seizures, 0 start and 0 end"),
        (
            ["File Name: a.edf", "Number of Seizures in File: 1", "Seizure Start Time: 5 seconds"],
            r"counts \[1\] seizures, 1 start and 0 end times",
        ),
        (
            ["File Name: a.edf", "Number of Seizures in File: 1", "Seizure Start Time: 5 minutes"],
            "cannot read 'Seizure Start Time: 5 minutes'",
        ),
    ],
)
def test_contradictions_are_refused(tmp_path, lines, message):
    with pytest.raises(FormatError, match=message):
        read_chb_mit_summary(summary(tmp_path, *lines))


def test_a_missing_summary_is_an_error(tmp_path):
    with pytest.raises(FormatError, match="cannot be read: No such file"):
        read_chb_mit_summary(tmp_path / "chb01-summary.txt")
