"""What may go wrong around a cache, and must not go unnoticed."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
import tracemalloc
import unicodedata
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from neurorun.core import DataError, FormatError
from neurorun.data import (
    EEGWindowDataset,
    WindowConfig,
    build_cache,
    open_cache,
    read_earlier_recording,
    verify_cache,
)
from neurorun.data.recording_file import read_recording_file

pytestmark = pytest.mark.unit


@pytest.fixture
def build(tmp_path, corpus, preprocessing):
    """Build the corpus, or other entries, into a folder."""

    def run(entries=corpus, *, cache_dir=tmp_path, **options):
        options = {"rate_hz": 64.0, "split": "train"} | options
        return build_cache(entries, cache_dir, preprocessing=preprocessing, **options)

    return run


def contents(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.suffix in (".npz", ".json")
    }


SCRIPT = """
import signal, resource, sys
from pathlib import Path
from neurorun.data import CorpusEntry, PreprocessingConfig, build_cache

folder, cache_dir, n_workers, largest = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
if largest:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
entries = [
    CorpusEntry(path.stem, path.stem.partition("_")[0], path, None, path.with_suffix(".tsv"))
    for path in sorted(folder.glob("*.edf"))
]
config = PreprocessingConfig(montage=("C3", "C4"), bandpass=(0.5, 20.0), notch_freq=None)
report = build_cache(entries, cache_dir, split="train", preprocessing=config, rate_hz=64.0,
                     n_workers=n_workers)
