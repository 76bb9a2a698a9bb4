import base64
import struct
import zlib

import pytest

from neurorun.reporting import material, render_report
from neurorun.reporting.facts import read_facts
from neurorun.runs import open_run

pytestmark = pytest.mark.unit

HOSTILE = "<script>alert(1)</script>"


def chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


PNG = b"\x89PNG\r\n\x1a\n" + b"".join(
    (
        chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        chunk(b"IDAT", zlib.compress(b"\0\x7f")),
        chunk(b"IEND", b""),
    )
)


@pytest.fixture
def run_with_material(make, tmp_path):
    with make.begin(tmp_path, config={"task": "of somebody else"}) as run:
        run.log_epoch(1, make.values)
        run.write_picture(f"first {HOSTILE}", PNG, caption=f"A grey pixel {HOSTILE}.")
        rows = [
            {"method": "sLORETA", "error_mm": 12.345, "n": 1200, "better": True},
            {"method": HOSTILE, "error_mm": float("nan"), "n": 3, "better": False},
        ]
        run.write_table("methods", rows, caption="Errors by method.")
    return run.folder


def test_pictures_and_tables_of_any_task_are_shown(run_with_material):
    html = render_report(open_run(run_with_material))
    assert f"data:image/png;base64,{base64.b64encode(PNG).decode()}" in html
    assert "A grey pixel &lt;script&gt;" in html
    assert HOSTILE not in html
    for cell in (">sLORETA<", ">12.3<", ">1,200<", ">undefined<", ">yes<", ">no<"):
        assert cell in html


def test_columns_of_numbers_are_known(run_with_material):
    (kept,) = material.material(read_facts(open_run(run_with_material)))
    (table,) = kept.tables
    assert table.columns == ("method", "error_mm", "n", "better")
    assert table.numbers == (False, True, True, False)


def test_a_picture_without_room_is_told(run_with_material, monkeypatch):
    monkeypatch.setattr(material, "PICTURES_LIMIT_BYTES", 10)
    html = render_report(open_run(run_with_material))
    assert "data:image/png" not in html
    assert "No room was left for this picture" in html


def test_a_damaged_picture_is_told_and_left_out(run_with_material):
    (picture,) = (run_with_material / "pictures").glob("*.png")
    picture.write_bytes(PNG[:-3])
    html = render_report(open_run(run_with_material))
    assert "could not be read" in html
    assert "data:image/png" not in html
    assert ">sLORETA<" in html
