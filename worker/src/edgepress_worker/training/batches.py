"""From mapped arrays to batches, while the network computes.

1. The order of an epoch is a permutation drawn from (seed, epoch), cut into batches of nearly equal size: no image is
   left out, and no straggler of one image upsets BatchNorm.
2. A batch is gathered from the map as uint8: only the pages it touches are read.
3. Its flips and rotations are drawn from (seed, epoch, batch).
4. What is known of each image as it has been flipped, such as what a teacher says of it, is looked up.
5. TensorFlow's threads turn it into float32, transform it, and keep the next ones ready.

An epoch is thus a function of the settings and its number; nothing needs to be saved to go on with the next.
"""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgepress_common.spec.training import Training
from edgepress_worker.keras_environment import tf
from edgepress_worker.pack import LabelledImages
from edgepress_worker.training.augmentation import (
    apply_transforms,
    changes_images,
    draw_changes,
    mirror_numbers,
)

_Arrays = tuple[npt.NDArray[np.generic], ...]
_Tensors = tuple[tf.Tensor, ...]

_READY = 2  # batches: one is enough while gathering is quicker than a step, the other evens out a slow disk


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Batches that so many images make."""
    return math.ceil(images / batch_size)


def class_weights(
    labels: npt.NDArray[np.int64], classes: int, kind: Literal["none", "balanced"]
) -> npt.NDArray[np.float32]:
    """What an image of each class weighs in the loss, float32 ``(classes,)``; 1 on average over the images.

    balanced: n / (k n_c), for n images of k classes, n_c of them of this one.
    """
    if kind == "none":
        return np.ones(classes, np.float32)
    counts = np.bincount(labels, minlength=classes)
    return (len(labels) / (classes * np.maximum(counts, 1))).astype(np.float32)


def training_batches(
    images: LabelledImages,
    classes: int,
    settings: Training,
    epoch: int,
    *,
    known: npt.NDArray[np.float32] | None = None,
) -> tf.data.Dataset:
    """The batches of one epoch, counted from 0.

    Args:
        images: What to train on.
        classes: Number of classes.
        settings: Batch size, augmentation, class weights and seed.
        epoch: Which.
        known: What is known of each image and mirror image, float32 ``(mirror images, images, k)``; see
            `augmentation.mirror_images`. May be a map of a file: what a batch needs is read.

    Returns:
        Gives float32 pixels 0 to 255 ``(batch, side, side, 3)``, labels one-hot ``(batch, classes)``, the weight of
        each image ``(batch,)``, and, if anything is known, that of each image as it has been flipped ``(batch, k)``.
    """
    order = np.random.default_rng([settings.seed, epoch]).permutation(len(images))
    batches = np.array_split(order, steps_per_epoch(len(images), settings.batch_size))
    side = images.images.shape[1]
    augmentation, augmented = settings.augmentation, changes_images(settings.augmentation)
    weights = class_weights(images.labels, classes, settings.class_weights)

    def gather(number: np.int64) -> _Arrays:
        indices = np.sort(batches[number])  # in the order of the file: kinder to a disk, all the same to the network
        labels = images.labels[indices]
        random = np.random.default_rng([settings.seed, epoch, int(number)])
        changes = draw_changes(augmentation, len(indices), random)
        looked_up = () if known is None else (known[mirror_numbers(augmentation, changes), indices],)
        return images.images[indices], labels, weights[labels], changes.transforms(side), *looked_up

    def finish(
        pixels: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor, transforms: tf.Tensor, *looked_up: tf.Tensor
    ) -> _Tensors:
        pixels = tf.cast(pixels, tf.float32)
        pixels = apply_transforms(pixels, transforms) if augmented else pixels
        return pixels, tf.one_hot(labels, classes), weights, *looked_up

    signature = (*_signature(side), tf.TensorSpec((None,), tf.float32), tf.TensorSpec((None, 8), tf.float32))
    if known is not None:
        signature += (tf.TensorSpec((None, known.shape[2]), tf.float32),)
    return _gathered(gather, len(batches), signature).map(finish).prefetch(_READY)


def validation_batches(images: LabelledImages, classes: int, batch_size: int) -> tf.data.Dataset:
    """All images in their order, as `training_batches` gives them, without weights."""

    def gather(number: np.int64) -> _Arrays:
        part = slice(number * batch_size, (number + 1) * batch_size)
        return images.images[part], images.labels[part]

    def finish(pixels: tf.Tensor, labels: tf.Tensor) -> _Tensors:
        return tf.cast(pixels, tf.float32), tf.one_hot(labels, classes)

    steps = steps_per_epoch(len(images), batch_size)
    return _gathered(gather, steps, _signature(images.images.shape[1])).map(finish).prefetch(_READY)


def _signature(side: int) -> tuple[tf.TensorSpec, ...]:
    return tf.TensorSpec((None, side, side, 3), tf.uint8), tf.TensorSpec((None,), tf.int64)


def _gathered(
    gather: Callable[[np.int64], _Arrays], steps: int, signature: tuple[tf.TensorSpec, ...]
) -> tf.data.Dataset:
    """What ``gather`` gives for 0, 1, ... ``steps`` - 1.

    Not by ``Dataset.from_generator``: its first use changes how the whole process allocates memory (it sets
    ``M_TRIM_THRESHOLD`` to 128 kB), which made every training step cost a tenth more.
    """

    def gather_tensors(number: tf.Tensor) -> _Tensors:
        arrays = tf.numpy_function(gather, [number], [spec.dtype for spec in signature])
        return tuple(tf.ensure_shape(array, spec.shape) for array, spec in zip(arrays, signature, strict=True))

    return tf.data.Dataset.range(steps).map(gather_tensors)
