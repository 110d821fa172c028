"""BatchNorm's statistics, estimated again for the final weights.

Moving statistics follow the weights of the last steps, and lag behind them. Estimated statistics are those of the final
weights: the mean and the variance of each channel over training images without augmentation, as inference sees them,
and without dropout. A thousand images are enough (Wu and Johnson 2021, Rethinking "Batch" in BatchNorm,
arXiv:2105.07576, section 3.2).

With the mean m_i and the variance v_i of each batch, the statistics are m = mean(m_i) and v = mean(v_i + m_i^2) - m^2,
each batch weighted by its number of images. While a layer is estimated, the layers before it normalize by their batch,
as in training.

A network whose weights have been changed without training, such as by removing channels, has statistics of another
network, and needs new ones even more (Yu and Huang 2019, arXiv:1903.05134).
"""

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.pack import LabelledImages

_IMAGES = 1024
_NO_EPOCH = 2**31  # seeds the choice of images apart from the order of any epoch

_Values = list[npt.NDArray[np.float32]]


class BatchNormStatistics:
    """Estimates the statistics of a model.

    Args:
        model: Model from pixels, 0 to 255.
        images: The training images.
        batch_size: Number of images in a batch, at most.
        seed: Seed for the choice of images.
    """

    def __init__(self, model: keras.Model, images: LabelledImages, *, batch_size: int, seed: int) -> None:
        self._model = model
        self._images = images
        chosen = np.random.default_rng([seed, _NO_EPOCH]).permutation(len(images))[:_IMAGES]
        self._batches = [np.sort(part) for part in np.array_split(chosen, -(-len(chosen) // batch_size))]
        self._layers = _normalizations(model)
        self._forward = _training_pass(model)

    def values(self) -> _Values:
        """Return the statistics of all layers, to `restore` them."""
        variables = (each for layer in self._layers for each in (layer.moving_mean, layer.moving_variance))
        return [keras.backend.get_value(variable).copy() for variable in variables]

    def restore(self, values: _Values) -> None:
        """Set the statistics of all layers to earlier `values`."""
        for layer, mean, variance in zip(self._layers, values[::2], values[1::2], strict=True):
            layer.moving_mean.assign(mean)
            layer.moving_variance.assign(variance)

    def estimate(self) -> None:
        """Set the statistics of all layers to those of the current weights."""
        pixels = (tf.constant(self._images.images[indices], tf.float32) for indices in self._batches)
        _estimate(self._model, self._forward, pixels)


def estimate_statistics(model: keras.Model, batches: Iterable[tf.Tensor]) -> None:
    """Set the statistics of all BatchNorm layers to those of all images, in place.

    Args:
        model: Model from pixels, 0 to 255.
        batches: Pixels, float32 ``(batch, side, side, 3)``; at least one batch.
    """
    statistics_estimator(model)(batches)


def statistics_estimator(model: keras.Model) -> Callable[[Iterable[tf.Tensor]], None]:
    """Return `estimate_statistics` of a model, for several estimations with different weights."""
    return functools.partial(_estimate, model, _training_pass(model))


def _training_pass(model: keras.Model) -> Callable[[tf.Tensor], Any]:
    return cast(
        Callable[[tf.Tensor], Any],
        tf.function(lambda pixels: model(pixels, training=True), reduce_retracing=True),
    )


def _estimate(model: keras.Model, forward: Callable[[tf.Tensor], Any], batches: Iterable[tf.Tensor]) -> None:
    layers = _normalizations(model)
    if not layers:
        return
    means, squares, images = [0.0] * len(layers), [0.0] * len(layers), 0
    with _one_batch_at_a_time(model):
        for pixels in batches:
            forward(pixels)
            images += len(pixels)
            for number, layer in enumerate(layers):
                mean = layer.moving_mean.numpy().astype(np.float64)
                means[number] += len(pixels) * mean
                squares[number] += len(pixels) * (layer.moving_variance.numpy() + mean**2)
    for layer, mean, square in zip(layers, means, squares, strict=True):
        layer.moving_mean.assign(mean / images)
        layer.moving_variance.assign(square / images - (mean / images) ** 2)


def _normalizations(model: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in model.submodules if isinstance(layer, keras.layers.BatchNormalization)]


@contextmanager
def _one_batch_at_a_time(model: keras.Model) -> Iterator[None]:
    """Let a training pass set the moving statistics to those of its batch, and change and drop nothing else."""
    with ExitStack() as stack:
        for layer in model.submodules:
            if isinstance(layer, keras.layers.BatchNormalization):
                stack.enter_context(_set(layer, "momentum", 0.0))
            elif isinstance(layer, keras.layers.Layer) and hasattr(layer, "momentum"):
                stack.enter_context(_set(layer, "momentum", 1.0))  # ranges of activations stay
            elif isinstance(layer, keras.__internal__.layers.BaseRandomLayer):
                for amount in ("rate", "stddev"):
                    if hasattr(layer, amount):
                        stack.enter_context(_set(layer, amount, 0.0))
        yield


@contextmanager
def _set(layer: keras.layers.Layer, name: str, value: float) -> Iterator[None]:
    before = getattr(layer, name)
    setattr(layer, name, value)
    try:
        yield
    finally:
        setattr(layer, name, before)
