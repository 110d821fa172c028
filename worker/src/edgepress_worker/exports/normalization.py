"""Which layers' weights the converter multiplies a normalization into.

It does so for one that follows a convolution or dense layer at once, or behind layers that do nothing once training is
over. The file's names do not always tell: a normalization without a shift leaves no trace in them.
"""

from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_graph import MULTIPLYING_LAYERS, consumers


def normalized_layers(network: keras.Model) -> frozenset[str]:
    """The names of the layers that a normalization follows.

    Args:
        network: Functional.
    """
    taken_by = consumers(network)
    return frozenset(
        layer.name
        for layer in network.layers
        if isinstance(layer, MULTIPLYING_LAYERS)
        and any(isinstance(following, keras.layers.BatchNormalization) for following in taken_by[layer.name])
    )
