"""A pre-activation residual network that trains and converts in seconds, with all that makes ResNet18 hard to compress.

A normalization on the input, padding behind it, convolutions with and without a normalization behind them, all without
bias; normalizations that stand alone before a ReLU; a shortcut; an addition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgepress_worker.pack import LabelledImages, Pack

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("blue", "green", "red")
SIDE = 16


def preactivation_network() -> Any:
    """The network, the same weights each time."""
    from edgepress_worker.keras_environment import keras

    layers = keras.layers
    keras.backend.clear_session()
    keras.utils.set_random_seed(11)
    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    flow = layers.BatchNormalization(name="bn_data", scale=False)(pixels)
    flow = layers.ZeroPadding2D(1, name="padding")(flow)
    flow = layers.Conv2D(12, 3, strides=2, use_bias=False, name="conv0")(flow)
    flow = layers.BatchNormalization(name="bn0")(flow)
    flow = layers.Activation("relu", name="relu0")(flow)
    flow = layers.MaxPooling2D(2, name="pooling0")(flow)
    flow = layers.BatchNormalization(name="unit1_bn1")(flow)
    flow = layers.Activation("relu", name="unit1_relu1")(flow)
    shortcut = layers.Conv2D(16, 1, use_bias=False, name="unit1_sc")(flow)
    flow = layers.Conv2D(16, 3, padding="same", use_bias=False, name="unit1_conv1")(flow)
    flow = layers.BatchNormalization(name="unit1_bn2")(flow)
    flow = layers.Activation("relu", name="unit1_relu2")(flow)
    flow = layers.Conv2D(16, 3, padding="same", use_bias=False, name="unit1_conv2")(flow)
    flow = layers.Add(name="add")([flow, shortcut])
    flow = layers.BatchNormalization(name="bn1")(flow)
    flow = layers.Activation("relu", name="relu1")(flow)
    flow = layers.GlobalAveragePooling2D(name="pooled")(flow)
    flow = layers.Dense(len(CLASSES), name="classifier")(flow)
    return keras.Model(pixels, layers.Activation("softmax", name="probabilities")(flow), name="preactivation")


def coloured_pack(count: int = 96) -> Pack:
    """Noise with one channel brighter, enough so that the classes can be told apart after a few epochs."""
    random = np.random.default_rng(5)
    images = random.integers(0, 128, (count, SIDE, SIDE, 3), dtype=np.uint8)
    labels = np.arange(count, dtype=np.int64) % len(CLASSES)
    for image, label in zip(images, labels, strict=True):
        image[..., 2 - label] += np.uint8(60)
    part = LabelledImages(images, labels)
    return Pack(classes=CLASSES, train=part, validation=part)


def trained_file(folder: Path, epochs: int = 3) -> Path:
    """The network's file after a few epochs, as the stage ``train`` would leave it."""
    from edgepress_common.spec import Training
    from edgepress_worker.keras_files import save_model
    from edgepress_worker.training import train
    from fakes.step_context import PlainContext

    network = preactivation_network()
    train(
        network,
        coloured_pack(),
        Training(epochs=epochs, batch_size=16, learning_rate=0.01),
        PlainContext(folder / "train"),
    )
    path = folder / "trained.h5"
    save_model(network, path)
    return path
