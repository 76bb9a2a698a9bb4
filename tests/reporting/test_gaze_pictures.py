from dataclasses import replace

import numpy as np
import pytest

from neurorun.reporting import review_pictures
from neurorun.reporting.gaze_pictures import draw_review_page, draw_window_strip, electrode_values
from neurorun.runs import GazePage, GazeReview, SeenFixation

pytestmark = pytest.mark.unit

CHANNELS = (
    "Fp1-F7", "Fp1-F3", "Fp2-F4", "Fp2-F8", "F7-T3", "F3-C3", "F4-C4", "F8-T4", "A1-T3", "T3-C3",
    "C3-Cz", "Cz-C4", "C4-T4", "T4-A2", "T3-T5", "C3-P3", "C4-P4", "T4-T6", "T5-O1", "P3-O1",
    "P4-O2", "T6-O2",
)  # fmt: skip


def review(n_bins=40, has_gaze=True):
    rng = np.random.default_rng(0)
    page = GazePage(
        10.0,
        (20 * rng.standard_normal((22, 500))).astype(np.float32),
        rng.uniform(size=(22, 500)).astype(np.float32),
    )
    gaze = rng.uniform(size=(22, n_bins)) if has_gaze else np.zeros((22, n_bins))
    return GazeReview(
        window_id="a_P0_S0",
        recording_id="a",
        channels=CHANNELS,
        rate_hz=50.0,
        bin_s=1.0,
        onset_s=0.0,
        true_label=1,
        prob_abnormal=0.7,
        has_gaze=has_gaze,
        attention=rng.uniform(size=(22, n_bins)),
        gaze=gaze,
        fixations=(SeenFixation(12.0, 0.3, ("CZ",), (10, 11)), SeenFixation(90.0, 0.1, (), ())),
        pages=(page,),
    )


def test_a_review_becomes_pictures_with_captions():
    pictures = review_pictures(review(), topomap=False)
    assert list(pictures) == ["a_P0_S0_strip", "a_P0_S0_page_1"]
    for png, caption in pictures.values():
        assert png.startswith(b"\x89PNG")
        assert caption.endswith(".")
    assert "called abnormal with probability 0.70" in pictures["a_P0_S0_strip"][1]
    assert pictures == review_pictures(review(), topomap=False)


def test_without_gaze_the_pictures_say_so():
    pictures = review_pictures(review(has_gaze=False), topomap=False)
    assert "nobody's gaze was recorded" in pictures["a_P0_S0_strip"][1]
    assert len(draw_window_strip(review(has_gaze=False)).axes) < len(
        draw_window_strip(review()).axes
    )


def test_the_head_shows_both_maps():
    pytest.importorskip("mne")
    pictures = review_pictures(review())
    assert "a_P0_S0_head" in pictures


def test_a_page_names_its_channels_and_shows_fixations():
    axis = draw_review_page(review(), review().pages[0]).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == list(CHANNELS)
    circles = [one for one in axis.collections if len(one.get_offsets()) == 2]
    assert len(circles) == 1


def test_long_windows_and_flat_maps_are_drawn():
    long = review(n_bins=4000)
    flat = replace(review(), attention=np.full((22, 40), 0.5))
    for one in (long, flat):
        assert draw_window_strip(one).axes


def test_electrodes_in_no_derivation_have_no_value():
    values = electrode_values(CHANNELS, np.ones(22))
    assert set(values) >= {"Cz", "A1", "O2"}
    assert not {"Fz", "Pz"} & set(values)
