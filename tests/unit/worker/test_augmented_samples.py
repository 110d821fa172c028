"""Images as a training saw them: the pixels of its own batches."""

import numpy as np
import pytest

from edgepress_common.spec.training import Augmentation, Training
from edgepress_worker.pack import LabelledImages
from edgepress_worker.training.augmented_samples import augmented_images
from edgepress_worker.training.batches import batch_rows, training_batches

EVERYTHING = Augmentation(
    horizontal_flip=True, rotation_degrees=30, brightness=0.3, saturation=0.5, mixup=0.4, cutmix=1
)


@pytest.fixture(scope="module")
def images() -> LabelledImages:
    """Forty images of noise, each with its own number in the upper left corner."""
    pixels = np.random.default_rng(7).integers(0, 256, (40, 16, 16, 3), np.uint8)
    pixels[:, 0, 0, 0] = np.arange(40)
    return LabelledImages(pixels, np.arange(40, dtype=np.int64) % 3)


def test_samples_are_the_pixels_that_training_saw(images: LabelledImages) -> None:
    """Found in the batches of each epoch as training reads them, one after another."""
    settings = Training(batch_size=7, seed=5, augmentation=EVERYTHING)
    found = augmented_images(images, 3, settings, [0, 11], 3).reshape(2, 3, 16, 16, 3)
    for epoch in range(3):
        for rows, (pixels, *_) in zip(
            batch_rows(40, settings, epoch), training_batches(images, 3, settings, epoch), strict=True
        ):
            for place, row in enumerate((0, 11)):
                if row in rows:
                    seen = np.rint(pixels.numpy()[rows.tolist().index(row)])
                    np.testing.assert_array_equal(found[place, epoch], seen)


def test_samples_differ_by_epoch_and_seed(images: LabelledImages) -> None:
    """Augmentation does so; a flipped image has its exact pixels."""
    flips = Training(batch_size=7, seed=1, augmentation=Augmentation(horizontal_flip=True))
    found = augmented_images(images, 3, flips, [4], 4)
    mirrored = [bool((each == images.images[4][:, ::-1]).all()) for each in found]
    kept = [bool((each == images.images[4]).all()) for each in found]
    assert [a != b for a, b in zip(mirrored, kept, strict=True)] == [True] * 4
    assert any(mirrored)
    other = augmented_images(images, 3, flips.model_copy(update={"augmentation": EVERYTHING}), [4], 2)
    again = augmented_images(images, 3, flips.model_copy(update={"augmentation": EVERYTHING, "seed": 2}), [4], 2)
    assert not (other[0] == other[1]).all()
    assert not (other == again).all()
