"""Cross-layer equalization: moves scale between channels of successive layers, so that one scale fits all channels.

A ReLU passes a positive factor on: layer 2 after ReLU after layer 1 computes the same if channel i of layer 1 is
divided by s_i, and the weights of layer 2 for this channel are multiplied by s_i. With the largest weights r1_i and
r2_i of the channel in the two layers, s_i = sqrt(r1_i / r2_i) makes both sqrt(r1_i r2_i) (Nagel et al. 2019, Data-Free
Quantization Through Weight Equalization and Bias Correction, arXiv:1906.04721, section 4.1).

1. The network is folded, see `folding`.
2. Pairs are layers with only ReLU, padding or pooling between them, and no branch.
3. A ReLU6 between the two becomes a ReLU, as in the paper: its limit would be another one in each channel.
4. All pairs are equalized in turn until no factor changes by more than a thousandth: a depthwise convolution is in two
   pairs.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_graph import MULTIPLYING_LAYERS, Layer, consumers, copy_of, rebuild

_layers = keras.layers
_PASSING_A_FACTOR_ON = (
    _layers.ZeroPadding2D,
    _layers.Cropping2D,
    _layers.MaxPooling2D,
    _layers.AveragePooling2D,
    _layers.GlobalMaxPooling2D,
    _layers.GlobalAveragePooling2D,
)
_LARGEST_CHANGE = 1e-3
_ROUNDS = 50  # enough for chains of 50 layers; ResNet18 and MobileNetV2 need fewer than 20


def equalized(network: keras.Model) -> keras.Model:
    """Return a network with equal ranges of the channels of successive layers.

    Args:
        network: Folded, see `folding.folded`; it is not changed.

    Returns:
        A network with the same outputs, except where a ReLU6 limited them; the same network if it has no pairs.
    """
    pairs = list(_pairs(network))
    limited = {name for _, between, _ in pairs for name in between}
    made = rebuild(network, replace=lambda layer: _without_limit(layer) if layer.name in limited else copy_of(layer))
    for _ in range(_ROUNDS):
        changes = [_equalize(made.get_layer(first), made.get_layer(second)) for first, _, second in pairs]
        if max(changes, default=0.0) < _LARGEST_CHANGE:
            break
    return made


def _pairs(network: keras.Model) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield the names of two successive layers, and of the ReLUs between them."""
    taken_by = consumers(network)
    for layer in network.layers:
        if not isinstance(layer, MULTIPLYING_LAYERS) or len(layer.inbound_nodes) != 1:
            continue
        between: list[str] = []
        users = taken_by[layer.name]
        while len(users) == 1 and (_is_relu(users[0]) or isinstance(users[0], _PASSING_A_FACTOR_ON)):
            between += [users[0].name] if _is_relu(users[0]) else []
            users = taken_by[users[0].name]
        if len(users) == 1 and _reads_channels(users[0]):
            yield layer.name, tuple(between), users[0].name


def _is_relu(layer: Layer) -> bool:
    if isinstance(layer, _layers.ReLU):
        return not layer.negative_slope and not layer.threshold
    return isinstance(layer, _layers.Activation) and getattr(layer.activation, "__name__", "") in {"relu", "relu6"}


def _reads_channels(layer: Layer) -> bool:
    """Return whether a layer has weights for each input channel, and is used once."""
    grouped = isinstance(layer, _layers.Conv2D) and not _is_depthwise(layer) and layer.groups != 1
    return isinstance(layer, MULTIPLYING_LAYERS) and len(layer.inbound_nodes) == 1 and not grouped


def _is_depthwise(layer: Layer) -> bool:
    return isinstance(layer, _layers.DepthwiseConv2D)


def _without_limit(layer: Layer) -> Layer:
    return _layers.ReLU(name=layer.name)


def _equalize(first: Layer, second: Layer) -> float:
    """Move the scales of one pair; return the largest change of a channel, as the logarithm of its factor."""
    kernel, bias = first.get_weights()
    next_kernel, next_bias = second.get_weights()
    outputs = _largest(kernel, (kernel.ndim - 2, kernel.ndim - 1) if _is_depthwise(first) else (kernel.ndim - 1,))
    inputs = _largest(next_kernel, (next_kernel.ndim - 2,))
    usable = (outputs > 0) & (inputs > 0)
    factor = np.sqrt(np.divide(outputs, inputs, out=np.ones_like(outputs), where=usable), dtype=np.float32)
    by_output = factor.reshape(kernel.shape[-2:]) if _is_depthwise(first) else factor
    first.set_weights([kernel / by_output, bias / factor])
    second.set_weights([next_kernel * factor[:, np.newaxis], next_bias])
    return float(np.abs(np.log(factor)).max())


def _largest(kernel: npt.NDArray[np.float32], channel_axes: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Return the largest absolute weight of each channel, ``(channels,)``."""
    others = tuple(axis for axis in range(kernel.ndim) if axis not in channel_axes)
    return np.abs(kernel).max(axis=others).reshape(-1)
