from pathlib import Path

import pytest

from neurorun.core import Event, ScoringError, Timeline
from neurorun.evaluation import (
    pair_by_name,
    read_pairs,
    read_patients,
    set_name,
    write_events,
)

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path):
    """Makes a folder of event files; the suffix decides the format."""

    def make(name: str, *files: str) -> Path:
        for file in files:
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            kind = {".tsv": "tsv", ".edf": "edf"}.get(path.suffix, "csv_bi")
            write_events(path, Timeline("x", 60.0, (Event(10, 20),)), format=kind)
        (tmp_path / name).mkdir(exist_ok=True)
        return tmp_path / name

    return make


def names(pairing):
    return [pair.name for pair in pairing.pairs]


def test_two_files_are_a_pair_whatever_their_names(folder):
    reference, detected = folder("r", "a.csv_bi") / "a.csv_bi", folder("d", "b.tsv") / "b.tsv"
    (pair,) = pair_by_name(reference, detected).pairs
    assert (pair.name, pair.reference, pair.detected) == ("a", reference, detected)


def test_a_file_and_a_folder_are_no_pair(folder):
    reference = folder("r", "a.csv_bi")
    with pytest.raises(ScoringError, match=r"is a file and .* a folder; give two files or two"):
        pair_by_name(reference / "a.csv_bi", reference)


def test_trees_of_one_layout_pair_by_path_whatever_the_formats(folder):
    reference = folder("r", "p1/night.csv_bi", "p2/night.csv_bi")
    detected = folder("d", "p1/night_events.tsv", "p2/night.edf", "p2/night.csv_bi")
    pairing = pair_by_name(reference, detected)
    assert names(pairing) == ["p1/night", "p2/night"]
    assert pairing.pairs[1].detected == detected / "p2/night.csv_bi"


def test_a_bids_tree_and_a_flat_folder_pair_by_the_last_part(folder):
    reference = folder(
        "r", "sub-01/eeg/sub-01_run-1_events.tsv", "sub-02/eeg/sub-02_run-1_events.tsv"
    )
    detected = folder("d", "sub-01_run-1.csv_bi", "sub-02_run-1.csv_bi")
    assert names(pair_by_name(reference, detected)) == ["sub-01_run-1", "sub-02_run-1"]


def test_of_a_bids_tree_only_tables_of_events_are_looked_at(folder):
    reference = folder("r", "sub-01/a_events.tsv")
    (reference / "participants.tsv").write_text("participant_id\n")
    (reference / ".hidden.tsv").write_text("")
    assert names(pair_by_name(reference, folder("d", "sub-01/a_events.tsv"))) == ["sub-01/a"]


def test_recordings_without_tables_are_looked_at_for_annotations(folder):
    assert names(pair_by_name(folder("r", "a.edf"), folder("d", "a.tsv"))) == ["a"]


@pytest.mark.parametrize("suffix", [None, ".csv_bi"])
def test_two_files_of_one_recording_are_refused_unless_a_kind_is_chosen(folder, suffix):
    reference, detected = folder("r", "a.csv", "a.csv_bi"), folder("d", "a.csv_bi")
    if suffix:
        assert names(pair_by_name(reference, detected, suffix=suffix)) == ["a"]
    else:
        with pytest.raises(ScoringError, match=r"a.csv' and .*a.csv_bi' are both of recording 'a'"):
            pair_by_name(reference, detected)


def test_equal_names_in_different_folders_do_not_pair_by_the_last_part(folder):
    reference, detected = folder("r", "p1/a.csv", "p2/a.csv"), folder("d", "a.csv")
    with pytest.raises(ScoringError, match="are both of recording 'a'"):
        pair_by_name(reference, detected)


def test_a_reference_without_event_files_is_refused(folder):
    with pytest.raises(ScoringError, match=r"holds no event files; \.csv_bi, \.csv"):
        pair_by_name(folder("r"), folder("d", "a.csv_bi"))


