"""A network whose removed channels are zero: it computes the same as the network without them, see `surgery`.

Trying out many choices of channels in one network is faster than building a network for each.
"""

import numpy as np
import numpy.typing as npt

from edgepress_worker.channels.flow import Flow
from edgepress_worker.keras_environment import keras

_keras = keras.layers


def silence(flow: Flow, kept: npt.NDArray[np.bool_]) -> None:
    """Set to zero all weights that make removed channels: filters, biases, and shifts of normalizations, in place.

    Args:
        flow: The channels of the network.
        kept: Whether each channel is kept, by its number.
    """
    for call in flow.calls:
        layer, values = call.layer, call.layer.get_weights()
        mask = kept[flow.channels[call.output]].astype(np.float32)
        if mask.all() or not values:
            continue
        match layer:
            case _keras.DepthwiseConv2D():
                kernel, *bias = values
                shaped = kernel.reshape(*kernel.shape[:2], -1) * mask
                layer.set_weights([shaped.reshape(kernel.shape), *(each * mask for each in bias)])
            case _keras.Conv2D() | _keras.Dense():
                layer.set_weights([value * mask for value in values])
            case _keras.BatchNormalization(center=True):
                *gamma, beta, mean, variance = values
                layer.set_weights([*gamma, beta * mask, mean * mask, variance])
            case _keras.BatchNormalization():
                *gamma, mean, variance = values
                layer.set_weights([*gamma, mean * mask, variance])
            case _:
                pass
