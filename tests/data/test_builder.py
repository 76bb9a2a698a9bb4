import hashlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurorun.core import DataError
from neurorun.data import TEN_TWENTY, CorpusEntry, build_cache, open_cache, verify_cache
from neurorun.data.builder import CacheBuild

pytestmark = pytest.mark.unit


@pytest.fixture
def build(tmp_path, corpus, preprocessing):
    """Build the corpus, or other entries, into a folder."""

    def run(entries=corpus, *, cache_dir=tmp_path, config=preprocessing, **options):
        options = {"rate_hz": 64.0, "split": "train"} | options
        return build_cache(entries, cache_dir, preprocessing=config, **options)

    return run


def contents(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.suffix in (".npz", ".json")
    }


def actions(report):
    return {row.row.recording_id: row.action for row in report.rows}


def test_every_recording_has_its_row(build, tmp_path):
    report = build()
    assert report.counts == {"ok": 3, "repaired": 0, "skipped": 0, "failed": 0}
    assert actions(report) == dict.fromkeys(["p1_s1", "p1_s2", "p2_s1"], "built")
    assert (report.exit_code, report.n_seizure_recordings) == (0, 2)
    assert report.folder == tmp_path / "train"
    assert verify_cache(report.folder) == ()


def test_the_same_input_gives_the_same_bytes(build, tmp_path):
    first, second = build(), build(cache_dir=tmp_path / "again", n_workers=2)
    assert contents(first.folder) == contents(second.folder)


def test_a_second_build_keeps_everything(build, tmp_path):
    before = contents(build().folder)
    again = build()
    assert set(actions(again).values()) == {"kept"}
    assert contents(again.folder) == before


def test_a_copied_corpus_is_recognised_by_its_content(build, corpus):
    before = contents(build().folder)
    for entry in corpus:
        os.utime(entry.path, (1e9, 1e9))
    again = build()
    assert set(actions(again).values()) == {"kept"}
    after = contents(again.folder)
    assert {**before, "cache.json": ""} == {**after, "cache.json": ""}


def test_a_changed_source_is_prepared_again(build, corpus, entry, recording):
    build()
    entry(corpus[1].path.parent, recording("p1_s2", seconds=30, seed=77))
    assert actions(build()) == {"p1_s1": "kept", "p1_s2": "built", "p2_s1": "kept"}


def test_a_changed_sample_is_noticed_even_if_the_size_is_the_same(build, corpus):
    build()
    data = bytearray(corpus[0].path.read_bytes())
    data[5000] ^= 1
    corpus[0].path.write_bytes(data)
    assert actions(build())["p1_s1"] == "built"


def test_changed_events_are_written_again_without_the_signal(build, corpus, entry, recording):
    folder = build().folder
    signal = open_cache(folder)[1].signal.copy()
    entry(corpus[1].path.parent, recording("p1_s2", seconds=30, seed=2), [(3, 9)])
    report = build()
    assert actions(report) == {"p1_s1": "kept", "p1_s2": "relabelled", "p2_s1": "kept"}
    cache = open_cache(folder)
    assert cache.extents[1].seizures == ((192, 576),)
    np.testing.assert_array_equal(cache[1].signal, signal)
    assert verify_cache(folder) == ()


def test_lost_annotations_make_a_recording_unlabelled(build, corpus):
    build()
    report = build([replace(corpus[0], annotation=None), *corpus[1:]])
    assert actions(report)["p1_s1"] == "relabelled"
    assert report.rows[0].row.stored.extent.seizures is None


def test_a_meaning_of_labels_is_part_of_the_events(build, corpus):
    corpus[1].annotation.write_text(
        "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration\n"
        "3\t6\tblink\tn/a\tn/a\t2020-01-01 00:00:00\t30\n"
    )
    refused = build()
    assert refused.rows[1].row.status == "failed"
    assert "blink" in refused.rows[1].row.reason
    mapped = build(label_map={"blink": "seiz"})
    assert mapped.rows[1].row.stored.extent.seizures == ((192, 576),)
    assert actions(build(label_map={"blink": None}))["p1_s2"] == "relabelled"


def test_damaged_files_of_the_cache_are_built_again(build):
    folder = build().folder
    before = contents(folder)
    (folder / "p1_s1.npz").write_bytes(b"x")
    (folder / "p1_s2.npz").unlink()
    report = build()
    assert actions(report) == {"p1_s1": "built", "p1_s2": "built", "p2_s1": "kept"}
    assert contents(folder) == before


def test_one_bad_recording_stops_nothing(build, corpus):
    corpus[1].path.write_bytes(b"no EDF at all")
    corpus[2].annotation.write_text("onset\tduration\n")
    report = build()
    assert report.counts == {"ok": 1, "repaired": 0, "skipped": 0, "failed": 2}
    assert report.exit_code == 3
    failed = [row.row for row in report.rows if row.row.status == "failed"]
    assert [row.recording_id for row in failed] == ["p1_s2", "p2_s1"]
    assert all(row.reason and row.stored is None for row in failed)
    assert open_cache(report.folder).recording_ids == ("p1_s1",)


