import json
import math

import pytest

from neurorun.core import DataError, to_json
from neurorun.data import build_cache, open_cache, summarize_cache

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path, corpus, preprocessing):
    corpus[1].path.write_bytes(b"no EDF")
    build_cache(corpus, tmp_path, split="train", preprocessing=preprocessing, rate_hz=64.0)
    return tmp_path / "train"


def test_it_tells_what_is_there(folder):
    summary = summarize_cache(str(folder))
    assert (summary.place, summary.split, summary.complete) == (folder, "train", True)
    assert summary.statuses == {"ok": 2, "repaired": 0, "skipped": 0, "failed": 1}
    assert (summary.n_recordings, summary.n_patients, summary.n_unlabelled) == (2, 2, 0)
    assert summary.hours == pytest.approx(60 / 3600)
    assert summary.n_seizures == 4  # the gap divides one
    assert summary.seizure_hours == pytest.approx((11 + 2.5 + 2 + 1) / 3600)
    assert (summary.channels, summary.rate_hz) == (("C3", "C4"), 64.0)
    assert summary.fingerprint == open_cache(folder).fingerprint
    assert summary.n_bytes == sum(path.stat().st_size for path in folder.glob("*.npz"))


def test_it_can_be_written_as_json(folder):
    figures = json.loads(to_json(summarize_cache(folder).to_json()))
    assert figures["place"] == str(folder)
    assert figures["channels"] == ["C3", "C4"]
    assert figures["statuses"]["failed"] == 1
    assert figures["settings"]["data.sampling_rate"] == 64.0
    assert not any(isinstance(value, float) and math.isnan(value) for value in figures.values())


def test_a_folder_without_cache_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no cache.json"):
        summarize_cache(tmp_path)