@pytest.mark.parametrize("file", ["b.csv_bi", None])
def test_folders_without_a_common_name_are_refused(folder, file):
    reference, detected = folder("r", "a.csv_bi"), folder("d", *([file] if file else []))
    with pytest.raises(ScoringError, match=r"None of the 1 recordings in .* \(such as 'a'\)"):
        pair_by_name(reference, detected)


def test_detected_files_without_a_reference_are_named(folder):
    detected = folder("d", "a.csv_bi", "b.csv_bi")
    assert pair_by_name(folder("r", "a.csv_bi"), detected).unreferenced == (detected / "b.csv_bi",)


class TestMissingDetections:
    @pytest.fixture
    def pairing(self, folder):
        return pair_by_name(
            folder("r", "a.csv_bi", "b.csv_bi", "c.csv_bi"), folder("d", "b.csv_bi")
        )

    def test_are_refused_by_name(self, pairing):
        with pytest.raises(
            ScoringError, match=r"2 reference recordings have no .* events: 'a', 'c'"
        ):
            list(read_pairs(pairing))

    def test_count_as_nothing_detected_on_request(self, pairing):
        pairs = list(read_pairs(pairing, missing="empty"))
        assert [(r.recording_id, len(d.events)) for r, d in pairs] == [("a", 0), ("b", 1), ("c", 0)]
        assert all(detected.duration_s == 60 for _, detected in pairs)


def test_detected_events_take_the_duration_of_the_reference_where_they_state_none(folder):
    reference, detected = folder("r", "a.csv_bi"), folder("d", "a.tsv")
    path = detected / "a.tsv"
    path.write_text(path.read_text().replace("60.0000", "n/a"))
    ((_, found),) = read_pairs(pair_by_name(reference, detected))
    assert found.duration_s == 60


@pytest.mark.parametrize(
    ("files", "patients"),
    [
        (["sub-001/ses-01/eeg/sub-001_run-01_events.tsv"], ["sub-001"]),
        (["sub-001_run-01_events.tsv"], ["sub-001"]),
        (["01_tcp_ar/aaaaaasf_s001_t000.csv_bi"], ["aaaaaasf"]),
        (["aaaaaasf_s001_t000.csv_bi", "night.csv_bi"], None),
    ],
)
def test_patients_are_known_by_the_names_of_bids_and_tusz(folder, files, patients):
    pairing = pair_by_name(folder("r", *files), folder("d", *files))
    assert (pairing.patients and list(pairing.patients.values())) == patients


@pytest.mark.parametrize(
    ("reference", "detected", "name"),
    [
        ("corpus/ref", "corpus/hyp", "corpus"),
        ("corpus/ref/a.csv_bi", "corpus/hyp/a.csv_bi", "corpus"),
        ("corpus/ref", "corpus/ref", "ref"),
        ("corpus/ref/a.csv_bi", "corpus/ref/b.csv_bi", "ref"),
        ("corpus/ref", "results/2026/hyp", "ref"),
    ],
)
def test_a_set_is_named_by_the_folder_of_both_sides(tmp_path, reference, detected, name):
    for side in (reference, detected):
        path = tmp_path / side
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch() if path.suffix else path.mkdir(exist_ok=True)
    assert set_name(tmp_path / reference, tmp_path / detected) == name


def test_patients_are_read_from_a_table(tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text("recording_id,patient\nn1,anna\nn2,bert\n")
    assert read_patients(path) == {"n1": "anna", "n2": "bert"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"recording_id,patient\nn1,anna\nn1,bert\n", "line 3: recording_id is 'n1' and patient"),
        (b"recording_id,patient\nn1\n", "line 2: recording_id is 'n1' and patient ''; both"),
        (b"name,patient\nn1,anna\n", "line 2: recording_id is '' and patient 'anna'"),
        (b"recording_id,patient\n\xff,anna\n", "cannot be read as CSV"),
    ],
)
def test_a_table_of_patients_that_does_not_say_is_refused(tmp_path, content, message):
    path = tmp_path / "patients.csv"
    path.write_bytes(content)
    with pytest.raises(ScoringError, match=message):
        read_patients(path)
