"""Arrays or tensors in, a dictionary out."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import ConfigError, ScoringError
from neurorun.evaluation import PostprocessingConfig, evaluate_predictions

pytestmark = pytest.mark.unit

FA_RATES = [10, 5, 2.5, 1]
POST_CFG = {"tau_on": 0.86, "tau_off": 0.78, "kernel_size": 5}
KEYS = [
    "taes",
    "auroc",
    "sensitivity_at_10fa",
    "sensitivity_at_5fa",
    "sensitivity_at_2_5fa",
    "sensitivity_at_1fa",
    "fa_curve",
    "thresholds",
]
MEASURES = KEYS[:-2]


def seizures(*spans: tuple[int, int], n: int = 15_360) -> np.ndarray:
    labels = np.zeros(n, dtype=np.float32)
    for first, stop in spans:
        labels[first:stop] = 1
    return labels


LABELS = np.stack([seizures((2000, 6000)), seizures(), seizures((0, 3000), (9000, 15_360))])


def measured(probs, labels=LABELS, fa_rates=FA_RATES, post_cfg=POST_CFG, **settings_):
    return evaluate_predictions(probs, labels, fa_rates, post_cfg, **settings_)


def test_keys_are_those_that_training_asks_for():
    assert list(measured(0.9 * LABELS)) == KEYS
    assert list(measured(0.9 * LABELS, fa_rates=[10.0, 5.0, 2.5, 1.0])) == KEYS


def test_perfect_predictions_are_perfect():
    result = measured(0.05 + 0.9 * LABELS)
    assert [result[key] for key in MEASURES] == [1.0] * 6
    assert (0.0, 1.0) in result["fa_curve"]


def test_better_alignment_gives_a_better_taes():
    shifts = [0, 500, 1500, 3000]
    taes = [measured(np.roll(0.95 * LABELS, shift, axis=1))["taes"] for shift in shifts]
    assert taes[0] == 1.0
    assert taes == sorted(taes, reverse=True)
    assert len(set(taes)) == len(taes)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_random_predictions_stay_in_range_and_monotone(seed, width):
    rng = np.random.default_rng(seed)
    probs = np.repeat(rng.random((1, 1920 // width + 1)), width, axis=1)[:, :1920]
    result = measured(probs, LABELS[2:, ::8], fa_rates=[1, 100, 1000, 5000], rate_hz=32.0)
    assert 0 <= result["taes"] <= 1
    at = [result[f"sensitivity_at_{rate}fa"] for rate in (1, 100, 1000, 5000)]
    reached = [value for value in at if not math.isnan(value)]
    assert reached == sorted(reached)
    assert all(fa >= 0 and 0 <= sensitivity <= 1 for fa, sensitivity in result["fa_curve"])


def test_tensors_are_taken_as_they_come_out_of_a_model():
    torch = pytest.importorskip("torch")
    labels = torch.from_numpy(LABELS)
    logits = (10 * labels - 5).requires_grad_()
    from_tensors = measured(torch.sigmoid(logits), labels.bool())
    half = measured(torch.sigmoid(logits).to(torch.bfloat16), labels.long())
    from_arrays = measured(torch.sigmoid(logits).detach().numpy())
    assert from_tensors == half == from_arrays


def test_hysteresis_and_kernel_do_what_they_say():
    # p        |####|.|####|  a flicker of 3 samples off, and one of 3 samples on
    p = np.full((1, 15_360), 0.1, dtype=np.float32)
    p[0, 2000:6000] = 0.9
    p[0, 3000:3003] = 0.1
    p[0, 9000:9003] = 0.9
    labels = LABELS[:1]
    assert measured(p, labels)["taes"] == 1.0
    assert measured(p, labels, post_cfg={"tau_on": 0.86, "tau_off": 0.78})["taes"] < 1.0
    assert measured(p, labels, post_cfg={"tau_on": 0.95})["taes"] == 0.0


def test_a_step_that_is_not_named_does_nothing():
    short = seizures((100, 200), n=1000)[None]
    assert measured(0.9 * short, short)["taes"] == 1.0
    assert measured(0.9 * short, short, post_cfg=POST_CFG | {"min_duration": 3.0})["taes"] == 0.0
    assert measured(0.9 * short, short, post_cfg=PostprocessingConfig())["taes"] == 0.0
    section = PostprocessingConfig().model_dump(mode="json")
    assert measured(0.9 * short, short, post_cfg=section)["taes"] == 0.0


def test_the_rate_gives_samples_their_length():
    # one false alarm in 15 360 samples: a minute at 256 Hz, an hour at 4.2667 Hz
    p = np.zeros((1, 15_360), dtype=np.float32)
    p[0, 1000:2000] = 0.9
    for rate_hz, false_alarms in ((256.0, 24 * 60), (15_360 / 3600, 24)):
        curve = measured(p, np.zeros_like(p), rate_hz=rate_hz)["fa_curve"]
        assert curve[0][0] == 0
        assert min(fa for fa, _ in curve if fa) == pytest.approx(false_alarms)


def test_without_seizures_nothing_is_made_up():
    result = measured(np.full((2, 1000), 0.1), np.zeros((2, 1000)))
    assert all(math.isnan(result[key]) for key in MEASURES)
    assert set(result["thresholds"].values()) == {None}


@pytest.mark.parametrize(
    ("probs", "labels", "message"),
    [
        (np.zeros(10), np.zeros((1, 10)), r"probs are of shape \(10,\) and type float64"),
        (0.5, 1, r"probs are of shape \(\) and type float64"),
        (np.zeros((1, 10)), np.zeros((0, 10)), r"probs hold 1 recordings and labels 0"),
        (np.zeros((0, 10)), np.zeros((0, 10)), r"probs hold 0 recordings and labels 0"),
        (
            np.zeros((1, 10)),
            np.array([["a"] * 10]),
            r"labels of a recording are of shape \(10,\) and type <U1",
        ),
        (np.zeros((1, 10)), np.zeros((1, 9)), r"probs are of shape \(10,\) and labels of \(9,\)"),
        (
            [np.zeros((2, 5))],
            [np.zeros((2, 5))],
            r"\(2, 5\) .* for windows of recordings give their",
        ),
        (np.zeros((1, 10)), np.full((1, 10), 0.5), r"labels hold 0\.5; only 0"),
        (np.full((1, 10), 3.0), np.zeros((1, 10)), r"range from 3 to 3; probabilities"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(probs, labels, message):
    with pytest.raises(ScoringError, match=message):
        measured(probs, labels)


@pytest.mark.parametrize(
    ("post_cfg", "message"),
    [
        ({"tau_onn": 0.5}, r"post_cfg: 'tau_onn' is not a known key\. Did you mean 'tau_on'"),
        (
            {"kernel_size": 5, "opening_kernel": 7},
            r"'opening_kernel' = 7 also sets opening_kernel, which is given as 5; give each",
        ),
        ({"kernel_size": 4}, r"post_cfg: .*kernel of 4 samples has no middle"),
        ({"tau_on": 0.5, "tau_off": 0.6}, r"post_cfg: .*tau_off is 0\.6 and tau_on 0\.5"),
    ],
)
def test_settings_that_do_not_fit_are_refused(post_cfg, message):
    with pytest.raises(ConfigError, match=message):
        measured(0.9 * LABELS, post_cfg=post_cfg)


def test_recordings_of_different_lengths_come_in_a_list():
    apart = [np.repeat([0.0, 1, 0], n) for n in (300, 500)]
    padded = [apart[0], np.pad(apart[1], (0, 900))]
    measured_apart = measured([0.95 * one for one in apart], apart)
    assert [measured_apart[key] for key in MEASURES] == [1.0] * 6
    assert measured([0.95 * one for one in padded], padded)["fa_curve"] != []


def windows_of(array: np.ndarray, length: int, stride: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(array, length)[::stride].copy()


@pytest.mark.parametrize("stride", [256, 512, 1024])
def test_windows_of_a_recording_are_joined_before_events_are_detected(stride):
    # labels   ....####........    one seizure, one false alarm, each seen in several windows
    # probs    ....####....##..
    labels = seizures((2000, 4000), n=8192)
    probs = 0.95 * labels
    probs[6000:7000] = 0.95
    from_windows = measured(
        windows_of(probs, 1024, stride), windows_of(labels, 1024, stride), stride=stride
    )
    assert from_windows == measured(probs[None], labels[None])


def test_a_list_of_windows_holds_one_item_per_recording():
    labels = [seizures((100, 900), n=2048), seizures((500, 700), n=1024)]
    windows = [windows_of(one, 512, 256) for one in labels]
    from_windows = measured([0.9 * one for one in windows], windows, stride=256)
    assert from_windows == measured([0.9 * one for one in labels], labels)


@pytest.mark.parametrize("stride", [0, 11])
def test_windows_with_gaps_are_refused(stride):
    with pytest.raises(ScoringError, match=rf"stride is {stride} and windows have 10 samples"):
        measured(np.zeros((2, 10)), np.zeros((2, 10)), stride=stride)


def test_windows_that_contradict_each_other_are_refused():
    labels = np.zeros((2, 10))
    labels[0, 7] = 1
    with pytest.raises(ScoringError, match="Labels of window 1 differ from those of its neighbour"):
        measured(np.zeros((2, 10)), labels, stride=5)


def test_thresholds_give_the_sensitivity_that_they_stand_for():
    rng = np.random.default_rng(4)
    labels = np.repeat(rng.random((3, 60)) < 0.2, 256, axis=1).astype(float)
    probs = np.clip(0.6 * labels + np.repeat(rng.random((3, 60)), 256, axis=1) * 0.4, 0, 1)
    result = measured(probs, labels, fa_rates=[2000], post_cfg={"tau_on": 0.86, "tau_off": 0.78})
    thresholds = result["thresholds"]["sensitivity_at_2000fa"]
    again = measured(probs, labels, fa_rates=[2000], post_cfg=thresholds)
    at = {tuple(point) for point in again["fa_curve"]}
    assert result["sensitivity_at_2000fa"] in {sensitivity for _, sensitivity in at}
    assert again["sensitivity_at_2000fa"] == result["sensitivity_at_2000fa"]
