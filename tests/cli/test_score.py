import json
import subprocess
import sys
from pathlib import Path

import pytest

from neurorun.cli import main

pytestmark = pytest.mark.integration

DATA = Path(__file__).resolve().parents[1] / "evaluation" / "data" / "scoring"
NEDC, BIDS = DATA / "synthetic", DATA / "bids"


@pytest.fixture
def run(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main(["score", *map(str, arguments)])
        return exit_.value.code, *capsys.readouterr()

    return run


def test_two_folders_are_scored_by_every_method_with_its_version(run):
    code, shown, _ = run(NEDC / "ref", NEDC / "hyp")
    assert code == 0
    assert "41 recordings, 9.32 h, class 'seiz'" in shown
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    row = lines.index("taes 184 40.08 103.46 0.211 0.279 0.240 266.46")
    assert lines[row + 1] == "NEDC EEG Eval 6.0.0"
    assert "szcore-event 52 46 14 0.885 0.767 0.821 36.06" in lines
    assert "ira 0.298 0.298" in lines
    assert "Means over" not in shown


def test_two_files_are_scored_and_undefined_is_a_dash(run):
    code, shown, _ = run(
        NEDC / "ref/zero_hyp.csv_bi", NEDC / "hyp/zero_hyp.csv_bi", "--method", "overlap"
    )
    assert code == 0
    assert "1 recording, 0.17 h" in shown
    assert " ".join(shown.split()).count("overlap 2 0 0 0.000 - 0.000 0.00") == 1


def test_a_bids_tree_gives_means_over_patients(run, tmp_path):
    code, shown, _ = run(
        BIDS / "ref", BIDS / "hyp", "--method", "szcore-event-1hz", "--json", tmp_path / "s.json"
    )
    assert code == 0
    assert "Means over 4 patients" in shown
    assert "szcore-event-1hz 0.963 0.344 0.417 104.52" in " ".join(shown.split())
    stored = json.loads((tmp_path / "s.json").read_text())
    assert len(stored["pairs"]) == 8
    assert stored["methods"]["szcore_event_1hz"]["version"] == "szcore-evaluation 0.0.7"
    total = stored["totals"]["bids"]["szcore_event_1hz"]
    assert total["tp"] == 11
    assert total["mean_over_patients"]["sensitivity"]["n_patients"] == 3


def test_a_file_of_scores_holds_what_was_published(run, tmp_path):
    path = tmp_path / "scores.json"
    code, _, _ = run(NEDC / "ref", NEDC / "hyp", "--json", path)
    assert code == 0
    stored = json.loads(path.read_text())
    wanted = json.loads((DATA / "expected.json").read_text())
    assert stored["parameters"] == wanted["parameters"]
    assert stored["pairs"].keys() == wanted["pairs"].keys()
    for method, values in wanted["totals"]["synthetic"].items():
        if method in ("taes", "overlap", "epoch", "dp_alignment"):
            found = stored["totals"]["synthetic"][method]["labels"]["seiz"]
            assert found == pytest.approx(values["labels"]["seiz"], rel=1e-9, abs=1e-9)


def test_a_bids_tree_is_scored_as_by_szcore_evaluation(run, tmp_path):
    path = tmp_path / "szcore.json"
    code, shown, said = run(BIDS / "ref", BIDS / "hyp", "--szcore", "--json", path)
    assert (code, said) == (0, "")
    assert "szcore-event-1hz 12 11 12 0.917 0.478 0.629 79.63" in " ".join(shown.split())
    stored = json.loads(path.read_text())
    wanted = json.loads((BIDS / "expected.json").read_text())
    assert stored["files"] == wanted["files"]
    assert stored["dataset"].keys() == wanted["dataset"].keys()


def test_what_is_missing_from_a_bids_tree_is_said(run, tmp_path):
    name = "sub-000/ses-01/eeg/sub-000_ses-01_task-szMonitoring_run-02_events.tsv"
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes((BIDS / "hyp" / name).read_bytes())
    code, _, said = run(BIDS / "ref", tmp_path, "--szcore")
    assert code == 0
    assert len(said.splitlines()) == 7
    assert "Counted as nothing detected: sub-000/ses-01" in said


@pytest.mark.parametrize("option", [["--method", "taes"], ["--ci"], ["--missing", "empty"]])
def test_what_szcore_fixes_cannot_be_given(run, option):
    code, _, said = run(BIDS / "ref", BIDS / "hyp", "--szcore", *option)
    assert code == 2
    assert f"{option[0]} cannot be given with --szcore" in said


def test_intervals_come_with_their_number_of_patients_and_draws(run, tmp_path):
    arguments = [BIDS / "ref", BIDS / "hyp", "--method", "overlap,ira", "--ci", "--seed", "3"]
    arguments += ["--draws", "200", "--json", tmp_path / "s.json"]
    code, shown, _ = run(*arguments)
    assert code == 0
    words = " ".join(shown.split())
    assert "95% intervals 4 patients, 200 draws" in words
    stored = json.loads((tmp_path / "s.json").read_text())
    assert stored["parameters"]["bootstrap"] == {
        "unit": "patients", "n_patients": 4, "n_resamples": 200, "level": 0.95,
        "method": "percentile", "seed": 3,
    }  # fmt: skip
    interval = stored["totals"]["bids"]["overlap"]["intervals"]["sensitivity"]
    total = stored["totals"]["bids"]["overlap"]["labels"]["seiz"]["sensitivity"]
    assert interval["low"] <= total <= interval["high"]
    assert f"{interval['low']:.3f}" in words
    assert run(*arguments)[1] == shown


def test_one_patient_has_no_intervals(run, tmp_path):
    names = tmp_path / "patients.csv"
    names.write_text("recording_id,patient\nzero_hyp,anna\n")
    pair = (NEDC / "ref/zero_hyp.csv_bi", NEDC / "hyp/zero_hyp.csv_bi")
    code, shown, said = run(*pair, "--method", "overlap", "--ci", "--patients", names)
    assert code == 0
    assert "Intervals are undefined: they need at least two patients" in said
    assert shown.rstrip().splitlines()[-2].split() == ["overlap", "-", "-", "-", "-", "-"]


def test_intervals_need_patients(run):
    code, _, said = run(NEDC / "ref", NEDC / "hyp", "--ci")
    assert code == 2
    assert "is not known; a mean over patients needs all of them" in said


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_a_picture_is_drawn_in_the_format_of_its_suffix(run, tmp_path, suffix, start):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"events{suffix}"
    code, _, _ = run(NEDC / "ref", NEDC / "hyp", "--method", "overlap", "--plot", path)
    assert code == 0
    assert path.read_bytes().startswith(start)


def test_on_a_narrow_terminal_no_number_is_cut_short(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    _, shown, _ = run(NEDC / "ref", NEDC / "hyp", "--method", "epoch")
    assert "9454.03" in shown


def test_missing_detections_are_an_error_or_said(run, tmp_path):
    detected = tmp_path / "hyp"
    detected.mkdir()
    for name in ("zero_hyp", "extra"):
        (detected / f"{name}.csv_bi").write_bytes((NEDC / "hyp/zero_hyp.csv_bi").read_bytes())
    code, _, said = run(NEDC / "ref", detected)
    assert code == 2
    assert "40 reference recordings have no detected events: 'boundary_on_sample'" in said
    code, _, said = run(NEDC / "ref", detected, "--missing", "empty")
    assert code == 0
    assert "Counted as nothing detected, for want of a file: boundary_on_sample" in said
    assert "Not scored, for want of a reference: " in said
    assert "extra.csv_bi" in said


def test_labels_and_classes_are_said_on_the_command_line(run, tmp_path):
    path = tmp_path / "a.csv_bi"
    text = (NEDC / "ref/identical_one.csv_bi").read_text()
    path.write_text(text.replace("seiz", "Anfall"))
    code, _, said = run(path, path, "--method", "overlap")
    assert code == 2
    assert "unknown labels: 'Anfall' (line 7)" in said
    code, shown, _ = run(
        path, path, "--method", "overlap", "--label", "Anfall=fnsz",
        "--class", "focal=fnsz", "--class", "bckg=bckg",
    )  # fmt: skip
    assert code == 0
    assert "class 'focal'" in shown
    assert "overlap 1 1 0 1.000" in " ".join(shown.split())


def test_a_picture_that_is_not_of_all_recordings_says_so(run, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("neurorun.cli.score_plot.MOST_RECORDINGS", 2)
    path = tmp_path / "events.png"
    _, _, said = run(BIDS / "ref", BIDS / "hyp", "--method", "overlap", "--plot", path)
    assert "shows the first 2 of 8 recordings" in " ".join(said.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "tase"], "There is no scoring method 'tase'. Did you mean 'taes'?"),
        (["--plot", "events.gif"], "'events.gif' ends in '.gif'; pictures can be .png, .svg, .pdf"),
        (["--class", "seiz=seiz"], "have no place for the label 'bckg'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(run, arguments, message):
    code, _, said = run(NEDC / "ref", NEDC / "hyp", *arguments)
    assert code == 2
    assert message in said
    assert len(said.strip().splitlines()) == 1


def test_scoring_needs_neither_pytorch_nor_scipy():
    arguments = ["score", str(NEDC / "ref/zero_hyp.csv_bi"), str(NEDC / "hyp/zero_hyp.csv_bi")]
    program = (
        "import sys\nfrom neurorun.cli import main\n"
        f"try:\n    main({arguments!r})\n"
        "except SystemExit:\n    pass\n"
        "print([n for n in ('torch', 'scipy', 'mne', 'matplotlib', 'pandas') if n in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "[]"
