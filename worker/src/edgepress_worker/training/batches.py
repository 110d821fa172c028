"""Prepares batches from memory-mapped arrays while the network computes.

1. The order of an epoch is a permutation drawn from (seed, epoch), cut into batches of nearly equal size: every image
   is used, and no batch is so small that it distorts BatchNorm.
2. A batch is gathered from the memory map as uint8: only the pages that it needs are read.
3. Its flips, rotations and other changes are drawn from (seed, epoch, batch).
4. Data about each flipped image, such as cached teacher predictions, is looked up.
5. TensorFlow's threads convert the batch to float32, change it, and prefetch the next ones.

An epoch is therefore a function of the settings and its number, and resuming needs no saved state.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from edgepress_common.spec.training import Augmentation, Training
from edgepress_worker.keras_environment import tf
from edgepress_worker.pack import LabelledImages
from edgepress_worker.training.augmentation import (
    apply_transforms,
    draw_changes,
    mirror_numbers,
    moves_pixels,
)
from edgepress_worker.training.colours import ColourChanges
from edgepress_worker.training.mixing import Mixing

_Arrays = tuple[npt.NDArray[np.generic], ...]
_Tensors = tuple[tf.Tensor, ...]

_READY = 2  # prefetched batches: one if gathering is faster than a step, another one for a slow disk


class BatchChange(Protocol):
    """A random change of a batch, after flips and rotations."""

    @property
    def signature(self) -> tuple[tf.TensorSpec, ...]:
        """Types and shapes of what `draw` returns."""
        ...

    def draw(self, count: int, random: np.random.Generator) -> _Arrays:
        """Draw the changes of ``count`` images; they depend only on the generator."""
        ...

    def apply(self, pixels: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor, *drawn: tf.Tensor) -> _Tensors:
        """Return the changed pixels, 0 to 255 ``(batch, side, side, 3)``, labels ``(batch, classes)`` and weights."""
        ...


def batch_changes(augmentation: Augmentation, side: int) -> list[BatchChange]:
    """Return the changes that an augmentation makes to batches, in their order."""
    changes: list[BatchChange] = []
    if augmentation.brightness or augmentation.contrast or augmentation.saturation:
        changes.append(ColourChanges(augmentation))
    if augmentation.mixup or augmentation.cutmix:
        changes.append(Mixing(augmentation, side))
    return changes


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Return the number of batches in an epoch."""
    return math.ceil(images / batch_size)


def class_weights(
    labels: npt.NDArray[np.int64], classes: int, kind: Literal["none", "balanced"]
) -> npt.NDArray[np.float32]:
    """Return the weight in the loss of an image of each class, float32 ``(classes,)``; 1 on average over the images.

    balanced: n / (k n_c), for n images of k classes, n_c of them of the class.
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
    only: Sequence[int] | None = None,
) -> tf.data.Dataset:
    """Return the batches of one epoch.

    Args:
        images: The training images.
        classes: Number of classes.
        settings: Batch size, augmentation, class weights and seed.
        epoch: Number of the epoch, from 0.
        known: Additional data about each image and mirror image, float32 ``(mirror images, images, k)``; see
            `augmentation.mirror_images`. It may be a memory map; only the required pages are read.
        only: Numbers of the batches to return, from 0; None for all.

    Returns:
        A data set of float32 pixels, 0 to 255 ``(batch, side, side, 3)``, one-hot labels ``(batch, classes)``, the
        weight of each image ``(batch,)``, and, with ``known``, the data of each flipped image ``(batch, k)``.
    """
    batches = batch_rows(len(images), settings, epoch)
    side = images.images.shape[1]
    augmentation, moved = settings.augmentation, moves_pixels(settings.augmentation)
    further = batch_changes(augmentation, side)
    weights = class_weights(images.labels, classes, settings.class_weights)

    def gather(number: np.int64) -> _Arrays:
        indices = batches[number]
        labels = images.labels[indices]
        random = np.random.default_rng([settings.seed, epoch, int(number)])
        changes = draw_changes(augmentation, len(indices), random)
        looked_up = () if known is None else (known[mirror_numbers(augmentation, changes), indices],)
        drawn = [array for change in further for array in change.draw(len(indices), random)]
        return images.images[indices], labels, weights[labels], changes.transforms(side), *drawn, *looked_up

    def finish(
        pixels: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor, transforms: tf.Tensor, *rest: tf.Tensor
    ) -> _Tensors:
        pixels = tf.cast(pixels, tf.float32)
        pixels = apply_transforms(pixels, transforms) if moved else pixels
        labels = tf.one_hot(labels, classes)
        for change in further:
            count = len(change.signature)
            pixels, labels, weights = change.apply(pixels, labels, weights, *rest[:count])
            rest = rest[count:]
        return pixels, labels, weights, *rest

    signature = (*_signature(side), tf.TensorSpec((None,), tf.float32), tf.TensorSpec((None, 8), tf.float32))
    for change in further:
        signature += change.signature
    if known is not None:
        signature += (tf.TensorSpec((None, known.shape[2]), tf.float32),)
    numbers = range(len(batches)) if only is None else only
    return _gathered(gather, numbers, signature).map(finish).prefetch(_READY)


def batch_rows(images: int, settings: Training, epoch: int) -> list[npt.NDArray[np.int64]]:
    """Return the rows of each batch of an epoch, sorted: reading in file order is faster, and changes nothing else.

    Args:
        images: Number of training images.
        settings: Batch size and seed.
        epoch: Number of the epoch, from 0.
    """
    order = np.random.default_rng([settings.seed, epoch]).permutation(images)
    return [np.sort(rows) for rows in np.array_split(order, steps_per_epoch(images, settings.batch_size))]


def validation_batches(images: LabelledImages, classes: int, batch_size: int) -> tf.data.Dataset:
    """Return all images in order, as in `training_batches`, without weights."""

    def gather(number: np.int64) -> _Arrays:
        part = slice(number * batch_size, (number + 1) * batch_size)
        return images.images[part], images.labels[part]

    def finish(pixels: tf.Tensor, labels: tf.Tensor) -> _Tensors:
        return tf.cast(pixels, tf.float32), tf.one_hot(labels, classes)

    numbers = range(steps_per_epoch(len(images), batch_size))
    return _gathered(gather, numbers, _signature(images.images.shape[1])).map(finish).prefetch(_READY)


def _signature(side: int) -> tuple[tf.TensorSpec, ...]:
    return tf.TensorSpec((None, side, side, 3), tf.uint8), tf.TensorSpec((None,), tf.int64)


def _gathered(
    gather: Callable[[np.int64], _Arrays], numbers: Sequence[int], signature: tuple[tf.TensorSpec, ...]
) -> tf.data.Dataset:
    """Return a data set of the results of ``gather`` for numbers.

    It does not use ``Dataset.from_generator``, whose first use changes the memory allocation of the entire process (it
    sets ``M_TRIM_THRESHOLD`` to 128 kB) and made every training step take a tenth longer.
    """

    def gather_tensors(number: tf.Tensor) -> _Tensors:
        arrays = tf.numpy_function(gather, [number], [spec.dtype for spec in signature])
        return tuple(tf.ensure_shape(array, spec.shape) for array, spec in zip(arrays, signature, strict=True))

    return tf.data.Dataset.from_tensor_slices(np.asarray(numbers, np.int64)).map(gather_tensors)
