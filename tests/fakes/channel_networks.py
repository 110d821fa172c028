"""Networks with connections of every kind between their channels, and channels that contribute nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

SIDE = 16
CLASSES = 3


def random_network(seed: int) -> Any:  # noqa: C901 - one function for each block
    """A network of random blocks: residual, concatenated, depthwise, gated, reshaped; the same ones for a seed."""
    from edgepress_worker.keras_environment import keras

    layers = keras.layers
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)

    def convolved(flow: Any, filters: int, size: int = 3) -> Any:
        flow = layers.Conv2D(filters, size, padding="same", use_bias=bool(random.integers(2)))(flow)
        if random.integers(2):
            flow = layers.BatchNormalization()(flow)
        return random.choice(np.array([layers.ReLU(), layers.PReLU(shared_axes=[1, 2]), layers.Activation("swish")]))(
            flow
        )

    def residual(flow: Any) -> Any:
        return layers.Add()([flow, convolved(convolved(flow, 8), flow.shape[-1])])

    def concatenated(flow: Any) -> Any:
        return layers.Concatenate()([convolved(flow, 6), flow, convolved(flow, 5, size=1)])

    def depthwise(flow: Any) -> Any:
        flow = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=int(random.integers(1, 3)))(flow)
        return convolved(layers.BatchNormalization()(flow), 10, size=1)

    def gated(flow: Any) -> Any:
        channels = flow.shape[-1]
        gate = layers.Reshape((1, 1, channels))(layers.GlobalAveragePooling2D()(flow))
        gate = layers.Conv2D(channels, 1, activation="sigmoid")(layers.Conv2D(4, 1, activation="relu")(gate))
        return layers.Multiply()([flow, gate])

    def twice(flow: Any) -> Any:
        shared = layers.Conv2D(flow.shape[-1], 3, padding="same")
        return layers.Maximum()([shared(flow), shared(layers.ReLU()(flow))])

    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    flow = convolved(layers.Rescaling([1 / 255] * 3, [0.1, 0.2, 0.3])(pixels), 8)
    for block in random.permutation(np.array([residual, concatenated, depthwise, gated, twice, residual])):
        flow = block(flow)
        if random.integers(3) == 0 and flow.shape[1] > 4:
            flow = layers.MaxPooling2D()(flow)
    if random.integers(2):
        flow = layers.Dense(12, activation="relu")(layers.Flatten()(layers.AveragePooling2D(2)(flow)))
    else:
        flow = layers.GlobalAveragePooling2D()(flow)
    flow = layers.Dense(CLASSES, name="classifier")(layers.Dropout(0.1)(flow))
    network = keras.Model(pixels, layers.Activation("softmax", name="probabilities")(flow), name="random")
    randomize_normalizations(network, random)
    return network


def randomize_normalizations(network: Any, random: np.random.Generator) -> None:
    """Give normalizations (and PReLUs and biases) values that a training could have given them."""
    from edgepress_worker.keras_environment import keras

    for layer in network.layers:
        values = layer.get_weights()
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, value.shape) for value in values])
        elif isinstance(layer, keras.layers.PReLU):
            layer.set_weights([random.uniform(0, 0.3, value.shape) for value in values])
        elif len(values) == 2:
            layer.set_weights([values[0], random.normal(0, 0.1, values[1].shape)])


def logits(network: Any, count: int = 4) -> Any:
    """Return the network's logits for random images, ``(count, classes)``."""
    from edgepress_worker.keras_environment import keras

    images = np.random.default_rng(3).uniform(0, 255, (count, *network.input_shape[1:])).astype(np.float32)
    return keras.Model(network.input, network.get_layer("classifier").output)(images, training=False).numpy()
