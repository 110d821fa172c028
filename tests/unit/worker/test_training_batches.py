"""The input pipeline."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest

from edgepress_common.spec.training import Augmentation, Training
from edgepress_worker.pack import LabelledImages
from edgepress_worker.training.batches import class_weights, steps_per_epoch, training_batches, validation_batches
from fakes.tiny_images import CLASSES, tiny_images

COUNT = 50
Batch = tuple[npt.NDArray[np.float32], ...]


def _images() -> LabelledImages:
    return LabelledImages(*tiny_images(COUNT))


def _epoch(settings: Training, epoch: int, images: LabelledImages | None = None) -> list[Batch]:
    return list(training_batches(images or _images(), len(CLASSES), settings, epoch).as_numpy_iterator())


def _fingerprints(batches: list[Batch]) -> list[bytes]:
    return [image.tobytes() for batch in batches for image in batch[0]]


@dataclass
class RecordingArray:
    """An array that notes how many rows are taken of it at once."""

    content: npt.NDArray[np.uint8]
    taken: list[int] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.content.shape

    def __getitem__(self, key: slice | npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        rows = self.content[key]
        self.taken.append(len(rows))
        return rows


def test_an_epoch_has_every_image_once() -> None:
    """Pixels are the stored ones, as floats from 0 to 255; each comes with its own label."""
    images = _images()
    stored = zip(images.images.astype(np.float32), images.labels, strict=True)
    expected = {image.tobytes(): label for image, label in stored}
    batches = _epoch(Training(batch_size=16), 0)
    found = {image.tobytes(): one_hot.argmax() for batch in batches for image, one_hot in zip(*batch[:2], strict=True)}
    assert found == expected
    assert len(_fingerprints(batches)) == COUNT
    assert all(part.dtype == np.float32 for part in batches[0])


@pytest.mark.parametrize(("batch_size", "sizes"), [(16, [13, 13, 12, 12]), (49, [25, 25]), (50, [50]), (200, [50])])
def test_batches_are_of_nearly_equal_size(batch_size: int, sizes: list[int]) -> None:
    """No batch has only a few images, and none is larger than requested."""
    assert [len(batch[0]) for batch in _epoch(Training(batch_size=batch_size), 0)] == sizes
    assert steps_per_epoch(COUNT, batch_size) == len(sizes)


def test_order_follows_from_seed_and_epoch() -> None:
    """An epoch is the same whenever it is asked for; another epoch, or seed, has another order."""
    order = _fingerprints(_epoch(Training(batch_size=COUNT), 3))
    assert _fingerprints(_epoch(Training(batch_size=COUNT), 3)) == order

    def firsts(settings: Training, epoch: int) -> set[bytes]:
        return set(_fingerprints(_epoch(settings, epoch)[:1]))

    settings = Training(batch_size=10)
    assert firsts(settings, 3) == firsts(settings, 3)
    assert firsts(settings, 3) != firsts(settings, 4)
    assert firsts(settings, 3) != firsts(settings.model_copy(update={"seed": 1}), 3)


def test_augmentation_is_drawn_again_each_epoch_and_alike_each_time() -> None:
    """The same epoch is augmented alike in another attempt; the next epoch is not."""
    settings = Training(batch_size=25, augmentation=Augmentation(horizontal_flip=True, rotation_degrees=180))
    first, again, other = (_fingerprints(_epoch(settings, epoch)) for epoch in (0, 0, 1))
    assert first == again
    assert not set(first) & set(other)


def test_nothing_is_loaded_whole() -> None:
    """At most one batch of images is read from the map at a time."""
    images = _images()
    recording = RecordingArray(images.images)
    part = LabelledImages(recording, images.labels)  # type: ignore[arg-type]
    _epoch(Training(batch_size=8), 0, part)
    list(validation_batches(part, len(CLASSES), 8))
    assert sum(recording.taken) == 2 * COUNT
    assert max(recording.taken) <= 8


def test_validation_keeps_the_order() -> None:
    """Validation reads the images in their order, the last batch included."""
    images = _images()
    batches = list(validation_batches(images, len(CLASSES), 16).as_numpy_iterator())
    np.testing.assert_array_equal(np.concatenate([batch[0] for batch in batches]), images.images)
    np.testing.assert_array_equal(np.concatenate([batch[1] for batch in batches]).argmax(axis=1), images.labels)


def test_balanced_classes_weigh_the_same() -> None:
    """Each class has the same sum of weights, for any number of images, and images weigh 1 on average."""
    labels = np.array([0] * 6 + [1] * 3 + [2] * 1)
    weights = class_weights(labels, 3, "balanced")
    np.testing.assert_allclose(np.bincount(labels, weights[labels]), 10 / 3, rtol=1e-6)
    assert weights[labels].mean() == pytest.approx(1)
    np.testing.assert_array_equal(class_weights(labels, 3, "none"), 1)


def test_weights_travel_with_the_images() -> None:
    """Each image of a batch has the weight of its class."""
    pixels, _ = tiny_images(COUNT)
    labels = np.array([0] * 40 + [1] * 5 + [2] * 3 + [3] * 2)
    settings = Training(batch_size=16, class_weights="balanced")
    expected = class_weights(labels, len(CLASSES), "balanced")
    for _, one_hot, weights in _epoch(settings, 0, LabelledImages(pixels, labels)):
        np.testing.assert_array_equal(weights, expected[one_hot.argmax(axis=1)])


@pytest.mark.parametrize(
    "augmentation",
    [Augmentation(), Augmentation(vertical_flip=True), Augmentation(horizontal_flip=True, vertical_flip=True)],
)
def test_data_of_an_image_stays_with_it(augmentation: Augmentation) -> None:
    """For each image, as it was flipped, the batch has the data of exactly that mirror image."""
    images, settings = _images(), Training(batch_size=16, augmentation=augmentation)
    mirrored = [images.images]
    if augmentation.horizontal_flip:
        mirrored += [pixels[:, :, ::-1] for pixels in mirrored]
    if augmentation.vertical_flip:
        mirrored += [pixels[:, ::-1] for pixels in mirrored]
    known = np.stack([_corners(pixels) for pixels in mirrored])
    batches = list(training_batches(images, len(CLASSES), settings, 0, known=known).as_numpy_iterator())
    for pixels, _, _, looked_up in batches:
        np.testing.assert_array_equal(looked_up, _corners(pixels))
    assert sum(len(batch[3]) for batch in batches) == COUNT


def test_what_is_known_changes_nothing_else() -> None:
    """The same images in the same order, with or without."""
    settings = Training(batch_size=16, augmentation=Augmentation(horizontal_flip=True))
    known = np.zeros((2, COUNT, 3), np.float32)
    with_known = list(training_batches(_images(), len(CLASSES), settings, 0, known=known).as_numpy_iterator())
    for batch, plain in zip(with_known, _epoch(settings, 0), strict=True):
        assert len(plain) == 3
        for part, plain_part in zip(batch[:3], plain, strict=True):
            np.testing.assert_array_equal(part, plain_part)


def _corners(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """The first pixel of each image and the last of its first line, ``(images, 6)``: no mirror image has the same."""
    return np.concatenate([pixels[:, 0, 0], pixels[:, 0, -1]], axis=1).astype(np.float32)
