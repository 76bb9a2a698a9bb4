from dataclasses import replace

import numpy as np
import pytest

from neurorun.core import FormatError, RunError
from neurorun.runs.gaze_reviews import (
    GazePage,
    GazeReview,
    SeenFixation,
    gaze_reviews_of,
    read_gaze_review,
    review_path,
    write_gaze_review,
)
from neurorun.runs.headed_npz import HeadedFormat

pytestmark = pytest.mark.unit


def review(name="a_P0_S0", n=3):
    rng = np.random.default_rng(0)
    page = GazePage(
        10.0,
        rng.standard_normal((n, 500)).astype(np.float32),
        rng.uniform(size=(n, 500)).astype(np.float32),
    )
    return GazeReview(
        window_id=name,
        recording_id="a",
        channels=tuple(f"C{i}" for i in range(n)),
        rate_hz=50.0,
        bin_s=1.0,
        onset_s=0.0,
        true_label=1,
        prob_abnormal=0.75,
        has_gaze=True,
        attention=rng.uniform(size=(n, 300)),
        gaze=rng.uniform(size=(n, 300)),
        fixations=(SeenFixation(12.0, 0.2, ("CZ",), (1, 2)), SeenFixation(40.0, 0.1, (), ())),
        pages=(page,),
    )


def test_reviews_come_back(tmp_path):
    written = review("with/slash")
    write_gaze_review(tmp_path, written)
    reviews = gaze_reviews_of(tmp_path)
    assert list(reviews) == ["with/slash"]
    read = reviews["with/slash"]
    assert (read.channels, read.fixations, read.duration_s) == (
        written.channels, written.fixations, 300.0,
    )  # fmt: skip
    np.testing.assert_array_equal(read.attention, written.attention)
    np.testing.assert_array_equal(read.pages[0].signal_uv, written.pages[0].signal_uv)
    assert read.pages[0].onset_s == 10.0


def test_parts_that_do_not_fit_are_refused():
    with pytest.raises(RunError, match="has 2 channels, and maps of"):
        replace(review(), channels=("a", "b"))


def test_damaged_reviews_and_other_versions_are_told(tmp_path, monkeypatch):
    later = HeadedFormat("neurorun-gaze-review", 7, item="review")
    monkeypatch.setattr("neurorun.runs.gaze_reviews._FORMAT", later)
    write_gaze_review(tmp_path, review())
    monkeypatch.undo()
    path = tmp_path / review_path("a_P0_S0")
    with pytest.raises(FormatError, match=r"'neurorun-gaze-review', 7\); this neurorun reads"):
        read_gaze_review(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FormatError, match="is not a readable review"):
        read_gaze_review(path)
