"""BatchNorm's momentum, for trainings with few steps.

The moving statistics follow the batches' statistics with momentum m, a window of about 1 / (1 - m) steps. Keras's 0.99
has a window of a hundred steps: with fewer steps per epoch, validation would use statistics of outdated weights.
"""

from typing import Literal

from edgepress_worker.keras_environment import keras

_KERAS_MOMENTUM = 0.99
_MEMORIES_PER_EPOCH = 5  # windows per epoch: short enough to match the weights, enough images for the mean


def momentum_for(asked: float | Literal["auto"], steps_per_epoch: int) -> float:
    """Return the momentum for the settings."""
    if asked != "auto":
        return asked
    return min(_KERAS_MOMENTUM, max(0.0, 1 - _MEMORIES_PER_EPOCH / steps_per_epoch))


def set_momentum(model: keras.Model, momentum: float) -> None:
    """Set the momentum of all BatchNorm layers. Call it before the model is first trained."""
    for layer in model.submodules:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
