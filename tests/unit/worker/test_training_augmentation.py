"""Random flips and rotations."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgepress_common.spec.training import Augmentation
from edgepress_worker.training.augmentation import (
    apply_transforms,
    draw_changes,
    has_few_images,
    mirror_images,
    mirror_numbers,
    moves_pixels,
)

Pixels = npt.NDArray[np.float32]

EVERY_FLIP = Augmentation(horizontal_flip=True, vertical_flip=True)


def _images(count: int, side: int) -> Pixels:
    return np.random.default_rng(5).integers(0, 256, (count, side, side, 3)).astype(np.float32)


def _augmented(images: Pixels, augmentation: Augmentation, seed: int = 0) -> Pixels:
    count, side = images.shape[:2]
    return np.asarray(apply_transforms(images, _transforms(augmentation, count, side, seed)))


def _transforms(augmentation: Augmentation, count: int, side: int, seed: int = 0) -> Pixels:
    return draw_changes(augmentation, count, np.random.default_rng(seed)).transforms(side)


@pytest.mark.parametrize("side", [7, 8])
@pytest.mark.parametrize(
    ("augmentation", "choices"),
    [
        (Augmentation(), [np.asarray]),
        (Augmentation(horizontal_flip=True), [np.asarray, np.fliplr]),
        (Augmentation(vertical_flip=True), [np.asarray, np.flipud]),
        (
            Augmentation(horizontal_flip=True, vertical_flip=True),
            [np.asarray, np.fliplr, np.flipud, lambda image: np.rot90(image, 2)],
        ),
    ],
)
def test_flips_keep_exact_pixels(augmentation: Augmentation, choices: list[object], side: int) -> None:
    """Each image becomes one of the requested flips, pixel for pixel, and each of them occurs."""
    images = _images(64, side)
    found = set()
    for image, result in zip(images, _augmented(images, augmentation), strict=True):
        matches = [i for i, flip in enumerate(choices) if np.array_equal(flip(image), result)]  # type: ignore[operator]
        assert len(matches) == 1
        found.update(matches)
    assert found == set(range(len(choices)))


@pytest.mark.parametrize("side", [8, 9])
def test_a_quarter_turn_turns_by_a_quarter(side: int) -> None:
    """Rotation is about the middle of the image, whether that is a pixel or between pixels."""
    images = _images(1, side)
    quarter = np.array([[0, -1, side - 1, 1, 0, 0, 0, 0]], np.float32)
    np.testing.assert_array_equal(apply_transforms(images, quarter)[0], np.rot90(images[0]))
    angles = _transforms(Augmentation(rotation_degrees=180), 2000, side)
    nearest = angles[np.argmin(np.abs(angles[:, 0]) + np.abs(angles[:, 3] - 1))]
    np.testing.assert_allclose(nearest, quarter[0], atol=0.02 * side)


def test_rotation_keeps_within_its_limit_and_reaches_it() -> None:
    """Angles are spread over plus and minus the limit."""
    transforms = _transforms(Augmentation(rotation_degrees=30), 2000, 32)
    angles = np.rad2deg(np.arctan2(transforms[:, 3], transforms[:, 0]))
    assert angles.min() == pytest.approx(-30, abs=0.2)
    assert angles.max() == pytest.approx(30, abs=0.2)
    assert abs(angles.mean()) < 1


def test_rotation_brings_no_black_corners() -> None:
    """The image is reflected at its edges."""
    bright = np.full((50, 16, 16, 3), 200, np.float32)
    np.testing.assert_allclose(_augmented(bright, Augmentation(rotation_degrees=180)), 200, rtol=1e-5)


def test_the_generator_decides() -> None:
    """The same seed draws the same, another one something else."""
    images, augmentation = _images(8, 16), Augmentation(horizontal_flip=True, rotation_degrees=90)
    np.testing.assert_array_equal(_augmented(images, augmentation, 1), _augmented(images, augmentation, 1))
    assert not np.array_equal(_augmented(images, augmentation, 1), _augmented(images, augmentation, 2))


def test_what_is_drawn_stays_what_it_was() -> None:
    """Flips left to right first, then top to bottom, then angles: trainings of years ago can be repeated."""
    random = np.random.default_rng(3)
    flip_x, flip_y, angle = random.random(50) < 0.5, random.random(50) < 0.5, random.uniform(-30, 30, 50)
    augmentation = EVERY_FLIP.model_copy(update={"rotation_degrees": 30})
    changes = draw_changes(augmentation, 50, np.random.default_rng(3))
    np.testing.assert_array_equal(changes.flip_x, flip_x)
    np.testing.assert_array_equal(changes.flip_y, flip_y)
    np.testing.assert_array_equal(changes.angle, np.deg2rad(angle))


@pytest.mark.parametrize(
    "augmentation",
    [Augmentation(), Augmentation(horizontal_flip=True), Augmentation(vertical_flip=True), EVERY_FLIP],
)
def test_every_flipped_image_is_the_mirror_image_of_its_number(augmentation: Augmentation) -> None:
    """The drawn image equals, pixel for pixel, the mirror image of that number."""
    images = _images(64, 8)
    changes = draw_changes(augmentation, 64, np.random.default_rng(0))
    numbers = mirror_numbers(augmentation, changes)
    mirrors = [apply_transforms(images, one) for one in mirror_images(augmentation).transforms(8)[:, None]]
    np.testing.assert_array_equal(
        apply_transforms(images, changes.transforms(8)), np.stack(mirrors)[numbers, np.arange(64)]
    )
    assert set(numbers) == set(range(len(mirrors)))
    np.testing.assert_array_equal(mirrors[0], images)


@pytest.mark.parametrize(
    ("augmentation", "moves", "few"),
    [
        ({}, False, True),
        ({"vertical_flip": True}, True, True),
        ({"horizontal_flip": True, "rotation_degrees": 1}, True, False),
        ({"contrast": 0.1}, False, False),
        ({"mixup": 0.2}, False, False),
        ({"cutmix": 1, "vertical_flip": True}, True, False),
    ],
)
def test_what_an_augmentation_does_to_an_image(augmentation: dict[str, Any], moves: bool, few: bool) -> None:
    """Pixels are resampled only if they move; only flips leave few images, whose predictions can be cached."""
    asked = Augmentation.model_validate(augmentation)
    assert (moves_pixels(asked), has_few_images(asked)) == (moves, few)
