"""`neurorun runs`, `diff`, `info` of a run: what a reader sees who knows nothing yet."""

import pytest
from click.testing import CliRunner

from neurorun.cli import cli, main
from neurorun.runs import start_run

pytestmark = pytest.mark.unit


def run_in(folder, name="one", **config):
    with start_run(folder, name, monitor="val_loss", better="lower", config=config) as run:
        run.log_epoch(1, {"val_loss": 0.5, "val_f1": config.get("f1")})
    return run.folder


def output_of(*arguments):
    result = CliRunner().invoke(cli, [str(one) for one in arguments], env={"COLUMNS": "80"})
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.output


def test_a_folder_without_runs_is_told(tmp_path):
    assert output_of("runs", tmp_path).startswith("There is no run in")


def test_names_of_settings_stay_in_one_piece_and_brackets_are_text(tmp_path):
    first = run_in(tmp_path, data={"a_rather_long_name_of_a_setting": "[red]", "b": None})
    second = run_in(tmp_path, "two", data={"a_rather_long_name_of_a_setting": [1, 2], "b": 1})
    told = output_of("diff", first, second)
    for words in ("data.a_rather_long_name_of_a_setting", "[red]", "[1, 2]", "null"):
        assert words in told


def test_a_metric_without_denominator_is_undefined(tmp_path):
    told = output_of("diff", run_in(tmp_path), run_in(tmp_path, "two", f1=0.5))
    assert "undefined" in told
    assert "nan" not in told


def test_info_of_a_run_says_where_to_look(tmp_path, capsys):
    folder = run_in(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["info", str(folder)])
    assert ended.value.code == 2
    assert "is a run, and info tells of caches. `neurorun report" in capsys.readouterr().err
