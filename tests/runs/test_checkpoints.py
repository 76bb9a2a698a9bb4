from pathlib import Path

import pytest

from neurorun.core import RunError
from neurorun.runs import checkpoints
from neurorun.runs.checkpoints import (
    BEST,
    BEST_LINKS,
    LAST,
    checkpoint_path,
    link_best,
    write_checkpoint,
)

pytestmark = pytest.mark.unit


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def saying(text):
    return lambda stream: stream.write(text)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("best", "best_model.pth"),
        ("last", "checkpoints/last.pt"),
        ("epoch_001", "checkpoints/epoch_001.pth"),
        ("epoch_1234", "checkpoints/epoch_1234.pth"),
    ],
)
def test_checkpoints_lie_where_earlier_programs_look(tmp_path, name, path):
    assert write_checkpoint(tmp_path, name, saying(b"x")) == tmp_path / path
    assert (tmp_path / path).read_bytes() == b"x"


@pytest.mark.parametrize("name", ["", "epoch_1", "epoch_-01", "final", "../best", "epoch_001.pth"])
def test_other_names_are_refused(name):
    with pytest.raises(RunError, match=rf"was called '{name}'; best, last and epoch_NNN"):
        checkpoint_path(Path("run"), name)


def test_best_is_one_file_under_three_names(tmp_path):
    for text in (b"first", b"second", b"second"):
        write_checkpoint(tmp_path, "best", saying(text))
        for link in BEST_LINKS:
            assert (tmp_path / link).samefile(tmp_path / BEST)
            assert (tmp_path / link).read_bytes() == text
    assert names_in(tmp_path / "checkpoints") == ["best.pt", "best_model.pth"]


def refuse(*_):
    raise OSError("not supported")


def test_without_hard_links_the_names_are_relative_links(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    run = tmp_path / "run"
    write_checkpoint(run, "best", saying(b"first"))
    write_checkpoint(run, "best", saying(b"second"))
    moved = run.rename(tmp_path / "moved")
    for link in BEST_LINKS:
        assert (moved / link).is_symlink()
        assert (moved / link).read_bytes() == b"second"


def test_without_any_links_the_names_are_copies_that_follow(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    monkeypatch.setattr(Path, "symlink_to", refuse)
    for text in (b"first", b"second"):
        write_checkpoint(tmp_path, "best", saying(text))
        assert [(tmp_path / link).read_bytes() for link in BEST_LINKS] == [text, text]


def test_links_that_show_an_older_file_are_made_again(tmp_path):
    write_checkpoint(tmp_path, "best", saying(b"second"))
    link = tmp_path / BEST_LINKS[0]
    link.unlink()
    link.write_bytes(b"first")
    link_best(tmp_path)
    assert link.samefile(tmp_path / BEST)


def test_failed_saving_keeps_the_older_checkpoint(tmp_path):
    write_checkpoint(tmp_path, "last", saying(b"whole"))

    def tear(stream):
        stream.write(b"to")
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        write_checkpoint(tmp_path, "last", tear)
    assert (tmp_path / LAST).read_bytes() == b"whole"
    assert names_in(tmp_path / "checkpoints") == ["last.pt"]


def test_best_is_whole_before_its_links_follow(tmp_path, monkeypatch):
    write_checkpoint(tmp_path, "best", saying(b"first"))
    monkeypatch.setattr(checkpoints, "link_best", refuse)
    with pytest.raises(OSError, match="not supported"):
        write_checkpoint(tmp_path, "best", saying(b"second"))
    assert (tmp_path / BEST).read_bytes() == b"second"
    assert (tmp_path / BEST_LINKS[0]).read_bytes() == b"first"
