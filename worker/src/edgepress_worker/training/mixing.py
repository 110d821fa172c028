"""Images mixed with other images of their batch, and their labels with them.

With a share s for each image, drawn from a Beta(a, a) distribution:

- mixup (Zhang et al. 2018, arXiv:1710.09412): pixels, labels and weights become s times the image's own, plus 1 - s
  times those of its partner.
- cutmix (Yun et al. 2019, arXiv:1905.04899): a square with 1 - s of the image's area and a random centre is replaced by
  the partner's; s is then the share of the pixels that are left.

If both are requested, each image is mixed by one of them, with equal probability. The partners are a permutation of the
batch.
"""

import numpy as np
import numpy.typing as npt

from edgepress_common.spec.training import Augmentation
from edgepress_worker.keras_environment import tf


class Mixing:
    """Mixes the images of a batch; see `batches.BatchChange`.

    Args:
        augmentation: Parameters of the distributions; 0 turns a kind of mixing off.
        side: Side of the images in pixels.
    """

    signature = (
        tf.TensorSpec((None,), tf.int64),
        tf.TensorSpec((None,), tf.float32),
        tf.TensorSpec((None, 4), tf.int64),
    )

    def __init__(self, augmentation: Augmentation, side: int) -> None:
        self._mixup, self._cutmix = augmentation.mixup, augmentation.cutmix
        self._side = side

    def draw(self, count: int, random: np.random.Generator) -> tuple[npt.NDArray[np.generic], ...]:
        """Draw the mixtures of a batch.

        Returns:
            The partners, int64 ``(count,)``; the share that an image keeps of its own pixels, float32 ``(count,)``; and
            the rectangle of a cutmix as top, bottom, left and right, int64 ``(count, 4)``, empty for a mixup.
        """
        partners = random.permutation(count)
        cuts = random.random(count) < (0.5 if self._mixup and self._cutmix else float(self._cutmix > 0))
        blended = random.beta(self._mixup, self._mixup, count) if self._mixup else np.ones(count)
        left_over = random.beta(self._cutmix, self._cutmix, count) if self._cutmix else np.ones(count)
        half = np.where(cuts, self._side * np.sqrt(1 - left_over) / 2, 0.0)[:, None]
        centre = random.uniform(0, self._side, (count, 2))
        low, high = (np.clip(np.rint(edge), 0, self._side) for edge in (centre - half, centre + half))
        high = np.where(cuts[:, None], high, low)
        shares = np.where(cuts, 1 - np.prod(high - low, axis=1) / self._side**2, blended)
        boxes = np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], axis=1)
        return partners.astype(np.int64), shares.astype(np.float32), boxes.astype(np.int64)

    def apply(
        self,
        pixels: tf.Tensor,
        labels: tf.Tensor,
        weights: tf.Tensor,
        *drawn: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return the mixed pixels ``(batch, side, side, 3)``, labels ``(batch, classes)`` and weights ``(batch,)``."""
        partners, shares, boxes = drawn
        top, bottom, left, right = (boxes[:, place, None] for place in range(4))
        places = tf.range(self._side, dtype=tf.int64)[None]
        cut = ((places >= top) & (places < bottom))[:, :, None] & ((places >= left) & (places < right))[:, None]
        is_cut = (bottom > top) & (right > left)
        kept = tf.where(is_cut[:, :, None], 1 - tf.cast(cut, tf.float32), shares[:, None, None])[..., None]
        others = tf.gather(pixels, partners)
        return (
            kept * pixels + (1 - kept) * others,
            shares[:, None] * labels + (1 - shares[:, None]) * tf.gather(labels, partners),
            shares * weights + (1 - shares) * tf.gather(weights, partners),
        )
