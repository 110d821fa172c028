"""Networks that convert in a second, a pack they fit, and the way into a file of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgepress_worker.pack import LabelledImages, Pack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from edgepress_common.spec.exports import ExportKind

CLASSES = ("blank", "dots", "stripes")
SIDE = 16

Kernel = npt.NDArray[np.float32]


def small_pack(count: int = 30) -> Pack:
    """Random pixels, the classes in turn, the same images for training and validation."""
    images = np.random.default_rng(5).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
    part = LabelledImages(images, np.arange(count, dtype=np.int64) % len(CLASSES))
    return Pack(classes=CLASSES, train=part, validation=part)


def small_network(change: Callable[[Kernel], Kernel] = lambda kernel: kernel) -> Any:
    """A Keras model with each kind of layer that holds weights, the same ones each time.

    Convolution, depthwise convolution, 1x1 convolution, dense softmax.

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


def chain(kernels: Mapping[str, Kernel], *, normalized: bool = False) -> Any:
    """A Keras model of convolutions one after the other, each followed by a ReLU, and a classifier.

    Args:
        kernels: By the names of the layers, ``(height, width, in, out)``; the first takes three channels, each of the
            others what the one before it gives.
        normalized: Whether a normalization stands before each ReLU. Some of its factors are negative.
    """
    from edgepress_worker.keras_environment import keras

    layers = keras.layers
    random = np.random.default_rng(11)
    image = flow = keras.Input((SIDE, SIDE, 3), name="pixels")
    for name, kernel in kernels.items():
        height, width, _, channels = kernel.shape
        convolution = layers.Conv2D(channels, (height, width), padding="same", use_bias=False, name=name)
        flow = convolution(flow)
        convolution.set_weights([kernel])
        if normalized:
            normalization = layers.BatchNormalization(name=name + "_norm")
            flow = normalization(flow)
            gamma = random.uniform(0.5, 2, channels) * np.where(np.arange(channels) % 4, 1, -1)
            shift, mean, variance = np.full((3, channels), [[0.1], [0.0], [float(height * width * 100)]])
            normalization.set_weights([gamma, shift, mean, variance])
        flow = layers.ReLU(name=name + "_relu")(flow)
    flow = layers.GlobalAveragePooling2D(name="pooled")(flow)
    flow = layers.Dense(len(CLASSES), name="classifier")(flow)
    return keras.Model(image, layers.Softmax(name="probabilities")(flow), name="chain")


def written(network: Any, kind: ExportKind, folder: Path, *, calibrated_on: int = 4) -> Path:
    """The network as a file of this kind, as the converter leaves it; calibrated on the first images of the pack."""
    from edgepress_common.spec.exports import EXPORTS
    from edgepress_worker.exports.calibration import Calibration
    from edgepress_worker.exports.exporter import ExportMaterial
    from edgepress_worker.exports.registry import EXPORTERS
    from fakes.step_context import PlainContext

    context = PlainContext(folder)
    images = LabelledImages(small_pack(max(30, calibrated_on)).train.images[:calibrated_on], np.arange(calibrated_on))
    material = ExportMaterial(network, SIDE, (), Calibration(images, 1, context), images, context)
    path = folder / f"{kind}.tflite"
    path.write_bytes(EXPORTERS[kind](EXPORTS[kind].parameters(kind=kind), material).content)
    return path


def saved(network: Any, folder: Path) -> Path:
    """The network's file, as a stage leaves it."""
    from edgepress_worker.keras_files import save_model

    path = folder / "model"
    save_model(network, path)
    return path
