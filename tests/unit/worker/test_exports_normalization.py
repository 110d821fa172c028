"""Which layers a normalization is multiplied into."""

from edgepress_worker.exports.normalization import normalized_layers
from edgepress_worker.keras_environment import keras

_layers = keras.layers


def test_a_layer_is_normalized_if_a_normalization_follows() -> None:
    """It may follow at once or after a dropout, but not after a ReLU or an addition, and not precede it."""
    image = keras.Input((8, 8, 3))
    flow = _layers.BatchNormalization()(_layers.Conv2D(4, 3, name="followed")(image))
    flow = _layers.BatchNormalization()(_layers.DepthwiseConv2D(3, name="depthwise")(flow))
    flow = _layers.ReLU()(_layers.Conv2D(4, 1, name="active")(flow))
    flow = _layers.BatchNormalization()(flow)
    flow = _layers.Add()([_layers.Conv2D(4, 1, name="added")(flow), flow])
    flow = _layers.GlobalAveragePooling2D()(_layers.BatchNormalization()(flow))
    flow = _layers.BatchNormalization()(_layers.Dropout(0.5)(_layers.Dense(4, name="dropped")(flow)))
    network = keras.Model(image, _layers.Softmax()(_layers.Dense(4, name="classifier")(flow)))
    assert normalized_layers(network) == {"followed", "depthwise", "dropped"}
