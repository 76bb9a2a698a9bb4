"""What a tired user gets wrong: one clear line, and exit code 2."""

from pathlib import Path

import pytest

from neurorun import cli

pytestmark = pytest.mark.integration


def run(capsys, *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(argument) for argument in arguments])
    return stopped.value.code, capsys.readouterr().err


def config(folder: Path, text: str) -> Path:
    path = folder / "c.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training: {learning_rte: 1e-3}", "Did you mean 'learning_rate'?"),
        ("trainig: {}", "Did you mean 'training'?"),
        ("training: {epochs: lots}", "'training.epochs' is 'lots'"),
        ("training: {epochs: 0}", "'training.epochs' is 0"),
        ("training: {epochs: 1\n", "not readable as YAML"),
        ("training: {epochs: 1, epochs: 2}", "stands twice"),
        ("task: sleep", "task 'sleep' is not known"),
        ("data: {n_channels: 3}", "data.n_channels is 3"),
        ("preprocessing: {bandpass: [5, 1]}", "bandpass is [5, 1]"),
        ("preprocessing: {montage: 10-10}", "montage is '10-10'; allowed are 10-20, double-banana"),
        ("postprocessing: {hysteresis: {tau_on: 0.5}}", "tau_off is 0.78 and tau_on 0.5"),
        ("evaluation: {metrics: [accuracy]}", "metrics lists 'accuracy'"),
    ],
)
def test_a_wrong_configuration_is_named(tmp_path, capsys, text, message):
    code, error = run(capsys, "validate", config(tmp_path, text))
    assert code == 2
    assert error.startswith("neurorun: ")
    assert message in error
    assert "Traceback" not in error


def test_a_configuration_that_is_not_there_is_named(tmp_path, capsys):
    code, error = run(capsys, "train", tmp_path / "absent.yaml")
    assert (code, error.count("\n")) == (2, 1)
    assert "does not exist" in error


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"0       " + b" " * 100, "header"), (b"PK\x03\x04" + b"x" * 300, "EDF")],
    ids=["empty", "truncated", "foreign"],
)
def test_a_corpus_of_files_that_are_no_recordings_is_refused(tmp_path, capsys, content, message):
    data = tmp_path / "data" / "anna"
    data.mkdir(parents=True)
    (data / "a.edf").write_bytes(content)
    (data / "a.csv_bi").write_text("")
    code, _ = run(
        capsys, "build-cache", "--data-dir", tmp_path / "data", "--cache-dir", tmp_path / "cache"
    )
    assert code == 2
    assert message in (tmp_path / "cache" / "cache.json").read_text()


def test_a_folder_without_recordings_is_named(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    code, error = run(
        capsys, "build-cache", "--data-dir", tmp_path / "data", "--cache-dir", tmp_path / "cache"
    )
    assert code == 2
    assert "holds no recording" in error or "no EDF" in error


@pytest.mark.parametrize("command", ["report", "check", "evaluate"])
def test_a_folder_that_is_no_run_is_named(tmp_path, capsys, command):
    code, error = run(capsys, command, tmp_path)
    assert code == 2
    assert "is not a run folder" in error


def test_resuming_what_is_no_run_is_refused(tmp_path, capsys):
    code, error = run(capsys, "train", "--resume", tmp_path)
    assert code == 2
    assert "is not a run folder" in error


def test_training_without_configuration_is_a_usage_error(capsys):
    code, error = run(capsys, "train")
    assert code == 2
    assert "CONFIG is missing" in error


def test_an_unknown_format_of_events_is_named(tmp_path, capsys):
    code, error = run(capsys, "detect", tmp_path, "a.edf", "-o", tmp_path, "--format", "xml")
    assert code == 2
    assert "'xml' is not a format; known: tsv, csv_bi, edf." in error


def test_the_schema_is_that_of_the_configuration(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["schema"])
    assert stopped.value.code == 0
    schema = capsys.readouterr().out
    assert '"additionalProperties": false' in schema
    assert "Passes over the training examples" in schema


@pytest.mark.parametrize("name", ["local.yaml", "production.yaml"])
def test_the_plan_of_a_configuration_says_what_would_be_done(capsys, name):
    path = Path(__file__).resolve().parents[2] / "configs" / name
    with pytest.raises(SystemExit) as stopped:
        cli.main(["validate", str(path), "--set", "training.learning_rate=1e-4"])
    assert stopped.value.code == 0
    plan = capsys.readouterr().out
    assert "19: Fp1 F3 C3" in plan
    assert "learning_rate: 0.0001" in plan
