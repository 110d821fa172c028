"""Which layers' weights the converter multiplies a normalization into.

It does so for one that follows a convolution or dense layer at once, or behind layers that do nothing once training is
over. The file's names do not always tell: a normalization without a shift leaves no trace in them.
"""

from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_graph import MULTIPLYING_LAYERS, Layer, consumers

_layers = keras.layers

_IDLE = (_layers.Dropout, _layers.SpatialDropout2D, _layers.GaussianNoise, _layers.GaussianDropout)


def normalized_layers(network: keras.Model) -> frozenset[str]:
    """The names of the layers that a normalization follows.

    Args:
        network: Functional.
    """
    taken_by = consumers(network)

    def meets_normalization(layer: Layer) -> bool:
        return any(
            isinstance(following, _layers.BatchNormalization)
            or (isinstance(following, _IDLE) and meets_normalization(following))
            for following in taken_by[layer.name]
        )

    return frozenset(
        layer.name for layer in network.layers if isinstance(layer, MULTIPLYING_LAYERS) and meets_normalization(layer)
    )
