"""BatchNorm's moving statistics, for trainings of few steps.

They follow a batch's statistics with momentum m, so they remember about 1 / (1 - m) steps. Keras's 0.99 remembers a
hundred: with fewer steps than that in an epoch, validation judges the weights by statistics of weights long gone.
"""

from typing import Literal

from edgepress_worker.keras_environment import keras

_KERAS_MOMENTUM = 0.99
_MEMORIES_PER_EPOCH = 5  # statistics of a fifth of an epoch: young enough for the weights, enough images for the mean


def momentum_for(asked: float | Literal["auto"], steps_per_epoch: int) -> float:
    """The momentum that the settings ask for."""
    if asked != "auto":
        return asked
    return min(_KERAS_MOMENTUM, max(0.0, 1 - _MEMORIES_PER_EPOCH / steps_per_epoch))


def set_momentum(model: keras.Model, momentum: float) -> None:
    """Gives it to each BatchNorm of the model. To be called before the model is first trained."""
    for layer in model.submodules:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
