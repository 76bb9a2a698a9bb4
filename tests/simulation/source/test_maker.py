"""Examples: the published procedure, its oracle, and the traps of real tables."""

from dataclasses import replace

import numpy as np
import pytest

from neurorun.simulation import load_mat, read_plan
from neurorun.simulation.source.maker import ExampleMaker, Forward, Recipe
from neurorun.simulation.source.noise import load_recorded_noise, noise_power
from neurorun.simulation.source.recipe import finished_eeg, region_activity, target_of

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def forward(store, leadfield):
    return Forward(leadfield, store.clips, store.background(leadfield))


def places_of(plan, store):
    pairs = zip(plan.centres.reshape(-1).tolist(), plan.clips.reshape(-1).tolist(), strict=True)
    return np.array([store.place(pair) for pair in pairs]).reshape(plan.centres.shape)


def maker_of(plan, store, forward, **recipe):
    rows = np.arange(len(plan))
    recipe = Recipe(seed=recipe.pop("seed", 1), **recipe)
    return ExampleMaker(plan, rows, places_of(plan, store), forward=forward, recipe=recipe)


def made(maker, row, epoch=0, *, options=None, noise=None):
    eeg = np.empty((1, maker.n_channels, maker.n_samples), np.float32)
    options = None if options is None else np.array([options])
    known = next(maker.make(np.array([row]), epoch, eeg, options=options, noise=noise))
    target = np.zeros((maker.n_regions, maker.n_samples), np.float32)
    target[known.regions] = known.values
    return eeg[0], target


@pytest.mark.parametrize("split", ["train", "test"])
def test_examples_equal_those_of_the_published_loader(shared, project, store, forward, split):
    plan = read_plan(project / f"source/{split}_sample_source1.mat", n_regions=994)
    maker = maker_of(plan, store, forward)
    expected = np.load(shared / f"expected/{split}_samples.npz")
    assert len(expected["index"]) >= 4
    for number, row in enumerate(expected["index"].tolist()):
        options = expected["scale_option"][number].tolist()
        eeg, target = made(maker, row, options=options, noise="none")
        np.testing.assert_allclose(eeg.T, expected["eeg_final_no_noise"][number], atol=1e-6)
        np.testing.assert_allclose(target.T, expected["source"][number], atol=1e-6)


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_reference_in_double_precision_equals_them_to_the_rounding_of_the_file(
    shared, project, store, leadfield, split
):
    """What was expected is stored in float32: rounded by up to 2**-25 below 1."""
    plan = read_plan(project / f"source/{split}_sample_source1.mat", n_regions=994)
    expected = np.load(shared / f"expected/{split}_samples.npz")
    for number, row in enumerate(expected["index"].tolist()):
        keys = zip(plan.centres[row].tolist(), plan.clips[row].tolist(), strict=True)
        clips = [store.clip(key) for key in keys]
        options = expected["scale_option"][number].tolist()
        activity, patch = region_activity(plan, row, clips, options)
        clean = leadfield @ activity
        np.testing.assert_allclose(clean, expected["eeg_clean"][number], rtol=1.001 * 2**-24)
        for found, stored in (
            (finished_eeg(clean), expected["eeg_final_no_noise"][number]),
            (target_of(activity, patch), expected["source"][number]),
        ):
            np.testing.assert_allclose(found.T, stored, rtol=0, atol=1.001 * 2**-25)


def test_noise_of_deepsif_has_the_power_that_its_loader_adds(shared, project):
    expected = np.load(shared / "expected/train_samples.npz")
    for number, noise in enumerate(expected["noise"]):
        clean, level = expected["eeg_clean"][number], float(expected["snr_db"][number])
        power = noise_power(clean[None], np.array([level]), "deepsif")
        np.testing.assert_allclose(np.mean(noise**2, axis=1).mean(), power.mean(), rtol=0.05)


@pytest.mark.parametrize(
    ("model", "offset_db"), [("global", 0.0), ("deepsif", 3.0103), ("realistic", 0.0)]
)
def test_the_ratio_before_means_are_removed_is_the_documented_one(
    project, store, forward, model, offset_db
):
    plan = read_plan(project / "source/test_sample_source1.mat", n_regions=994)
    recorded = load_recorded_noise(
        project / "anatomy/realistic_noise.mat", n_channels=75, n_samples=500
    )
    maker = maker_of(plan, store, forward, recorded=recorded)
    draws = maker.draws(np.arange(40), 0)
    assert set(draws.pieces.tolist()) == {0, 1, 2, 3}
    ratios = []
    for row in range(40):
        clean = forward.background[maker.places[row]].sum(axis=0)
        power = noise_power(clean[None], plan.snr_db[row : row + 1], model)
        noise = maker._noise(draws[row : row + 1], model)[0] * np.sqrt(power[0])[:, None]
        per_channel = np.mean(clean**2, axis=1) / np.mean(noise**2, axis=1)
        pooled = np.mean(clean**2) / np.mean(noise**2)
        ratio = pooled if model == "global" else float(np.median(per_channel))
        ratios.append(10 * np.log10(ratio) - plan.snr_db[row])
    assert np.mean(ratios) == pytest.approx(offset_db, abs=0.1)


