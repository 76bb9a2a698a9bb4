import json

import pytest

from neurorun.core import FormatError, RunError
from neurorun.runs import Picture, amend_run, check_run, open_run
from neurorun.runs.pictures import fault_of_png, pictures_of, write_picture

pytestmark = pytest.mark.unit


def test_picture_comes_back_with_its_caption(new_run, pixel):
    with new_run() as run:
        run.write_picture("overlay", pixel, caption="Crack in red.")
    opened = open_run(run.folder)
    assert dict(opened.pictures.items()) == {"overlay": Picture("Crack in red.", pixel)}
    assert (run.folder / "pictures/overlay.png").read_bytes() == pixel
    assert json.loads((run.folder / "pictures/manifest.json").read_text()) == {
        "overlay": {"caption": "Crack in red."}
    }
    with amend_run(run.folder) as amended:
        amended.write_picture("overlay", pixel, caption="Crack in blue.")
    assert open_run(run.folder).pictures["overlay"].caption == "Crack in blue."
    assert check_run(run.folder) == ()


def test_names_cannot_leave_the_folder(tmp_path, pixel):
    write_picture(tmp_path, "../../x", pixel, caption="c")
    assert [path.parent for path in tmp_path.rglob("*.png")] == [tmp_path / "pictures"]
    assert pictures_of(tmp_path)["../../x"].png == pixel


def test_picture_as_matplotlib_writes_it_is_whole():
    pyplot = pytest.importorskip("matplotlib.figure")
    import io

    stream = io.BytesIO()
    pyplot.Figure().savefig(stream, format="png")
    assert fault_of_png(stream.getvalue()) is None


def test_any_cut_and_any_changed_byte_is_found(pixel):
    for end in range(len(pixel)):
        assert fault_of_png(pixel[:end]), end
    for place in range(len(pixel)):
        changed = bytearray(pixel)
        changed[place] ^= 1
        assert fault_of_png(bytes(changed)), place
    assert fault_of_png(pixel + b"x") == "it is cut short"


def test_what_is_no_picture_is_refused(tmp_path, pixel):
    with pytest.raises(RunError, match=r"Picture 'p' of 3 bytes is no PNG file \(it does not begi"):
        write_picture(tmp_path, "p", b"GIF", caption="c")
    with pytest.raises(RunError, match="Picture 'p' has no caption"):
        write_picture(tmp_path, "p", pixel, caption="")
    assert not (tmp_path / "pictures").exists()


def test_damage_is_told(tmp_path, pixel):
    write_picture(tmp_path, "p", pixel, caption="c")
    path = tmp_path / "pictures/p.png"
    path.write_bytes(pixel[:-5])
    with pytest.raises(FormatError, match=r"is no readable PNG file: it is .*; restore it"):
        pictures_of(tmp_path)["p"]
    path.unlink()
    with pytest.raises(FormatError, match="is listed but missing"):
        pictures_of(tmp_path)["p"]
    (tmp_path / "pictures/manifest.json").write_text("[]")
    with pytest.raises(FormatError, match="not as it was written"):
        pictures_of(tmp_path)
