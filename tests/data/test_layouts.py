from pathlib import Path

import pytest

from neurorun.core import DataError
from neurorun.data.corpora import find_recordings
from neurorun.data.entries import CorpusEntry
from neurorun.data.layouts import detect_layout, siena_name

pytestmark = pytest.mark.unit

STUBS = Path(__file__).resolve().parents[2] / "../shared/data/eeg_seizure/epilepsy2bids_stubs"
needs_stubs = pytest.mark.skipif(not STUBS.exists(), reason="needs the shared data")


def tree(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return root


def found(root, layout="auto", **options):
    return {entry.recording_id: entry for entry in find_recordings(root, layout, **options)}


def test_tuh_eeg_takes_patient_and_split_from_the_path(tmp_path):
    stems = [
        "train/aaaaaaaa/s001_2010/01_tcp_ar/aaaaaaaa_s001_t000",
        "dev/aaaaaaab/s002_2011/02_tcp_le/aaaaaaab_s002_t001",
        "eval/aaaaaaac/s001_2012/01_tcp_ar/aaaaaaac_s001_t003",
    ]
    tree(tmp_path, *(f"{stem}{end}" for stem in stems for end in (".edf", ".csv", ".csv_bi")))
    entries = found(tmp_path)
    assert [(e.patient, e.split, e.annotation.suffix) for e in entries.values()] == [
        ("aaaaaaaa", "train", ".csv_bi"),
        ("aaaaaaab", "validation", ".csv_bi"),
        ("aaaaaaac", "test", ".csv_bi"),
    ]
    assert list(entries) == [Path(stem).name for stem in stems]


def test_tuh_eeg_below_one_split_knows_no_split(tmp_path):
    tree(tmp_path, "train/aaaaaaaa/s001_2010/01_tcp_ar/aaaaaaaa_s001_t000.edf")
    (entry,) = found(tmp_path / "train", labels="optional").values()
    assert (entry.split, entry.annotation) == (None, None)


@pytest.mark.parametrize(
    ("present", "choice", "taken"),
    [
        ([".csv", ".csv_bi", "_events.tsv"], "auto", ".csv_bi"),
        ([".csv", "_events.tsv"], "auto", "_events.tsv"),
        ([".csv", ".tsv", "_events.tsv"], "tsv", ".tsv"),
        ([".csv", ".csv_bi"], "csv", ".csv"),
    ],
)
def test_which_event_file_is_taken(tmp_path, present, choice, taken):
    tree(tmp_path, "anna/a.edf", *(f"anna/a{ending}" for ending in present))
    assert found(tmp_path, annotations=choice)["anna__a"].annotation.name == f"a{taken}"


@needs_stubs
def test_the_real_stubs_of_chb_mit():
    entries = found(STUBS / "chbmit")
    assert list(entries) == ["chb05_01", "chb05_06"]
    assert entries["chb05_06"] == CorpusEntry(
        recording_id="chb05_06",
        patient="chb05",
        path=STUBS / "chbmit/chb05/chb05_06.edf",
        annotation=STUBS / "chbmit/chb05/chb05-summary.txt",
        annotation_format="chb_mit_summary",
    )


def test_cases_chb01_and_chb21_are_one_patient(tmp_path):
    for case in ("chb01", "chb21", "chb02"):
        tree(tmp_path, f"{case}/{case}_01.edf")
        text = f"File Name: {case}_01.edf\nNumber of Seizures in File: 0\n"
        (tmp_path / case / f"{case}-summary.txt").write_text(text)
    patients = {name: entry.patient for name, entry in found(tmp_path).items()}
    assert patients == {"chb01_01": "chb01", "chb02_01": "chb02", "chb21_01": "chb01"}


def test_a_recording_that_the_summary_does_not_name_has_no_annotation(tmp_path):
    tree(tmp_path, "chb01/chb01_01.edf", "chb01/chb01_02.edf")
    text = "File Name: chb01_01.edf\nNumber of Seizures in File: 0\n"
    (tmp_path / "chb01/chb01-summary.txt").write_text(text)
    with pytest.raises(DataError, match=r"1 of 2 recordings have no annotation.*chb01_02\.edf"):
        find_recordings(tmp_path)
    assert found(tmp_path, labels="optional")["chb01_02"].annotation is None


@needs_stubs
def test_the_real_stub_of_siena():
    (entry,) = found(STUBS / "siena").values()
    assert (entry.recording_id, entry.patient) == ("PN00-1", "PN00")
    assert entry.annotation_format == "siena_list"


@pytest.mark.parametrize(
    ("listed", "files", "pairs"),
    [
        ("PNO6-1.edf PNO6-2.edf", "PN06-1.edf PN06-2.edf", "PNO6-1.edf PNO6-2.edf"),
        ("PN01.edf", "PN01-1.edf", "PN01.edf"),
        ("PN11-.edf", "PN11-1.edf", "PN11-.edf"),
        ("PN01.edf", "PN01-1.edf PN01-2.edf", "None None"),
        ("PN00-1.edf PN00-2.edf", "PN00-3.edf", "None"),
    ],
)
def test_names_in_the_list_are_matched_with_files(tmp_path, listed, files, pairs):
    tree(tmp_path, *files.split())
    seizures = [
        f"Seizure n {n}\nFile name: {name}\nRegistration start time: 10.00.00\n"
        "Seizure start time: 10.01.00\nSeizure end time: 10.02.00"
        for n, name in enumerate(listed.split(), start=1)
    ]
    path = tmp_path / "Seizures-list-PN00.txt"
    path.write_text("\n".join(seizures))
    assert [str(siena_name(path, tmp_path / f)) for f in files.split()] == pairs.split()


def test_bids_takes_eeg_recordings_only(tmp_path):
    stem = "ses-01/eeg/sub-001_ses-01_task-sz_run-01"
    tree(
        tmp_path,
        f"sub-001/{stem}_eeg.edf",
        f"sub-001/{stem}_events.tsv",
        "sub-001/ses-01/ecg/sub-001_ses-01_task-sz_run-01_ecg.edf",
        "sub-002/eeg/sub-002_eeg.bdf",
        "sub-002/eeg/sub-002_events.tsv",
        "derivatives/x/other.edf",
    )
    entries = found(tmp_path)
    assert list(entries) == ["sub-001_ses-01_task-sz_run-01", "sub-002"]
    assert [entry.patient for entry in entries.values()] == ["sub-001", "sub-002"]
    assert found(tmp_path / "sub-001")[next(iter(entries))].patient == "sub-001"


def table(root, *rows, header="recording,annotation,patient,split"):
    tree(root, "x/a.edf", "x/a.csv_bi", "b.edf")
    path = root / "recordings.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_table_names_files_patients_and_splits(tmp_path):
    path = table(tmp_path, "x/a.edf,x/a.csv_bi,anna,train", "b.edf,,bert,eval")
    for place in (path, tmp_path):
        entries = found(place, labels="optional")
        assert [(e.patient, e.split) for e in entries.values()] == [
            ("bert", "test"),
            ("anna", "train"),
        ]
        assert list(entries) == ["b", "x__a"]


def test_table_needs_no_column_of_splits(tmp_path):
    path = table(tmp_path, "x/a.edf,anna,x/a.csv_bi", header="recording,patient,annotation")
    assert found(path)["x__a"].split is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("x/a.edf,,,", "line 2: cells .* recording and patient are needed"),
        ("x/a.edf,,anna,tran", "line 2: split is 'tran'; known are train, dev"),
        ("x/c.edf,,anna,", r"line 2: '.*x/c.edf' does not exist; paths are relative"),
        ("x/a.edf,x/b.tsv,anna,", r"line 2: '.*x/b.tsv' does not exist"),
        ("x/a.edf,,anna,train,7", "line 2: unknown columns None"),
    ],
)
def test_faults_of_a_table_are_named_by_their_line(tmp_path, row, message):
    with pytest.raises(DataError, match=message):
        find_recordings(table(tmp_path, row), labels="optional")


