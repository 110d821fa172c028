"""BatchNorm's moving statistics: their momentum in trainings with few steps, and their estimation without training.

The moving statistics follow the batches' statistics with momentum m, a window of about 1 / (1 - m) steps. Keras's 0.99
has a window of a hundred steps: with fewer steps per epoch, validation would use statistics of outdated weights.

A network whose weights have been changed otherwise, such as by removing channels, has statistics of another network.
They are estimated again from some batches, without training (Yu and Huang 2019, arXiv:1903.05134).
"""

from collections.abc import Iterable
from typing import Literal

import numpy as np

from edgepress_worker.keras_environment import keras, tf

_KERAS_MOMENTUM = 0.99
_MEMORIES_PER_EPOCH = 5  # windows per epoch: short enough to match the weights, enough images for the mean


def momentum_for(asked: float | Literal["auto"], steps_per_epoch: int) -> float:
    """Return the momentum for the settings."""
    if asked != "auto":
        return asked
    return min(_KERAS_MOMENTUM, max(0.0, 1 - _MEMORIES_PER_EPOCH / steps_per_epoch))


def set_momentum(model: keras.Model, momentum: float) -> None:
    """Set the momentum of all BatchNorm layers. Call it before the model is first trained."""
    for layer in _normalizations(model):
        layer.momentum = momentum


def estimate_statistics(model: keras.Model, batches: Iterable[tf.Tensor]) -> None:
    """Set the moving statistics of all BatchNorm layers to those of all images, in place.

    A normalization uses the statistics of the batch for the layers after it, as in training.

    Args:
        model: The model.
        batches: Pixels, float32 ``(batch, side, side, 3)``; at least one batch.
    """
    layers = _normalizations(model)
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    set_momentum(model, 0.0)  # after a batch, the moving statistics are those of the batch
    run = tf.function(lambda pixels: model(pixels, training=True), reduce_retracing=True)
    means, squares, images = [0.0] * len(layers), [0.0] * len(layers), 0
    for pixels in batches:
        run(pixels)
        images += len(pixels)
        for number, layer in enumerate(layers):
            mean = layer.moving_mean.numpy().astype(np.float64)
            means[number] += len(pixels) * mean
            squares[number] += len(pixels) * (layer.moving_variance.numpy() + mean**2)
    for layer, momentum, mean, square in zip(layers, momenta, means, squares, strict=True):
        layer.momentum = momentum
        layer.moving_mean.assign(mean / images)
        layer.moving_variance.assign(square / images - (mean / images) ** 2)


def _normalizations(model: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in model.submodules if isinstance(layer, keras.layers.BatchNormalization)]
