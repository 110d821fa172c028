"""Random flips and rotations of training images.

Flip and rotation are drawn together as one projective transform per image, and applied by one operation: an image is
resampled once, and one that is only flipped keeps its exact pixels. What is drawn depends on the generator alone.
"""

import numpy as np
import numpy.typing as npt

from edgepress_common.spec.training import Augmentation
from edgepress_worker.keras_environment import tf


def changes_images(augmentation: Augmentation) -> bool:
    """Whether it does anything."""
    return augmentation != Augmentation()


def draw_transforms(
    augmentation: Augmentation, count: int, side: int, random: np.random.Generator
) -> npt.NDArray[np.float32]:
    """One transform for each of ``count`` images of ``side`` pixels.

    Returns:
        float32 ``(count, 8)``: a0 a1 a2 b0 b1 b2 c0 c1, where the pixel at (x, y) of the result is taken from
        (a0 x + a1 y + a2, b0 x + b1 y + b2) of the image; c0 and c1, the perspective, are 0.
    """
    flip_x = _signs(count, random) if augmentation.horizontal_flip else np.ones(count)
    flip_y = _signs(count, random) if augmentation.vertical_flip else np.ones(count)
    angle = np.deg2rad(random.uniform(-augmentation.rotation_degrees, augmentation.rotation_degrees, count))
    cos, sin = np.cos(angle), np.sin(angle)
    a0, a1, b0, b1 = cos * flip_x, -sin * flip_y, sin * flip_x, cos * flip_y
    centre = (side - 1) / 2  # stays where it is: hence the offsets
    a2 = centre - (a0 + a1) * centre
    b2 = centre - (b0 + b1) * centre
    nothing = np.zeros(count)
    return np.stack([a0, a1, a2, b0, b1, b2, nothing, nothing], axis=1).astype(np.float32)


def apply_transforms(images: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
    """The images, transformed: bilinear, and reflected at the edges, so that corners hold image rather than black.

    Args:
        images: float32 ``(batch, side, side, 3)``.
        transforms: float32 ``(batch, 8)``, see `draw_transforms`.
    """
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )


def _signs(count: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
    return np.where(random.random(count) < 0.5, -1.0, 1.0)  # noqa: PLR2004 - half of the time
