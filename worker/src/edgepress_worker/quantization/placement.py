"""The layers whose outputs are rounded: those that a .tflite file stores as tensors with their own range.

TFLite runs some layers as one operator: a convolution or dense layer with the following normalization and ReLU, or an
addition or a separate normalization with a ReLU. Only the output of the operator is rounded. Layers that only move or
select values have the range of their input; concatenated tensors have the range of the result. TFLite prescribes the
ranges of softmax, sigmoid and tanh: another range would make the converter insert an operator that changes it. A factor
before a convolution or dense layer becomes part of its weights.
"""

import numpy as np

from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_graph import IDLE_LAYERS, MULTIPLYING_LAYERS, Layer, consumers

_layers = keras.layers

# Their outputs are a selection of the input values, so that the output has the range of the input.
_PASSING_ON = (
    _layers.ZeroPadding2D,
    _layers.Cropping2D,
    _layers.MaxPooling2D,
    _layers.GlobalMaxPooling2D,
    _layers.AveragePooling2D,  # computes means, but TFLite's operator requires the same range for input and output
    _layers.UpSampling2D,
    _layers.Reshape,
    _layers.Flatten,
    _layers.Permute,
    *IDLE_LAYERS,
)
_KEEPING = (_layers.InputLayer, *_PASSING_ON)
_PRESCRIBED = ("softmax", "sigmoid", "tanh")  # https://ai.google.dev/edge/litert/models/quantization_spec


def rounded_layers(network: keras.Model) -> set[str]:
    """Return the names of the layers whose output int8 rounds. The input is excluded: pixels are integers."""
    taken_by = consumers(network)
    return {
        layer.name
        for layer in network.layers
        if not _keeps_range(layer) and not _continues(layer, taken_by[layer.name])
    }


def _keeps_range(layer: Layer) -> bool:
    return isinstance(layer, _KEEPING) or _is_activation(layer, "linear") or _has_prescribed_range(layer)


def _continues(layer: Layer, taken_by: list[Layer]) -> bool:
    """Return whether the next layer belongs to the same operator, so that the output is not stored."""
    if len(taken_by) != 1:
        return False
    (following,) = taken_by
    if isinstance(layer, MULTIPLYING_LAYERS) and getattr(layer.activation, "__name__", "linear") != "linear":
        return False
    if isinstance(following, MULTIPLYING_LAYERS):
        return _is_factor(layer)
    if isinstance(following, _layers.BatchNormalization):
        return isinstance(layer, MULTIPLYING_LAYERS)
    if _is_relu(following):
        return isinstance(layer, (*MULTIPLYING_LAYERS, _layers.BatchNormalization, _layers.Add))
    return isinstance(following, _layers.Concatenate)


def _is_relu(layer: Layer) -> bool:
    if isinstance(layer, _layers.ReLU):
        limit = None if layer.max_value is None else float(layer.max_value)  # an array if loaded from a file
        # The two that TFLite fuses into an operator.
        return limit in {None, 6.0} and not layer.negative_slope and not layer.threshold
    return _is_activation(layer, "relu") or _is_activation(layer, "relu6")


def _is_factor(layer: Layer) -> bool:
    return isinstance(layer, _layers.Rescaling) and np.ndim(layer.scale) == 0 and not np.any(layer.offset)


def _has_prescribed_range(layer: Layer) -> bool:
    if isinstance(layer, (_layers.Activation, *MULTIPLYING_LAYERS)):
        return getattr(layer.activation, "__name__", "") in _PRESCRIBED
    return isinstance(layer, _layers.Softmax)


def _is_activation(layer: Layer, name: str) -> bool:
    return isinstance(layer, _layers.Activation) and getattr(layer.activation, "__name__", "") == name
