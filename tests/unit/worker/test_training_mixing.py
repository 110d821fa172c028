"""Images mixed with others of their batch."""

import numpy as np
import pytest

from edgepress_common.spec.training import Augmentation, Training
from edgepress_worker.pack import LabelledImages
from edgepress_worker.training.batches import training_batches
from edgepress_worker.training.mixing import Mixing
from fakes.tiny_images import CLASSES, tiny_images

COUNT, SIDE = 64, 9
RANDOM = np.random.default_rng(3)
IMAGES = RANDOM.uniform(1, 255, (COUNT, SIDE, SIDE, 3)).astype(np.float32)
LABELS = np.eye(4, dtype=np.float32)[np.arange(COUNT) % 4]
WEIGHTS = RANDOM.uniform(0.5, 2, COUNT).astype(np.float32)


def _mixed(**asked: float) -> tuple[list[np.ndarray], list[np.ndarray]]:
    mixing = Mixing(Augmentation.model_validate(asked), SIDE)
    drawn = mixing.draw(COUNT, np.random.default_rng(8))
    return [np.asarray(each) for each in drawn], [
        np.asarray(each) for each in mixing.apply(IMAGES, LABELS, WEIGHTS, *drawn)
    ]


def test_mixup_is_the_formula() -> None:
    """Pixels, labels and weights are blended with those of the partner, by one share for each image."""
    (partners, shares, boxes), (pixels, labels, weights) = _mixed(mixup=1)
    assert sorted(partners) == list(range(COUNT))
    assert (boxes[:, 0] == boxes[:, 1]).all()
    assert np.mean(shares) == pytest.approx(0.5, abs=0.1)
    for found, before in ((pixels, IMAGES), (labels, LABELS), (weights, WEIGHTS)):
        for number, (partner, share) in enumerate(zip(partners, shares, strict=True)):
            expected = share * before[number] + (1 - share) * before[partner]
            np.testing.assert_allclose(found[number], expected, rtol=1e-4)


def test_cutmix_replaces_a_rectangle() -> None:
    """Each pixel is the image's or its partner's, in a rectangle; labels have the share of pixels that are left."""
    (partners, shares, boxes), (pixels, labels, _) = _mixed(cutmix=1)
    areas = []
    for number, (partner, share, (top, bottom, left, right)) in enumerate(zip(partners, shares, boxes, strict=True)):
        expected = IMAGES[number].copy()
        expected[top:bottom, left:right] = IMAGES[partner][top:bottom, left:right]
        np.testing.assert_array_equal(pixels[number], expected)
        areas.append((bottom - top) * (right - left) / SIDE**2)
        assert share == pytest.approx(1 - areas[-1])
        np.testing.assert_allclose(labels[number], share * LABELS[number] + (1 - share) * LABELS[partner], atol=1e-6)
    assert 0.2 < np.mean(areas) < 0.6
    assert max(areas) > 0.5


def test_both_are_mixed_by_one_of_them() -> None:
    """About half of the images each."""
    (_, _, boxes), (pixels, _, _) = _mixed(mixup=1, cutmix=1)
    cut = boxes[:, 1] > boxes[:, 0]
    assert 0.2 < np.mean(cut) < 0.7
    assert np.isfinite(pixels).all()


def test_an_epoch_is_mixed_the_same_each_time() -> None:
    """It depends on the seed and the epoch alone, and the flips are those without mixing."""
    images = LabelledImages(*tiny_images(20))
    settings = Training.model_validate({"batch_size": 8, "augmentation": {"mixup": 0.4, "brightness": 0.1}})
    first, again, other = (
        list(training_batches(images, len(CLASSES), settings, epoch).as_numpy_iterator()) for epoch in (0, 0, 1)
    )
    for batch, same in zip(first, again, strict=True):
        for part, same_part in zip(batch, same, strict=True):
            np.testing.assert_array_equal(part, same_part)
        np.testing.assert_allclose(batch[1].sum(axis=1), 1, rtol=1e-5)
    assert not np.array_equal(first[0][0], other[0][0])
