import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from neurorun.core import ConfigError, DataError, FormatError, MissingExtraError
from neurorun.data import (
    BalancedSeizureDataset,
    DataConfig,
    ObjectUrl,
    build_cache,
    open_cache,
    place_of,
    scan_cache,
    verify_cache,
)
from neurorun.data.cache_mirror import CacheMirror
from neurorun.data.object_storage import ObjectStorage

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("s3")]

BUCKET = "neurorun-test"
ROOT = f"s3://{BUCKET}/corpora/tusz"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of an S3 server of this machine."""
    moto = pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(server, monkeypatch, tmp_path):
    """An empty bucket, and an empty folder for local copies; gives access past our own code."""
    import fsspec

    settings = {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "NEURORUN_LOCAL_CACHES": str(tmp_path / "copies"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    files = fsspec.filesystem("s3", skip_instance_cache=True, use_listings_cache=False)
    if files.exists(BUCKET):
        files.rm(BUCKET, recursive=True)
    files.mkdir(BUCKET)
    fsspec.filesystem("s3").clear_instance_cache()
    return files


@pytest.fixture
def build(corpus, preprocessing):
    """Build the corpus below a URL."""

    def run(entries=corpus, cache_dir=ROOT, config=preprocessing, **options):
        options = {"split": "train", "rate_hz": 64.0} | options
        return build_cache(entries, cache_dir, preprocessing=config, **options)

    return run


def stored(bucket, split="train"):
    """Checksum of every object of a split."""
    folder = f"{BUCKET}/corpora/tusz/{split}"
    return {
        Path(path).name: hashlib.sha256(bucket.cat_file(path)).hexdigest()
        for path in bucket.find(folder)
    }


def contents(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.suffix in (".npz", ".json")
    }


def refused(*args):
    raise AssertionError(f"not to be called with {args}")


def elsewhere(monkeypatch, tmp_path, name="other"):
    """Be on another machine: there are no local copies."""
    monkeypatch.setenv("NEURORUN_LOCAL_CACHES", str(tmp_path / name))


def test_a_cache_in_storage_has_the_bytes_of_one_in_a_folder(bucket, build, tmp_path):
    report = build()
    assert report.exit_code == 0
    assert str(report.place) == f"{ROOT}/train"
    assert stored(bucket) == contents(build(cache_dir=tmp_path / "local").folder)


def test_it_is_read_from_a_local_copy(bucket, build, tmp_path, monkeypatch, windows):
    build()
    local = open_cache(build(cache_dir=tmp_path / "local").folder)
    elsewhere(monkeypatch, tmp_path)
    cache = open_cache(f"{ROOT}/train")
    assert (cache.place, cache.folder.parent) == (place_of(f"{ROOT}/train"), tmp_path / "other")
    assert contents(cache.folder) == contents(local.folder)
    for here, there in zip(cache, local, strict=True):
        np.testing.assert_array_equal(here.window(0, 512), there.window(0, 512))
    assert len(BalancedSeizureDataset(f"{ROOT}/train", windows=windows))


def test_a_copy_is_fetched_once(bucket, build, tmp_path, monkeypatch):
    build()
    elsewhere(monkeypatch, tmp_path)
    first = open_cache(f"{ROOT}/train")
    monkeypatch.setattr(CacheMirror, "_fetch_file", refused)
    assert open_cache(f"{ROOT}/train").content_fingerprint == first.content_fingerprint


def test_what_has_changed_in_storage_is_fetched_again(
    bucket, build, tmp_path, monkeypatch, corpus, entry, recording
):
    build()
    elsewhere(monkeypatch, tmp_path)
    before = open_cache(f"{ROOT}/train")[1].window(0, 512)
    monkeypatch.setenv("NEURORUN_LOCAL_CACHES", str(tmp_path / "copies"))
    entry(corpus[1].path.parent, recording("p1_s2", seconds=30, seed=77))
    build()
    elsewhere(monkeypatch, tmp_path)
    fetched = []
    fetch = CacheMirror._fetch_file
    monkeypatch.setattr(
        CacheMirror, "_fetch_file", lambda self, s: fetched.append(s.name) or fetch(self, s)
    )
    assert not np.array_equal(open_cache(f"{ROOT}/train")[1].window(0, 512), before)
    assert fetched == ["p1_s2.npz"]


def test_a_damaged_copy_is_fetched_again(bucket, build, tmp_path):
    build()
    folder = open_cache(f"{ROOT}/train").folder
    before = contents(folder)
    (folder / "p1_s1.npz").write_bytes(b"short")
    (folder / "p1_s2.npz").unlink()
    open_cache(f"{ROOT}/train")
    assert contents(folder) == before
    assert verify_cache(f"{ROOT}/train") == ()


def test_a_damaged_object_is_refused_by_name(bucket, build, tmp_path, monkeypatch):
    build()
    path = f"{BUCKET}/corpora/tusz/train/p1_s1.npz"
    data = bytearray(bucket.cat_file(path))
    data[3000] ^= 1
    bucket.pipe_file(path, bytes(data))
    elsewhere(monkeypatch, tmp_path)
    with pytest.raises(DataError, match=r"train/p1_s1.npz' is not what its cache.json says"):
        open_cache(f"{ROOT}/train")
    assert not list((tmp_path / "other").glob("*/p1_s1.npz"))
    bucket.rm(path)
    with pytest.raises(DataError, match=r"cannot be reached, read or written \(FileNotFoundError"):
        open_cache(f"{ROOT}/train")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", r"train/cache.json' is not readable as JSON"),
        (b'{"format": "zarr", "format_version": 3}', r"is of format zarr, version 3"),
        (b'{"format": "neurorun-cache", "format_version": 1}', r"cache.json' is damaged"),
    ],
)
def test_a_damaged_table_is_refused(bucket, content, message):
    bucket.pipe_file(f"{BUCKET}/corpora/tusz/train/cache.json", content)
    with pytest.raises(FormatError, match=message):
        open_cache(f"{ROOT}/train")


def test_two_processes_share_a_copy(bucket, build, tmp_path, monkeypatch):
    build()
    elsewhere(monkeypatch, tmp_path)
    code = (
        "import sys; from neurorun.data import open_cache; cache = open_cache(sys.argv[1]); "
        "print(sum(float(r.window(0, 512).sum()) for r in cache), cache.folder)"
    )
    command = [sys.executable, "-c", code, f"{ROOT}/train"]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = {process.communicate(timeout=120)[0] for process in started}
    assert [process.returncode for process in started] == [0, 0, 0]
    assert len(told) == 1
    assert verify_cache(f"{ROOT}/train") == ()


def test_threads_share_a_copy(bucket, build, tmp_path, monkeypatch):
    build()
    elsewhere(monkeypatch, tmp_path)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(len(open_cache(f"{ROOT}/train"))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [3, 3, 3, 3]


def test_a_build_goes_on_where_another_machine_stopped(
    bucket, build, corpus, tmp_path, monkeypatch
):
    whole = contents(build(cache_dir=tmp_path / "whole").folder)
    monkeypatch.setattr("neurorun.data.builder._SAVE_EVERY_S", 0.0)
    begun = []

    def stop_at_the_third(job):
        begun.append(job)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return from_recording(job)

    from neurorun.data.recording_builder import build_recording as from_recording

    monkeypatch.setattr("neurorun.data.builder.build_recording", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        build()
    assert set(stored(bucket)) == {"cache.json", "p1_s1.npz", "p1_s2.npz"}
    with pytest.raises(DataError, match=r"Cache 's3://.*/train' is not complete"):
        open_cache(f"{ROOT}/train")
    monkeypatch.setattr("neurorun.data.builder.build_recording", from_recording)
    elsewhere(monkeypatch, tmp_path)
    report = build()
    assert [row.action for row in report.rows] == ["kept", "kept", "built"]
    assert stored(bucket) == whole


def test_nothing_is_uploaded_twice(bucket, build, monkeypatch):
    build()
    monkeypatch.setattr(ObjectStorage, "upload", refused)
    monkeypatch.setattr(ObjectStorage, "write", refused)
    assert {row.action for row in build().rows} == {"kept"}


def test_other_settings_are_refused_before_anything_is_fetched(
    bucket, build, preprocessing, monkeypatch, tmp_path
):
    build()
    elsewhere(monkeypatch, tmp_path)
    other = preprocessing.model_copy(update={"notch_freq": 60})
    with pytest.raises(DataError, match=r"Cache 's3://.*' was built with preprocessing.notch_freq"):
        build(config=other)
    with pytest.raises(DataError, match=r"Cache 's3://.*' was built with preprocessing.notch_freq"):
        open_cache(f"{ROOT}/train", preprocessing=other)
    assert not (tmp_path / "other").exists()


def test_a_cache_that_was_deleted_in_storage_is_built_from_its_copy(bucket, build):
    build()
    before = stored(bucket)
    bucket.rm(f"{BUCKET}/corpora", recursive=True)
    with pytest.raises(DataError, match=r"'s3://.*/train' holds no cache.json; give the folder"):
        open_cache(f"{ROOT}/train")
    report = build()
    assert {row.action for row in report.rows} == {"kept"}
    assert stored(bucket) == before


def test_files_that_are_not_here_cannot_be_uploaded(bucket, build):
    folder = build().folder
    (folder / "p1_s1.npz").unlink()
    mirror = CacheMirror(place_of(f"{ROOT}/train"))
    with pytest.raises(DataError, match=r"was prepared, but is not here to be uploaded"):
        mirror.publish()


def test_the_manifest_lies_beside_the_cache(bucket, build, windows):
    build()
    manifest = scan_cache(f"{ROOT}/train", windows)
    text = bucket.cat_file(f"{BUCKET}/corpora/tusz/train/manifest.json").decode()
    assert json.loads(text)["window"]["counts"] == manifest.counts


def test_a_storage_that_is_not_there_is_told(bucket, monkeypatch, build):
    with pytest.raises(DataError, match=r"'s3://nowhere/cache/train' holds no cache.json"):
        open_cache("s3://nowhere/cache/train")
    with pytest.raises(DataError, match=r"cannot be reached, read or written .* AWS_ENDPOINT_URL"):
        build(cache_dir="s3://nowhere/cache")


# without a server


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("cache/tusz", Path("cache/tusz")),
        (Path("/data/cache"), Path("/data/cache")),
        ("file:///data/cache", Path("/data/cache")),
        (Path("file:///data/cache"), Path("/data/cache")),
        ("s3://bucket/a/b/", ObjectUrl("s3", "bucket/a/b")),
        (Path("s3://bucket/a/b"), ObjectUrl("s3", "bucket/a/b")),
        ("S3://Bucket", ObjectUrl("s3", "Bucket")),
        (ObjectUrl("gs", "b/c"), ObjectUrl("gs", "b/c")),
        ("C:\\cache", Path("C:\\cache")),
    ],
)
def test_urls_are_told_from_folders(given, expected):
    assert place_of(given) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("s3://", r"'s3://' names no bucket"),
        ("://bucket", r"names no bucket"),
        ("s3://bucket/../other", r"climbs with '..'"),
    ],
)
def test_odd_urls_are_refused(given, message):
    with pytest.raises(ConfigError, match=message):
        place_of(given)


def test_a_bucket_lies_in_no_folder():
    url = ObjectUrl("s3", "bucket/cache/train")
    assert (str(url.parent), url.name) == ("s3://bucket/cache", "train")
    with pytest.raises(ConfigError, match=r"'s3://bucket' is a whole bucket; a folder in it"):
        _ = url.parent.parent.parent


def test_the_setting_takes_both_and_is_written_as_text():
    remote = DataConfig(cache_dir="s3://bucket/cache")
    assert remote.cache_dir == ObjectUrl("s3", "bucket/cache")
    assert str(remote.cache_dir / "train") == "s3://bucket/cache/train"
    assert remote.model_dump(mode="json")["cache_dir"] == "s3://bucket/cache"
    assert DataConfig(**remote.model_dump()) == remote
    assert DataConfig(cache_dir="cache").cache_dir == Path("cache")
    assert DataConfig().model_dump(mode="json")["cache_dir"] == "cache"


def test_unknown_storages_are_refused():
    pytest.importorskip("fsspec")
    with pytest.raises(DataError, match=r"is of no known kind of storage"):
        open_cache("nowhere://bucket/cache")


def test_a_missing_library_is_named(monkeypatch):
    fsspec = pytest.importorskip("fsspec")

    def refuse(url):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", refuse)
    with pytest.raises(MissingExtraError, match=r'pip install "neurorun\[cloud\]"'):
        open_cache("s3://bucket/cache")


def test_copies_lie_where_the_environment_says(monkeypatch, tmp_path):
    from neurorun.data.cache_mirror import local_root

    monkeypatch.setenv("NEURORUN_LOCAL_CACHES", str(tmp_path))
    assert local_root() == tmp_path
    monkeypatch.delenv("NEURORUN_LOCAL_CACHES")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert local_root() == tmp_path / "xdg" / "neurorun"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert local_root() == Path(os.path.expanduser("~")) / ".cache" / "neurorun"  # noqa: PTH111
