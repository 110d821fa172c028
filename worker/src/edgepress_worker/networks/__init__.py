"""Builds the networks of the catalogue as Keras models."""

from pathlib import Path

from edgepress_common.errors import UnavailableError
from edgepress_common.spec.model import Model
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.networks.catalogue import NETWORKS, Network
from edgepress_worker.networks.imagenet_weights import fetch

__all__ = ["LOGITS_LAYER", "build_network"]

LOGITS_LAYER = "classifier"
"""Name of the layer that gives the classes' logits ``(batch, classes)``; the one behind it makes them probabilities."""


def build_network(model: Model, *, image_size: int, classes: int, downloads: Path) -> keras.Model:
    """A network with a classifier on top: global average pooling, dropout if asked for, one dense layer, softmax.

    Args:
        model: Which network, how wide, and what its weights start from.
        image_size: Side of its images in pixels.
        classes: Number of classes.
        downloads: Where downloads are kept; ImageNet weights lie in its folder ``weights``.

    Returns:
        Takes float32 pixels from 0 to 255 ``(batch, image_size, image_size, 3)``, RGB; gives the classes'
        probabilities ``(batch, classes)``. Not compiled.

    Raises:
        UnavailableError: The ImageNet weights are neither here nor to be had, or the file is broken.
    """
    network = NETWORKS[model.architecture]
    pixels = keras.Input((image_size, image_size, 3), name="pixels")
    scaled = pixels if network.scaling is None else network.scaling.layer()(pixels)
    features = network.features(scaled, model.width)
    if model.weights == "imagenet":
        _load_imagenet(features, network, fetch(network.imagenet(model.width, image_size), downloads / "weights"))
    return keras.Model(features.input, _classifier(features.output, classes, model.dropout), name=model.architecture)


def _classifier(features: tf.Tensor, classes: int, dropout: float) -> tf.Tensor:
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(features)
    if dropout > 0:
        pooled = keras.layers.Dropout(dropout, name="pooled_dropout")(pooled)
    # Two layers: what works on logits (a student's temperature, int8's range of them) finds them between.
    logits = keras.layers.Dense(classes, name=LOGITS_LAYER)(pooled)
    return keras.layers.Activation("softmax", name="probabilities")(logits)


def _load_imagenet(features: keras.Model, network: Network, file: Path) -> None:
    try:
        features.load_weights(file, by_name=network.loads_by_name)
    except (OSError, ValueError) as error:
        raise UnavailableError(
            f"{file.absolute()} does not hold the ImageNet weights it is named for: {error}. "
            "Delete it, and it is downloaded again"
        ) from error