def test_an_error_that_we_did_not_foresee_stops_nothing(build, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("of the test")

    monkeypatch.setattr("neurorun.data.recording_builder.resolve_montage", fail)
    report = build()
    assert report.exit_code == 2
    assert report.rows[0].row.reason == "ZeroDivisionError: of the test"


def test_recordings_of_less_than_a_window_are_skipped(build):
    report = build(shortest_s=25.0)
    assert report.counts == {"ok": 2, "repaired": 0, "skipped": 1, "failed": 0}
    assert report.rows[2].row.reason == "10 s without a gap, less than one window of 25 s"
    assert report.exit_code == 0
    assert actions(build(shortest_s=5.0)) == {"p1_s1": "kept", "p1_s2": "kept", "p2_s1": "built"}


def test_repairs_are_told(build, corpus):
    data = bytearray(corpus[0].path.read_bytes())
    data[236:244] = b"-1      "
    corpus[0].path.write_bytes(data)
    for _ in range(2):
        row = build().rows[0].row
        assert row.status == "repaired"
        assert "-1" in row.reason


def test_remarks_are_kept_but_are_no_repairs(build, corpus):
    data = bytearray(corpus[0].path.read_bytes())
    data[8:16] = "Zoë X   ".encode("latin-1")
    corpus[0].path.write_bytes(data)
    report = build()
    assert (report.rows[0].row.status, report.rows[0].row.reason) == ("ok", "")
    assert any("outside ASCII" in note for note in open_cache(report.folder)[0].header.notes)


def test_gaps_survive_and_nothing_crosses_them(build):
    cached = open_cache(build().folder)[2]
    assert [(s.first, s.n_samples, s.onset_s) for s in cached.stretches] == [
        (0, 640, 0.0),
        (640, 640, 15.0),
    ]
    assert cached.timeline.gaps == ((10.0, 15.0),)
    assert cached.timeline.duration_s == 25.0


def test_other_settings_are_refused_not_mixed(build, preprocessing):
    folder = build().folder
    before = contents(folder)
    with pytest.raises(DataError, match=r"built with preprocessing.notch_freq = null, but the con"):
        build(config=preprocessing.model_copy(update={"notch_freq": 50}))
    with pytest.raises(DataError, match=r"data.sampling_rate = 64.0, but"):
        build(rate_hz=50.0)
    assert contents(folder) == before


def test_standardization_is_not_one_of_them(build, preprocessing):
    build()
    report = build(config=preprocessing.model_copy(update={"normalize": False, "clip_at": 3.0}))
    assert set(actions(report).values()) == {"kept"}


def test_a_build_of_other_settings_that_came_first_is_noticed_at_the_end(
    build, preprocessing, tmp_path
):
    settings = {"data.sampling_rate": 1.0}
    mine = CacheBuild(tmp_path / "train", "train", settings, patients={"p1_s1": "p1"})
    (tmp_path / "train" / "cache.json").unlink()
    build()
    with pytest.raises(DataError, match=r"was built with"):
        mine._save()


def test_recordings_that_are_gone_leave_the_table_and_are_told(build, corpus, caplog):
    build()
    with caplog.at_level(logging.WARNING):
        build(corpus[:1])
    assert "holds files that are not of this build and are not used: p1_s2.npz" in caplog.text
    assert open_cache(build(corpus[:2]).folder).recording_ids == ("p1_s1", "p1_s2")


def test_an_unchanged_cache_can_be_read_while_it_is_checked(build, corpus, tmp_path):
    folder = build().folder
    patients = {entry.recording_id: entry.patient for entry in corpus}
    table = json.loads((folder / "cache.json").read_text())
    CacheBuild(folder, "train", table["settings"], patients=patients)
    assert len(open_cache(folder)) == 3


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], r"There are no recordings to build a cache of"),
        (["a", "A"], r"2 recordings are called 'a': a.edf, A.edf; every recording of a cache"),
        (["x/y"], r"Recording 'x/y' \(x/y.edf\) has a name that is not fit for a file"),
        ([".x"], r"has a name that is not fit for a file"),
    ],
)
def test_names_must_be_fit_for_files(build, names, message):
    entries = [CorpusEntry(name, "p", Path(f"{name}.edf")) for name in names]
    with pytest.raises(DataError, match=message):
        build(entries)


def test_leftovers_of_killed_builds_are_swept_away(build, tmp_path):
    folder = tmp_path / "train"
    folder.mkdir()
    old, new = folder / ".p.npz.1234.tmp", folder / ".q.npz.1234.tmp"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    build()
    assert (old.exists(), new.exists()) == (False, True)


def test_the_table_is_saved_now_and_then(build, monkeypatch, tmp_path):
    monkeypatch.setattr("neurorun.data.builder._SAVE_EVERY_S", 0.0)
    saved = []
    monkeypatch.setattr(CacheBuild, "_save", lambda self: saved.append(len(self._rows)))
    build()
    assert saved == [1, 2, 3, 3]


