"""A student, a teacher and images for distillations that take seconds."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepress_worker.pack import LabelledImages, Pack
from fakes.tiny_images import CLASSES, SIDE, tiny_images


def student_pack() -> Pack:
    """48 images to train on, with more of some classes than of others, and 20 to validate on."""
    images, labels = tiny_images(48)
    return Pack(CLASSES, LabelledImages(images, np.minimum(labels, 2)), LabelledImages(*tiny_images(20, seed=1)))


def small_student(*, chance: bool = True) -> Any:
    """A network, the same weights each time it is made.

    Args:
        chance: Whether it has what makes training and inference differ: normalization and dropout.
    """
    from edgepress_worker.keras_environment import keras
    from edgepress_worker.training import begin_repeatable

    begin_repeatable(7)
    layers = keras.layers
    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    flow = layers.Rescaling(1 / 255, name="scaling")(pixels)
    flow = layers.Conv2D(4, 3, strides=4, name="convolution")(flow)
    flow = layers.BatchNormalization(name="normalization")(flow) if chance else flow
    flow = layers.GlobalAveragePooling2D(name="pooled")(layers.ReLU(name="relu")(flow))
    flow = layers.Dropout(0.3, name="dropout")(flow) if chance else flow
    flow = layers.Dense(len(CLASSES), name="classifier")(flow)
    return keras.Model(pixels, layers.Activation("softmax", name="probabilities")(flow), name="student")


def small_teacher() -> Any:
    """A network with a different and confident prediction for each image and each of its mirror images."""
    from edgepress_worker.keras_environment import keras

    layers = keras.layers
    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    flow = layers.AveragePooling2D(8, name="smaller")(layers.Rescaling(1 / 64, name="scaling")(pixels))
    flow = layers.BatchNormalization(name="normalization")(layers.Flatten(name="flat")(flow))
    flow = layers.Dense(len(CLASSES), name="classifier")(layers.Dropout(0.5, name="dropout")(flow))
    network = keras.Model(pixels, layers.Activation("softmax", name="probabilities")(flow), name="teacher")
    random = np.random.default_rng(2)
    network.get_layer("classifier").set_weights([random.normal(0, 2, (48, len(CLASSES))), np.zeros(len(CLASSES))])
    return network
