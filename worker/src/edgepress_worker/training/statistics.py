"""BatchNorm's statistics, estimated again for the final weights.

Moving statistics follow the weights of the last steps, and lag behind them. Estimated statistics are those of the final
weights: the mean and the variance of each channel over training images without augmentation, as inference sees them,
and without dropout. A thousand images are enough (Wu and Johnson 2021, Rethinking "Batch" in BatchNorm,
arXiv:2105.07576, section 3.2).

With the mean m_i and the variance v_i of each of n equal batches, the statistics are m = mean(m_i) and
v = mean(v_i + m_i^2) - m^2. While a layer is estimated, the layers before it normalize by their batch, as in training.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

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
        self._layers = [each for each in model.submodules if isinstance(each, keras.layers.BatchNormalization)]
        self._forward = tf.function(lambda pixels: model(pixels, training=True), reduce_retracing=True)

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
        if not self._layers:
            return
        sums = [np.zeros(value.shape, np.float64) for value in self.values()]
        with _one_batch_at_a_time(self._model):
            for indices in self._batches:
                self._forward(tf.constant(self._images.images[indices], tf.float32))
                for position, (mean, variance) in enumerate(_pairs(self.values())):
                    sums[2 * position] += mean
                    sums[2 * position + 1] += variance + np.square(mean, dtype=np.float64)
        means = [total / len(self._batches) for total in sums]
        for position in range(1, len(means), 2):  # of squares
            means[position] -= np.square(means[position - 1])
        self.restore([value.astype(np.float32) for value in means])


def _pairs(values: list[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(values[::2], values[1::2], strict=True)


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