SCRIPT = """
import sys
from pathlib import Path
from neurorun.data import CorpusEntry, PreprocessingConfig, build_cache

folder, cache_dir, n_workers = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
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
def many(tmp_path, entry, recording):
    """Twenty-four recordings of two minutes."""
    folder = tmp_path / "many"
    folder.mkdir()
    return [
        entry(folder, recording(f"p{number:02}_s1", seconds=120, seed=number), [(10, 20)])
        for number in range(24)
    ]


@pytest.fixture
def start(tmp_path, many):
    """Start a build of many recordings in a process of its own."""
    script = tmp_path / "build.py"
    script.write_text(SCRIPT)

    def run(cache_dir, n_workers=1):
        return subprocess.Popen(
            [sys.executable, script, many[0].path.parent, tmp_path / cache_dir, str(n_workers)],
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )

    return run


def wait_for_files(folder, number):
    for _ in range(6000):
        if len(list(folder.glob("*.npz"))) >= number:
            return
        time.sleep(0.01)
    raise AssertionError(f"{folder} has no {number} files")


@pytest.mark.integration
@pytest.mark.parametrize(("sent", "n_workers"), [(signal.SIGKILL, 1), (signal.SIGINT, 2)])
def test_a_build_that_was_stopped_goes_on_and_gives_the_same_bytes(
    start, build, many, tmp_path, sent, n_workers
):
    folder = tmp_path / "stopped" / "train"
    stopped = start("stopped", n_workers)
    wait_for_files(folder, 3)
    os.killpg(stopped.pid, sent)
    assert stopped.wait() != 0
    assert 3 <= len(list(folder.glob("*.npz"))) < 24
    with pytest.raises(DataError, match=r"is not complete"):
        open_cache(folder)
    if sent == signal.SIGINT:
        assert list(folder.glob(".*.tmp")) == []
    resumed = build(many, cache_dir=tmp_path / "stopped")
    assert set(actions(resumed).values()) == {"built", "kept"}
    assert verify_cache(folder) == ()
    assert contents(folder) == contents(build(many, cache_dir=tmp_path / "whole").folder)


@pytest.mark.integration
def test_a_script_that_builds_at_its_top_level_is_not_run_again_by_its_processes(start):
    assert start("plain", n_workers=2).wait(timeout=120) == 0


@pytest.mark.integration
def test_two_builds_in_one_folder_do_not_harm_each_other(start, build, many, tmp_path):
    builds = [start("shared") for _ in range(2)]
    assert [process.wait() for process in builds] == [0, 0]
    folder = tmp_path / "shared" / "train"
    assert verify_cache(folder) == ()
    assert contents(folder) == contents(build(many, cache_dir=tmp_path / "whole").folder)


DAY = """
import resource, sys
from pathlib import Path
from neurorun.data import CorpusEntry, PreprocessingConfig, build_cache

path, cache_dir = Path(sys.argv[1]), sys.argv[2]
report = build_cache([CorpusEntry("day", "p", path)], cache_dir, split="train",
                     preprocessing=PreprocessingConfig(), rate_hz=256.0)
assert report.exit_code == 0, report.rows
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def write_day(path, n_seconds=24 * 3600):
    """Write an EDF of 19 channels at 256 Hz, in which ten minutes come again and again."""
    fields = [(16, TEN_TWENTY), (80, [""] * 19), (8, ["uV"] * 19), (8, [-3276.7] * 19)]
    fields += [(8, [3276.7] * 19), (8, [-32767] * 19), (8, [32767] * 19), (80, [""] * 19)]
    fields += [(8, [256] * 19), (32, [""] * 19)]
    head = [(8, 0), (80, "X"), (80, "X"), (8, "01.01.20"), (8, "00.00.00"), (8, 256 * 20)]
    head += [(44, ""), (8, n_seconds), (8, 1), (4, 19)]
    noise = (300 * np.random.default_rng(0).standard_normal((600, 19, 256))).astype("<i2")
    with path.open("wb") as stream:
        for width, value in head:
            stream.write(f"{value:<{width}}".encode())
        for width, values in fields:
            stream.writelines(f"{value:<{width}}".encode() for value in values)
        for _ in range(n_seconds // 600):
            stream.write(noise.tobytes())


@pytest.mark.slow
@pytest.mark.integration
def test_a_day_of_19_channels_needs_less_than_a_gigabyte(tmp_path):
    write_day(tmp_path / "day.edf")
    (tmp_path / "build.py").write_text(DAY)
    command = [sys.executable, tmp_path / "build.py", tmp_path / "day.edf", tmp_path / "cache"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert int(done.stdout) < 1024
    (tmp_path / "day.edf").unlink()
    stored = open_cache(tmp_path / "cache" / "train").extents[0]
    assert stored.n_samples == 24 * 3600 * 256
    shutil.rmtree(tmp_path / "cache")


@pytest.mark.slow
@pytest.mark.integration
def test_a_cluster_gives_the_same_bytes(build, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        report = build(cache_dir=tmp_path / "cluster", cluster=cluster.scheduler_address)
    assert contents(report.folder) == contents(build().folder)
