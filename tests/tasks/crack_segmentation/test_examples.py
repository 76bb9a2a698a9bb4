import numpy as np
import pytest

from neurorun.data import ExampleLoader, ImageDataConfig
from neurorun.tasks.crack_segmentation import AugmentationConfig
from neurorun.tasks.crack_segmentation.examples import CrackExamples

pytestmark = pytest.mark.unit


@pytest.fixture
def examples(corpus):
    def make(seed=1):
        names = [image.name for image in corpus.images[:3]]
        data = ImageDataConfig(crop_size=32, crops_per_image=2)
        return CrackExamples(corpus, names, data=data, augmentation=AugmentationConfig(), seed=seed)

    return make


def batches(examples, epoch, *, workers=0, first=0):
    loader = ExampleLoader(examples, batch_size=4, order=examples.order, num_workers=workers)
    return [
        (inputs.copy(), targets.copy())
        for inputs, targets in loader.batches(epoch, first_batch=first)
    ]


def test_every_epoch_sees_every_image_as_often_as_it_should_in_its_own_order(examples):
    made = examples()
    assert len(made) == 6
    for epoch in range(3):
        assert sorted(made.order(epoch).tolist()) == list(range(6 * epoch, 6 * epoch + 6))
    assert (made.order(0) % 6).tolist() != (made.order(1) % 6).tolist()


def test_what_a_square_holds_depends_on_seed_epoch_and_number_alone(examples):
    for workers in (0, 2):
        for ours, again in zip(
            batches(examples(), 1), batches(examples(), 1, workers=workers), strict=True
        ):
            np.testing.assert_array_equal(ours[0], again[0])
            np.testing.assert_array_equal(ours[1], again[1])


def test_an_epoch_that_is_entered_in_the_middle_goes_on_alike(examples):
    whole, rest = batches(examples(), 0), batches(examples(), 0, first=1)
    np.testing.assert_array_equal(whole[1][0], rest[0][0])


def test_other_epochs_and_seeds_give_other_squares(examples):
    first = batches(examples(), 0)[0][0]
    assert not np.array_equal(first, batches(examples(), 1)[0][0])
    assert not np.array_equal(first, batches(examples(seed=2), 0)[0][0])