@pytest.mark.parametrize("noise", ["global", "deepsif", "realistic"])
def test_an_example_depends_on_seed_epoch_and_row_alone(project, store, forward, noise):
    plan = read_plan(project / "source/test_sample_source1.mat", n_regions=994)
    recorded = np.ones((2, 75, 500), np.float32)
    maker = maker_of(plan, store, forward, noise=noise, recorded=recorded)
    some = np.array([40, 3])
    subset = ExampleMaker(
        plan.rows(some), some, maker.places[some], forward=forward, recipe=maker.recipe
    )
    np.testing.assert_array_equal(made(maker, 3, 5)[0], made(subset, 1, 5)[0])
    assert np.any(made(maker, 3, 5)[0] != made(maker, 3, 6)[0])
    other = maker_of(plan, store, forward, noise=noise, recorded=recorded, seed=2)
    assert np.any(made(maker, 3, 5)[0] != made(other, 3, 5)[0])


def test_every_amplitude_is_drawn(project, store, forward):
    plan = read_plan(project / "source/train_sample_source1.mat", n_regions=994)
    options = maker_of(plan, store, forward).draws(np.arange(264), epoch=1).options
    assert (np.bincount(options.reshape(-1), minlength=6) > 50).all()


@pytest.fixture(scope="module")
def small(small_world, tmp_path_factory):
    from neurorun.simulation import build_store, find_clips, load_leadfield

    folder = tmp_path_factory.mktemp("small_store")
    store = build_store(folder, find_clips(small_world / "source/nmm_spikes"), n_regions=30)
    leadfield = load_leadfield(small_world / "anatomy/leadfield.mat")
    return store, Forward(leadfield, store.clips, store.background(leadfield))


def check_against_reference(plan, store, forward, row=0, options=(0, 1)):
    maker = maker_of(plan, store, forward, noise="none")
    clips = [
        store.clip((int(c), int(n))) if c >= 0 else None
        for c, n in zip(plan.centres[row], plan.clips[row], strict=True)
    ]
    eeg, target = made(maker, row, options=options)
    activity, patch = region_activity(plan, row, clips, options)
    expected = finished_eeg(forward.leadfield @ activity)
    np.testing.assert_allclose(eeg, expected, atol=3e-6)
    np.testing.assert_allclose(target, target_of(activity, patch), atol=1e-6)
    return eeg, target


def test_patches_may_overlap(small, small_plan):
    plan = small_plan()
    plan.regions[0, 1, 1] = plan.regions[0, 0, 1]
    _, target = check_against_reference(plan, *small)
    assert len(np.flatnonzero(target.any(axis=1))) == 5


def test_centres_may_be_equal(small, small_plan):
    plan = small_plan()
    for column in (plan.regions, plan.centres, plan.clips):
        column[0, 1] = column[0, 0]
    check_against_reference(plan, *small)


def test_the_centre_may_be_missing_from_its_patch(small, small_plan):
    plan = small_plan()
    plan.regions[0, 0, 0] = 25
    _, target = check_against_reference(plan, *small)
    assert not target[plan.centres[0, 0]].any()


def test_there_may_be_one_source(small, small_plan):
    check_against_reference(small_plan(n_sources=1), *small, options=(1,))


def test_the_second_source_may_be_all_padding(small, small_plan):
    plan = small_plan()
    plan.regions[0, 1], plan.centres[0, 1], plan.clips[0, 1] = -1, -1, -1
    _, target = check_against_reference(plan, *small)
    assert len(np.flatnonzero(target.any(axis=1))) == 3


def test_an_example_without_any_clip_is_silent_and_finite(small, small_plan):
    plan = small_plan()
    maker = maker_of(plan, *small)
    maker.places[0] = -1
    eeg, target = made(maker, 0)
    assert not eeg.any()
    assert not target.any()


def test_without_normalizing_means_are_removed_all_the_same(small, small_plan):
    store, forward = small
    maker = maker_of(small_plan(), store, forward, normalize=False, noise="none")
    eeg, target = made(maker, 0)
    scaled, _ = made(replace_recipe(maker, normalize=True), 0)
    np.testing.assert_allclose(eeg.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(eeg / np.abs(eeg).max(), scaled, atol=1e-6)
    assert target.max() == pytest.approx(
        small_plan().scales[0].max() if maker.draws(np.array([0]), 0).options.max() else 5.0,
        rel=0.5,
    )


def replace_recipe(maker, **changes):
    return ExampleMaker(
        maker.plan,
        maker.row_ids,
        maker.places,
        forward=maker.forward,
        recipe=replace(maker.recipe, **changes),
    )


def test_nothing_is_written_into_the_store(small, small_plan):
    store, forward = small
    maker = maker_of(small_plan(), store, forward)
    for row in range(16):
        made(maker, row)
    assert store.damaged() == ()


def test_recorded_noise_of_another_shape_is_refused(project):
    from neurorun.core import FormatError

    path = project / "anatomy/realistic_noise.mat"
    with pytest.raises(FormatError, match="pieces x 500 samples x 32 channels are needed"):
        load_recorded_noise(path, n_channels=32, n_samples=500)
    assert load_mat(path)["data"].shape == (4, 500, 75)
