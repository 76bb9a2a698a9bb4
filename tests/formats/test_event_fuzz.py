"""Whatever bytes a file of events holds, it is read or refused by name; nothing else happens."""

from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurorun.core import NeurorunError, Timeline
from neurorun.formats import read_events
from neurorun.formats.csv_bi import read_csv_bi
from neurorun.formats.hed_tsv import read_hed_tsv
from neurorun.formats.tusz_csv import read_tusz_csv

pytestmark = pytest.mark.unit

PAIRS = Path(__file__).resolve().parents[1] / "evaluation" / "data" / "scoring"
TSV = "bids/hyp/sub-000/ses-01/eeg/sub-000_ses-01_task-szMonitoring_run-01_events.tsv"
REAL = {
    "csv_bi": "synthetic/ref/dense_000.csv_bi",
    "csv_bi-of-a-detector": "synthetic/hyp/unsorted_rows.csv_bi",
    "tsv": TSV,
}
TUSZ = b"""\
# version = csv_v1.0.0
# bname = aaaaaaac_s001_t000
# duration = 301.00 secs
# montage_file = $NEDC_NFC/lib/nedc_eas_default_montage.txt
#
channel,start_time,stop_time,label,confidence
FP1-F7,0.0000,36.8868,bckg,1.0000
FP1-F7,36.8868,183.3055,cpsz,1.0000
F7-T3,38.0000,183.3055,cpsz,1.0000
F7-T3,183.3055,301.0000,bckg,1.0000
"""
HEADS = (b"", b"# version = csv_v1.0.0\n", b"# version = csv_v1.0.0\n# duration = 9 secs\n",
         b"onset\tduration\teventType\trecordingDuration\n", b"0       ")  # fmt: skip
HOSTILE = (
    b"nan", b"inf", b"-1", b"1e999", b"\xff", b"\x00", b",", b"\t", b"\n", b"\r", b"#", b"seiz",
    b"bckg", b"impd", b"n/a", b"1_0", "\u0663".encode(), "\u2028".encode(), b"\x1c", b"9" * 400,
    b"-0.0", b"duration", b"",
)  # fmt: skip

fuzz = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@cache
def content(name: str) -> bytes:
    return TUSZ if name == "csv" else (PAIRS / REAL[name]).read_bytes()


def assert_read_or_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    for read in (read_events, read_csv_bi, read_tusz_csv, read_hed_tsv):
        for overlaps in ("refuse", "merge"):
            try:
                timeline = read(path, overlaps=overlaps, duration_s=600.0)
            except NeurorunError:
                continue
            assert_sound(timeline)


def assert_sound(timeline: Timeline) -> None:
    """What is read lies within the recording, in order, and belongs to known labels."""
    end_s = timeline.duration_s
    assert all(-1e-3 <= e.onset_s < e.offset_s <= end_s + 1e-3 for e in timeline.events)
    assert all(first.onset_s <= second.onset_s for first, second in pairwise(timeline.events))
    assert all(0 <= onset_s < offset_s <= end_s for onset_s, offset_s in timeline.gaps)


@fuzz
@given(head=st.sampled_from(HEADS), data=st.binary(max_size=300))
def test_random_bytes(tmp_path, head, data):
    assert_read_or_refused(tmp_path / "a.csv_bi", head + data)


@fuzz
@given(
    head=st.sampled_from(HEADS),
    rows=st.lists(st.lists(st.sampled_from(HOSTILE), max_size=8), max_size=6),
    comma=st.booleans(),
)
def test_tables_of_hostile_cells(tmp_path, head, rows, comma):
    between = b"," if comma else b"\t"
    table = b"\n".join(between.join(row) for row in rows)
    assert_read_or_refused(tmp_path / "a.tsv", head + table)


@fuzz
@given(data=st.data(), name=st.sampled_from([*REAL, "csv"]))
def test_mutated_real_files(tmp_path, data, name):
    mutated = bytearray(content(name))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(mutated)))
        until = place + data.draw(st.integers(0, 12))
        mutated[place:until] = data.draw(st.sampled_from(HOSTILE) | st.binary(max_size=4))
    assert_read_or_refused(tmp_path / "a.csv", bytes(mutated))


@fuzz
@given(data=st.data(), name=st.sampled_from([*REAL, "csv"]))
def test_real_files_with_lines_shuffled_lost_or_repeated(tmp_path, data, name):
    lines = content(name).splitlines(keepends=True)
    chosen = data.draw(st.lists(st.sampled_from(lines), max_size=30))
    keep_head = data.draw(st.booleans())
    assert_read_or_refused(tmp_path / "a", b"".join((lines[:4] if keep_head else []) + chosen))


@pytest.mark.slow
@settings(
    max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), name=st.sampled_from([*REAL, "csv"]))
def test_many_mutated_real_files(tmp_path, data, name):
    mutated = bytearray(content(name))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(mutated)))
        mutated[place : place + data.draw(st.integers(0, 40))] = data.draw(
            st.sampled_from(HOSTILE) | st.binary(max_size=8)
        )
    assert_read_or_refused(tmp_path / "a.csv", bytes(mutated))


def test_the_real_files_are_read_before_they_are_mutated(tmp_path):
    for name in [*REAL, "csv"]:
        path = tmp_path / "a"
        path.write_bytes(content(name))
        assert read_events(path).events
