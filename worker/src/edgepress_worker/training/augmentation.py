"""Random flips and rotations of training images.

1. The changes of each image are drawn as data: whether it is flipped, and the angle of its rotation. They depend only
   on the random generator.
2. Flip and rotation are combined to one projective transform per image, applied by one operation: an image is resampled
   once, and an image that is only flipped keeps its exact pixels.

An image that is flipped but not rotated is one of two or four mirror images. They are numbered, so that data about each
of them can be looked up.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgepress_common.spec.training import Augmentation
from edgepress_worker.keras_environment import tf


@dataclass(frozen=True)
class Changes:
    """The changes of a number of images, in three arrays of equal length.

    Attributes:
        flip_x: Whether the image is mirrored left to right, bool ``(count,)``.
        flip_y: Whether the image is mirrored top to bottom, bool ``(count,)``.
        angle: Angle of rotation in radians ``(count,)``.
    """

    flip_x: npt.NDArray[np.bool_]
    flip_y: npt.NDArray[np.bool_]
    angle: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.angle)

    def transforms(self, side: int) -> npt.NDArray[np.float32]:
        """Return the changes as transforms of images with ``side`` pixels.

        Returns:
            float32 ``(count, 8)``: a0 a1 a2 b0 b1 b2 c0 c1, where the pixel at (x, y) of the result is that at
            (a0 x + a1 y + a2, b0 x + b1 y + b2) of the image; c0 and c1, the perspective, are 0.
        """
        flip_x, flip_y = _signs(self.flip_x), _signs(self.flip_y)
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        a0, a1, b0, b1 = cos * flip_x, -sin * flip_y, sin * flip_x, cos * flip_y
        centre = (side - 1) / 2  # does not move, hence the offsets
        a2 = centre - (a0 + a1) * centre
        b2 = centre - (b0 + b1) * centre
        nothing = np.zeros(len(self))
        return np.stack([a0, a1, a2, b0, b1, b2, nothing, nothing], axis=1).astype(np.float32)


def moves_pixels(augmentation: Augmentation) -> bool:
    """Return whether the augmentation flips or rotates images."""
    return augmentation.horizontal_flip or augmentation.vertical_flip or augmentation.rotation_degrees > 0


def has_few_images(augmentation: Augmentation) -> bool:
    """Return whether an augmented image is always one of its `mirror_images`."""
    flips = {"horizontal_flip", "vertical_flip"}
    return augmentation.model_dump(exclude=flips) == Augmentation().model_dump(exclude=flips)


def draw_changes(augmentation: Augmentation, count: int, random: np.random.Generator) -> Changes:
    """Draw the changes of ``count`` images."""
    flip_x = _half_of_them(count, random) if augmentation.horizontal_flip else np.zeros(count, np.bool_)
    flip_y = _half_of_them(count, random) if augmentation.vertical_flip else np.zeros(count, np.bool_)
    angle = np.deg2rad(random.uniform(-augmentation.rotation_degrees, augmentation.rotation_degrees, count))
    return Changes(flip_x, flip_y, angle)


def mirror_images(augmentation: Augmentation) -> Changes:
    """Return the mirror images that an augmentation can create, in the order of their numbers: 1, 2 or 4."""
    choices = itertools.product(
        (False, True) if augmentation.vertical_flip else (False,),
        (False, True) if augmentation.horizontal_flip else (False,),
    )
    flip_y, flip_x = np.array(list(choices)).T
    return Changes(flip_x, flip_y, np.zeros(len(flip_x)))


def mirror_numbers(augmentation: Augmentation, changes: Changes) -> npt.NDArray[np.int64]:
    """Return the number in `mirror_images` of each changed image, ignoring rotation: int64 ``(count,)``."""
    return changes.flip_x + changes.flip_y * (2 if augmentation.horizontal_flip else 1)


def apply_transforms(images: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
    """Return the transformed images: bilinear, and reflected at the edges, so that corners are not black.

    Args:
        images: float32 ``(batch, side, side, 3)``.
        transforms: float32 ``(batch, 8)``, or ``(1, 8)`` for the same transform; see `Changes.transforms`.
    """
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )


def _half_of_them(count: int, random: np.random.Generator) -> npt.NDArray[np.bool_]:
    return random.random(count) < 0.5  # noqa: PLR2004 - probability


def _signs(flipped: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    return np.where(flipped, -1.0, 1.0)
