"""A network that converts in a second and has each kind of layer that holds weights, and a pack it fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgepress_worker.pack import LabelledImages, Pack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLASSES = ("blank", "dots", "stripes")
SIDE = 16

Kernel = npt.NDArray[np.float32]


def small_pack(count: int = 30) -> Pack:
    """Random pixels, the classes in turn, the same images for training and validation."""
    images = np.random.default_rng(5).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
    part = LabelledImages(images, np.arange(count, dtype=np.int64) % len(CLASSES))
    return Pack(classes=CLASSES, train=part, validation=part)


def small_network(change: Callable[[Kernel], Kernel] = lambda kernel: kernel) -> Any:
    """A Keras model: convolution, depthwise convolution, 1x1 convolution, dense softmax; the same weights each time.

    Args:
        change: What is done to each kernel, once it is drawn: zeros put in, values made few.
    """
    from edgepress_worker.keras_environment import keras

    layers = keras.layers
    image = keras.Input((SIDE, SIDE, 3), name="pixels")
    # No scaling, no BatchNorm: the converter would fold them into the weights, which tests look for again in the file.
    flow = layers.Conv2D(8, 3, activation="relu", name="first")(image)
    flow = layers.DepthwiseConv2D(3, activation="relu", name="depthwise")(flow)
    flow = layers.Conv2D(160, 1, activation="relu", name="pointwise")(flow)  # enough weights for `dynamic` to quantize
    flow = layers.GlobalAveragePooling2D(name="pooled")(flow)
    flow = layers.Dense(len(CLASSES), activation="softmax", name="classifier")(flow)
    network = keras.Model(image, flow, name="small")
    random = np.random.default_rng(7)
    for layer in network.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            layer.set_weights([change(random.normal(0, 0.3, kernel.shape).astype(np.float32)), bias])
    return network


def saved(network: Any, folder: Path) -> Path:
    """The network's file, as a stage leaves it."""
    from edgepress_worker.keras_files import save_model

    path = folder / "model"
    save_model(network, path)
    return path
