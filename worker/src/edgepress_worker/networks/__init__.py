"""Builds the networks of the catalogue as Keras models."""

from pathlib import Path

from edgepress_common.errors import UnavailableError
from edgepress_common.spec.model import Model
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.networks.catalogue import NETWORKS, NetworkRecipe
from edgepress_worker.networks.imagenet_weights import fetch

__all__ = ["LOGITS_LAYER", "build_network"]

LOGITS_LAYER = "classifier"
"""Name of the layer with the classes' logits ``(batch, classes)`` as output; the next layer is a softmax."""


def build_network(model: Model, *, image_size: int, classes: int, downloads: Path) -> keras.Model:
    """Return a network with a classifier: global average pooling, dropout if configured, one dense layer, softmax.

    Args:
        model: Architecture, width, dropout and initial weights.
        image_size: Height and width of the images in pixels.
        classes: Number of classes.
        downloads: Folder for downloads; ImageNet weights are in its folder ``weights``.

    Returns:
        A model that is not compiled. Its input are float32 pixels, 0 to 255, RGB,
        ``(batch, image_size, image_size, 3)``; its output are the probabilities of the classes ``(batch, classes)``.

    Raises:
        UnavailableError: The ImageNet weights can't be downloaded, or the file is damaged.
    """
    network = NETWORKS[model.architecture]
    pixels = keras.Input((image_size, image_size, 3), name="pixels")
    scaled = pixels if network.scaling is None else network.scaling.layer()(pixels)
    features = network.features(scaled, model.width)
    if model.weights == "imagenet":
        assert network.imagenet is not None  # the catalogue has no such weights otherwise
        _load_imagenet(features, network, fetch(network.imagenet(model.width, image_size), downloads / "weights"))
    return keras.Model(features.input, _classifier(features.output, classes, model.dropout), name=model.architecture)


def _classifier(features: tf.Tensor, classes: int, dropout: float) -> tf.Tensor:
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(features)
    if dropout > 0:
        pooled = keras.layers.Dropout(dropout, name="pooled_dropout")(pooled)
    # Two layers, so that stages can use the logits (a student's temperature, int8's range of the logits).
    logits = keras.layers.Dense(classes, name=LOGITS_LAYER)(pooled)
    return keras.layers.Activation("softmax", name="probabilities")(logits)


def _load_imagenet(features: keras.Model, network: NetworkRecipe, file: Path) -> None:
    try:
        features.load_weights(file, by_name=network.loads_by_name)
    except (OSError, ValueError) as error:
        raise UnavailableError(
            f"{file.absolute()} does not contain the ImageNet weights that its name promises: {error}. "
            "Delete the file to download it again"
        ) from error
