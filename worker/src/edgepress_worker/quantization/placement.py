"""Where int8 rounds activations: which layers' outputs a .tflite file keeps as tensors with a range of their own.

TFLite runs some layers as one operator: a convolution or dense layer with the normalization behind it and the ReLU
behind that, an addition or a normalization that stands alone with a ReLU. Only what comes out at the end is rounded.
Layers that only move or choose values take their input's range, and what is joined side by side takes the range of the
whole. A softmax has a range that TFLite prescribes.
"""

from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_graph import MULTIPLYING_LAYERS, Layer, consumers

_layers = keras.layers

# They give values that came in, so their output has the input's range.
_PASSING_ON = (
    _layers.ZeroPadding2D,
    _layers.Cropping2D,
    _layers.MaxPooling2D,
    _layers.GlobalMaxPooling2D,
    _layers.AveragePooling2D,  # no new ones, but means; TFLite's operator wants one range for both all the same
    _layers.UpSampling2D,
    _layers.Reshape,
    _layers.Flatten,
    _layers.Permute,
    _layers.Dropout,
)
_KEEPING = (_layers.InputLayer, *_PASSING_ON)


def rounded_layers(network: keras.Model) -> set[str]:
    """Names of the layers whose output int8 rounds. Pixels are whole numbers before anybody rounds them."""
    taken_by = consumers(network)
    return {
        layer.name
        for layer in network.layers
        if not _keeps_range(layer) and not _continues(layer, taken_by[layer.name])
    }


def _keeps_range(layer: Layer) -> bool:
    return isinstance(layer, _KEEPING) or _is_activation(layer, "linear") or _is_softmax(layer)


def _continues(layer: Layer, taken_by: list[Layer]) -> bool:
    """Whether its output is never seen, because the next layer belongs to the same operator."""
    if len(taken_by) != 1:
        return False
    (following,) = taken_by
    if isinstance(layer, MULTIPLYING_LAYERS) and getattr(layer.activation, "__name__", "linear") != "linear":
        return False
    if isinstance(following, _layers.BatchNormalization):
        return isinstance(layer, MULTIPLYING_LAYERS)
    if _is_relu(following):
        return isinstance(layer, (*MULTIPLYING_LAYERS, _layers.BatchNormalization, _layers.Add))
    return isinstance(following, _layers.Concatenate)


def _is_relu(layer: Layer) -> bool:
    if isinstance(layer, _layers.ReLU):
        limit = None if layer.max_value is None else float(layer.max_value)  # an array, in a network from a file
        # The two that TFLite joins to an operator.
        return limit in {None, 6.0} and not layer.negative_slope and not layer.threshold
    return _is_activation(layer, "relu") or _is_activation(layer, "relu6")


def _is_softmax(layer: Layer) -> bool:
    return isinstance(layer, _layers.Softmax) or _is_activation(layer, "softmax")


def _is_activation(layer: Layer, name: str) -> bool:
    return isinstance(layer, _layers.Activation) and getattr(layer.activation, "__name__", "") == name