sys.exit(report.exit_code)
"""


@pytest.fixture
def start(tmp_path, corpus):
    """Start a build in a process of its own, perhaps with a largest size of a file."""
    script = tmp_path / "build.py"
    script.write_text(SCRIPT)

    def run(cache_dir, *, folder=corpus[0].path.parent, n_workers=1, largest=0):
        return subprocess.Popen(
            [sys.executable, script, folder, cache_dir, str(n_workers), str(largest)],
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )

    return run


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.parametrize("n_workers", [1, 2])
def test_kills_at_random_moments_change_no_byte(
    start, build, entry, recording, tmp_path, n_workers
):
    folder = tmp_path / "many"
    folder.mkdir()
    entries = [
        entry(folder, recording(f"p{number:02}_s1", seconds=300, seed=number), [(10, 20)])
        for number in range(30)
    ]
    chance, n_killed = random.Random(n_workers), 0
    for _ in range(8):
        process = start(tmp_path / "killed", folder=folder, n_workers=n_workers)
        time.sleep(chance.uniform(0.4, 2.5))
        os.killpg(process.pid, signal.SIGKILL)
        n_killed += process.wait() != 0
    assert n_killed
    assert build(entries, cache_dir=tmp_path / "killed").exit_code == 0
    assert verify_cache(tmp_path / "killed/train") == ()
    assert contents(tmp_path / "killed/train") == contents(
        build(entries, cache_dir=tmp_path / "whole").folder
    )


# files that are not what they should be


def rewritten(path, change):
    """Rewrite the members of an NPZ file as a function of their bytes says."""
    with zipfile.ZipFile(path) as archive:
        members = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(name, change(name, data))


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def compress(path):
    with np.load(path) as npz:
        arrays = dict(npz)
    np.savez_compressed(path, **arrays)


def make_foreign(path):
    np.savez(path, windows=np.zeros((2, 2, 512), np.float32), labels=np.zeros((2, 512)))


def make_bomb(path):
    """A signal of some hundred bytes that says it has a terabyte when inflated."""
    header = np.lib.format.header_data_from_array_1_0(np.zeros((1, 1), np.int16))
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("signal.npy", "w", force_zip64=True) as member,
    ):
        np.lib.format.write_array_header_1_0(member, header | {"shape": (1 << 20, 1 << 20)})
        for _ in range(64):
            member.write(bytes(1 << 20))


def announce_a_terabyte(path):
    def change(name, data):
        if name != "signal.npy":
            return data
        return data[:128].replace(b"(2, ", b"(9999, ", 1).replace(b"   ", b"", 1) + data[128:]

    rewritten(path, change)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(truncate, r"p1_s1.npz' is not a whole NPZ file", id="truncated"),
        pytest.param(compress, r"p1_s1.npz' .*is compressed and cannot be mapped", id="compressed"),
        pytest.param(make_foreign, r"p1_s1.npz' has no .*; it is no recording", id="foreign"),
        pytest.param(make_bomb, r"p1_s1.npz' .*is compressed and cannot be mapped", id="zip-bomb"),
        pytest.param(announce_a_terabyte, r"p1_s1.npz' is not a whole NPZ file", id="too-large"),
    ],
)
def test_other_files_are_refused_by_name_and_built_again(build, damage, message):
    folder = build().folder
    before = contents(folder)
    path = folder / "p1_s1.npz"
    damage(path)
    tracemalloc.start()
    with pytest.raises(FormatError, match=message):
        read_recording_file(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()
    with pytest.raises(DataError, match=r"is damaged: p1_s1.npz"):
        open_cache(folder)
    assert [damaged.file for damaged in verify_cache(folder)] == ["p1_s1.npz"]
    build()
    assert contents(folder) == before


@pytest.mark.parametrize("place", [100, 3000, -30])
def test_one_bit_is_enough_for_the_check_to_name_the_file(build, place):
    folder = build().folder
    path = folder / "p1_s2.npz"
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)
    (damage,) = verify_cache(folder)
    assert damage.file == "p1_s2.npz"
    assert damage.fault.startswith("its checksum is another")


def test_a_bomb_in_an_earlier_cache_is_not_inflated(tmp_path):
    geometry = WindowConfig(window_size=8, stride=2, sampling_rate=64.0)

    def read(shape, n_megabytes):
        path = tmp_path / "p1_s1_windows.npz"
        header = np.lib.format.header_data_from_array_1_0(np.zeros(1, np.float32))
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("windows.npy", "w", force_zip64=True) as member,
        ):
            np.lib.format.write_array_header_1_0(member, header | {"shape": shape})
            for _ in range(n_megabytes):
                member.write(bytes(1 << 20))
        tracemalloc.start()
        try:
            read_earlier_recording(path, channels=("C3", "C4"), windows=geometry)
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 1 << 26

    with pytest.raises(FormatError, match=r"windows of 33554432 samples, 512 were expected"):
        read((1, 2, 1 << 25), 256)
    with pytest.raises(FormatError, match=r"'windows' holds more than its header says"):
        read((1, 2, 512), 256)


# disks, folders, names, clocks


@pytest.mark.integration
def test_a_full_disk_fails_recordings_and_leaves_nothing_half(start, build, tmp_path):
    whole = contents(build(cache_dir=tmp_path / "whole").folder)
    sizes = sorted(path.stat().st_size for path in (tmp_path / "whole/train").glob("*.npz"))
    assert start(tmp_path / "full", largest=sizes[0] + 100).wait() == 3
    folder = tmp_path / "full/train"
    assert sorted(path.name for path in folder.glob("*.npz")) == ["p2_s1.npz"]
    assert not list(folder.glob(".*.tmp"))
    assert (folder / "cache.json").read_text().count("Cannot write") == 2
    build(cache_dir=tmp_path / "full")
    assert contents(folder) == whole


def test_a_disk_that_is_full_for_the_table_stops_the_build(build, monkeypatch):
    def refuse(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(DataError, match=r"Cannot write '.*cache.json': No space left on device"):
        build()


def renamed(entry, name):
    """The same recording under a name that EDF cannot hold inside."""
    path = entry.path.rename(entry.path.with_name(f"{name}.edf"))
    annotation = entry.annotation.rename(entry.annotation.with_name(f"{name}.tsv"))
    patient = name.partition("_")[0]
    return replace(entry, recording_id=name, patient=patient, path=path, annotation=annotation)


def test_names_in_any_script_are_names_of_files(build, corpus, entry, recording):
    folder = corpus[0].path.parent
    names = ["Zoë_s1", "患者_一", "пациент 3_s1", "a.b-c_s1"]
    report = build([renamed(entry(folder, recording(seconds=20)), name) for name in names])
    assert report.counts["ok"] == 4
    cache = open_cache(report.folder)
    assert sorted(cache.recording_ids) == sorted(names)
    assert {recording.patient for recording in cache} == {"Zoë", "患者", "пациент 3", "a.b-c"}


def test_names_that_are_one_file_on_some_systems_are_refused(build, corpus, entry, recording):
    folder = corpus[0].path.parent
    names = [unicodedata.normalize(form, "Zoë_s1") for form in ("NFC", "NFD")]
    entries = [renamed(entry(folder, recording(seconds=20)), name) for name in names]
    with pytest.raises(DataError, match=r"2 recordings are called 'Zo.*_s1'"):
        build(entries)


def test_a_folder_that_cannot_be_written_is_told(build, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DataError, match=r"Cannot write in '.*file/train': Not a directory"):
        build(cache_dir=tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_told_and_can_be_read(build, tmp_path, windows):
    folder = build().folder
    folder.chmod(0o555)
    try:
        assert len(EEGWindowDataset(folder, windows)[0]) == 2
        assert verify_cache(folder) == ()
        with pytest.raises(DataError, match=r"Cannot write"):
            build()
    finally:
        folder.chmod(0o755)


def test_reading_writes_nothing(build, windows):
    folder = build().folder
    before = {path: path.stat().st_mtime_ns for path in [folder, *folder.iterdir()]}
    dataset = EEGWindowDataset(folder, windows)
    assert [len(dataset[index]) for index in range(3)] == [2, 2, 2]
    verify_cache(folder)
    assert {path: path.stat().st_mtime_ns for path in [folder, *folder.iterdir()]} == before


FAR = [pytest.param(0, id="1970"), pytest.param(2**33, id="2242")]


@pytest.mark.parametrize("clock_s", FAR)
def test_a_wrong_clock_makes_nothing_stale(build, corpus, clock_s):
    before = contents(build().folder)
    for entry in corpus:
        os.utime(entry.path, (clock_s, clock_s))
    report = build()
    for path in report.folder.iterdir():
        os.utime(path, (clock_s, clock_s))
    assert {row.action for row in (*report.rows, *build().rows)} == {"kept"}
    after = contents(report.folder)
    assert after | {"cache.json": ""} == before | {"cache.json": ""}
    assert len(open_cache(report.folder)) == 3


@pytest.mark.parametrize("clock_s", FAR)
def test_a_wrong_clock_makes_nothing_fresh(build, corpus, entry, recording, clock_s):
    build()
    changed = entry(corpus[1].path.parent, recording("p1_s2", seconds=30, seed=77))
    os.utime(changed.path, (clock_s, clock_s))
    assert [row.action for row in build().rows] == ["kept", "built", "kept"]


def test_a_clock_ahead_of_the_file_system_sweeps_no_file_in_use(build, tmp_path, monkeypatch):
    folder = tmp_path / "train"
    folder.mkdir()
    in_use = folder / ".q.npz.1234.tmp"
    in_use.touch()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 86_400)
    build()
    assert in_use.exists()
