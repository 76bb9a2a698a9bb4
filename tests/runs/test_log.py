import errno
import logging
import math
import re
import warnings

import pytest

from neurorun.core import RunError
from neurorun.runs.log import LOG, RunLog

pytestmark = pytest.mark.unit


@pytest.fixture
def log(tmp_path):
    opened = RunLog(tmp_path)
    yield opened
    opened.close()


def text(folder):
    return (folder / LOG).read_text(encoding="utf-8")


def test_lines_carry_time_in_utc_and_level(tmp_path, log):
    logging.getLogger("neurorun.training").info("Epoch 1 of 3, λ")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z - INFO - Epoch 1 of 3, λ\n", text(tmp_path)
    )


def test_lines_of_other_libraries_are_kept_from_their_own_level_on(tmp_path, log):
    logging.getLogger("another.library").warning("careful")
    logging.getLogger("another.library").info("chatter")
    assert "careful" in text(tmp_path)
    assert "chatter" not in text(tmp_path)


def test_warnings_are_kept_and_still_shown(tmp_path, log, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        shown = []
        log._show = lambda *args: shown.append(args)
        warnings.warn("deprecated", DeprecationWarning, stacklevel=1)
    assert "WARNING - DeprecationWarning: deprecated (test_log.py:" in text(tmp_path)
    assert len(shown) == 1


def test_traceback_goes_to_the_file_only(tmp_path, log, caplog):
    with pytest.raises(ValueError, match="finite") as caught:
        math.sqrt(float("loss is not finite"))
    log.fault(caught.value)
    assert "ERROR - Ended by ValueError.\nTraceback" in text(tmp_path)
    assert "ValueError: could not convert" in text(tmp_path)
    assert caplog.text == ""


def test_closing_leaves_everything_as_it_was(tmp_path):
    root, package = logging.getLogger(), logging.getLogger("neurorun")
    before = (list(root.handlers), package.level, warnings.showwarning)
    log = RunLog(tmp_path)
    log.close()
    log.close()
    assert (list(root.handlers), package.level, warnings.showwarning) == before


def test_level_chosen_by_the_user_is_kept(tmp_path):
    package = logging.getLogger("neurorun")
    package.setLevel(logging.ERROR)
    try:
        log = RunLog(tmp_path)
        logging.getLogger("neurorun.runs").warning("quiet")
        log.close()
        assert package.level == logging.ERROR
    finally:
        package.setLevel(logging.NOTSET)
    assert text(tmp_path) == ""


def test_warnings_that_somebody_else_took_over_are_left_to_them(tmp_path):
    before = warnings.showwarning
    log = RunLog(tmp_path)
    warnings.showwarning = other = lambda *_: None
    log.close()
    assert warnings.showwarning is other
    warnings.showwarning = before


def test_second_log_goes_on_in_the_same_file(tmp_path):
    for line in ("first", "second"):
        log = RunLog(tmp_path)
        logging.getLogger("neurorun").info(line)
        log.close()
    assert [line.split(" - ")[-1] for line in text(tmp_path).splitlines()] == ["first", "second"]


def test_full_disk_is_borne_in_silence(tmp_path, log, capsys, monkeypatch):
    def refuse(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(log._handler.stream, "write", refuse, raising=False)
    logging.getLogger("neurorun").info("lost")
    assert capsys.readouterr().err == ""


def test_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(RunError, match=r"Cannot write .*training.log.* Write permission is needed"):
        RunLog(tmp_path)
