"""Random changes of brightness, contrast and saturation.

With a factor f, drawn from 1 - s to 1 + s for each image, a pixel p becomes f p + (1 - f) q, limited to 0 to 255. In
this order, q is 0 for the brightness, the image's mean grey for the contrast, and the pixel's grey for the saturation.
Grey is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601). These are the changes of torchvision's ``ColorJitter``.
"""

import numpy as np
import numpy.typing as npt

from edgepress_common.spec.training import Augmentation
from edgepress_worker.keras_environment import tf

_GREY = (0.299, 0.587, 0.114)


class ColourChanges:
    """Changes the colours of a batch; see `batches.BatchChange`.

    Args:
        augmentation: Its strengths, 0 to 1.
    """

    signature = (tf.TensorSpec((None, 3), tf.float32),)

    def __init__(self, augmentation: Augmentation) -> None:
        self._strengths = np.array([augmentation.brightness, augmentation.contrast, augmentation.saturation])

    def draw(self, count: int, random: np.random.Generator) -> tuple[npt.NDArray[np.float32], ...]:
        """Return the factors of brightness, contrast and saturation, float32 ``(count, 3)``."""
        return ((1 + random.uniform(-1, 1, (count, 3)) * self._strengths).astype(np.float32),)

    def apply(
        self, pixels: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor, factors: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return the changed pixels ``(batch, side, side, 3)``, and labels and weights as they are."""
        brightness, contrast, saturation = (factors[:, place, None, None, None] for place in range(3))
        pixels = _limited(brightness * pixels)
        mean = tf.reduce_mean(_grey(pixels), axis=(1, 2), keepdims=True)
        pixels = _limited(contrast * pixels + (1 - contrast) * mean)
        return _limited(saturation * pixels + (1 - saturation) * _grey(pixels)), labels, weights


def _grey(pixels: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(pixels * tf.constant(_GREY), axis=3, keepdims=True)


def _limited(pixels: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(pixels, 0.0, 255.0)