def test_table_must_exist(tmp_path):
    with pytest.raises(DataError, match=r"recordings.csv' does not exist; a table corpus is"):
        find_recordings(tmp_path, "table")


def test_folder_takes_the_first_folder_as_patient(tmp_path):
    tree(tmp_path, "anna/day1/a.EDF", "anna/day1/a.tsv", "bert/a.bdf", "bert/a_events.tsv")
    entries = found(tmp_path)
    assert {name: entry.patient for name, entry in entries.items()} == {
        "anna__day1__a": "anna",
        "bert__a": "bert",
    }


def test_folder_takes_the_patient_from_a_pattern(tmp_path):
    tree(tmp_path, "anna_1.edf", "anna_2.edf", "bert_1.edf")
    entries = find_recordings(tmp_path, "folder", labels="optional", patient_pattern="^([^_]+)_")
    assert [entry.patient for entry in entries] == ["anna", "anna", "bert"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [(None, "'a.edf' lies in no folder, so its patient"), ("(x)", r"does not match '\(x\)'")],
)
def test_an_unknown_patient_is_refused(tmp_path, pattern, message):
    tree(tmp_path, "a.edf")
    with pytest.raises(DataError, match=message):
        find_recordings(tmp_path, labels="optional", patient_pattern=pattern)


def test_hidden_files_are_passed_over(tmp_path):
    tree(tmp_path, "anna/a.edf", "anna/._a.edf", ".trash/anna/b.edf")
    assert list(found(tmp_path, labels="optional")) == ["anna__a"]


@pytest.mark.parametrize(
    ("names", "layout"),
    [
        (["sub-01/eeg/sub-01_eeg.edf"], "bids"),
        (["chb01/chb01_01.edf"], "chb_mit"),
        (["PN00/PN00-1.edf"], "siena"),
        (["train/aaaaaaaa/s001_2010/x/aaaaaaaa_s001_t000.edf"], "tuh_eeg"),
        (["recordings.csv", "a.edf"], "table"),
        (["anna/a.edf"], "folder"),
        ([], "folder"),
    ],
)
def test_the_layout_is_recognised(tmp_path, names, layout):
    assert detect_layout(tree(tmp_path, *names)) == layout


@pytest.mark.parametrize(
    ("name", "layout"), [("chb03", "chb_mit"), ("PN05", "siena"), ("sub-7", "bids")]
)
def test_one_folder_of_a_corpus_is_recognised(tmp_path, name, layout):
    (tmp_path / name).mkdir()
    assert detect_layout(tmp_path / name) == layout


def test_one_folder_of_chb_mit_can_be_given(tmp_path):
    tree(tmp_path, "chb03/chb03_01.edf")
    (entry,) = found(tmp_path / "chb03", labels="optional").values()
    assert entry.patient == "chb03"


def test_a_file_that_is_no_table_is_refused(tmp_path):
    tree(tmp_path, "a.edf")
    with pytest.raises(DataError, match=r"a.edf' is a file; a folder of recordings is needed"):
        detect_layout(tmp_path / "a.edf")
