"""A BIDS tree scored as szcore-evaluation 0.0.7 scores it."""

import json
from pathlib import Path
from shutil import copytree

import pytest

from neurorun.core import FormatError, ScoringError, to_json
from neurorun.evaluation import pair_by_name, score_szcore

pytestmark = pytest.mark.integration

BIDS = Path(__file__).resolve().parent / "data" / "scoring" / "bids"
FIRST = "sub-000/ses-01/eeg/sub-000_ses-01_task-szMonitoring_run-01"
HEADER = "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration\n"


def scored(reference: Path, detected: Path):
    return score_szcore(pair_by_name(reference, detected, suffix="_events.tsv"))


@pytest.fixture
def detected(tmp_path):
    copytree(BIDS / "hyp", tmp_path / "hyp")
    return tmp_path / "hyp"


def rewrite(folder: Path, *rows: str) -> Path:
    path = folder / f"{FIRST}_events.tsv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return path


def test_results_equal_those_of_the_program():
    found = json.loads(to_json(scored(BIDS / "ref", BIDS / "hyp").to_dict()))
    wanted = json.loads((BIDS / "expected.json").read_text())
    for kind in ("mean_over_subjects", "all_files_added"):
        for part, values in wanted["dataset"][kind].items():
            assert found["dataset"][kind].pop(part) == pytest.approx(values, rel=1e-12)
    assert found.pop("dataset") == {"mean_over_subjects": {}, "all_files_added": {}}
    del wanted["dataset"]
    assert found == wanted


def first_file(result) -> dict:
    return result.to_dict()["files"][f"{FIRST}_events.tsv"]["event_scoring"]


def test_a_missing_file_is_nothing_detected_and_named(detected):
    (detected / f"{FIRST}_events.tsv").unlink()
    result = scored(BIDS / "ref", detected)
    assert (first_file(result)["tp"], first_file(result)["ref_true"]) == (0, 6)
    assert result.counted_as_silent == {FIRST: "there is no file"}


@pytest.mark.parametrize("length", ["3599.9", "3700.00"])
def test_a_file_of_another_length_is_nothing_detected_and_named(detected, length):
    rewrite(detected, f"100\t20\tsz\tn/a\tn/a\tn/a\t{length}")
    result = scored(BIDS / "ref", detected)
    assert first_file(result)["tp"] == 0
    assert result.counted_as_silent == {FIRST: "the file is of a recording of another length"}


def test_lengths_that_are_equal_in_whole_seconds_are_equal(detected):
    rewrite(detected, "100\t20\tsz\tn/a\tn/a\tn/a\t3600.40")
    result = scored(BIDS / "ref", detected)
    assert not result.counted_as_silent
    assert first_file(result)["fp"] + first_file(result)["tp"] == 1


def test_a_file_without_rows_is_nothing_detected(detected):
    rewrite(detected)
    assert first_file(scored(BIDS / "ref", detected))["tp"] == 0


def test_seizures_that_share_time_are_one_and_background_is_skipped(detected):
    rows = ("0\t3600\tbckg", "100\t20\tsz", "110\t30\tsz_foc")
    rewrite(detected, *(f"{row}\tn/a\tn/a\tn/a\t3600" for row in rows))
    together = first_file(scored(BIDS / "ref", detected))
    rewrite(detected, "100\t40\tsz\tn/a\tn/a\tn/a\t3600")
    assert first_file(scored(BIDS / "ref", detected)) == together


def test_malformed_rows_are_refused_with_their_line(detected):
    rewrite(detected, "100\t-20\tsz\tn/a\tn/a\tn/a\t3600")
    with pytest.raises(FormatError, match="line 2: 'seiz' starts at 100 s and stops at 80 s"):
        scored(BIDS / "ref", detected)


def test_files_outside_folders_of_patients_are_refused(tmp_path):
    path = tmp_path / "night_events.tsv"
    path.write_text(HEADER + "0\t60\tbckg\tn/a\tn/a\tn/a\t60\n")
    with pytest.raises(ScoringError, match=r"does not lie in the folder of a patient \(sub-"):
        scored(tmp_path, tmp_path)
