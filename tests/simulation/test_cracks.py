import numpy as np
import pytest

from neurorun.core import DataError, read_json
from neurorun.simulation import CrackPlan, simulate_crack, simulate_cracks

pytestmark = pytest.mark.unit

PLAN = CrackPlan(n_images=4, height=40, width=56)


def test_a_picture_is_a_function_of_seed_and_number():
    for one, other in zip(simulate_crack(PLAN, 3), simulate_crack(PLAN, 3), strict=True):
        np.testing.assert_array_equal(one, other)
    longer = PLAN.model_copy(update={"n_images": 9})
    np.testing.assert_array_equal(simulate_crack(PLAN, 2)[0], simulate_crack(longer, 2)[0])
    other_seed = PLAN.model_copy(update={"seed": 1})
    assert not np.array_equal(simulate_crack(PLAN, 3)[0], simulate_crack(other_seed, 3)[0])


def test_every_other_picture_lies_on_its_side():
    assert [simulate_crack(PLAN, i)[1].shape for i in range(3)] == [(40, 56), (56, 40), (40, 56)]


def test_cracks_are_thin_and_darker_than_what_surrounds_them():
    plan = CrackPlan(without_cracks=0)
    for number in range(8):
        image, mask = simulate_crack(plan, number)
        assert 0 < mask.mean() < 0.2
        assert image[mask].mean() < image[~mask].mean() - 15


def test_so_many_pictures_hold_nothing_to_find():
    plan = CrackPlan(height=32, width=32, without_cracks=0.5)
    empty = sum(not simulate_crack(plan, number)[1].any() for number in range(60))
    assert 15 <= empty <= 45


def test_the_folder_holds_pairs_and_the_plan(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    simulate_cracks(tmp_path / "new", PLAN)
    assert sorted(p.name for p in (tmp_path / "new/images").iterdir()) == [
        f"{number:04}.png" for number in range(4)
    ]
    image, mask = simulate_crack(PLAN, 1)
    np.testing.assert_array_equal(pillow.open(tmp_path / "new/images/0001.png"), image)
    np.testing.assert_array_equal(pillow.open(tmp_path / "new/masks/0001.png"), mask * 255)
    assert read_json(tmp_path / "new/cracks.json")["plan"] == PLAN.model_dump(mode="json")


def test_a_folder_that_is_there_is_never_written_into(tmp_path):
    with pytest.raises(DataError, match="is there already; delete it, or choose another"):
        simulate_cracks(tmp_path, PLAN)
