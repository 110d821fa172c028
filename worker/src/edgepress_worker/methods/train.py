"""Trains a network with cross-entropy, from random, ImageNet or uploaded weights."""

from edgepress_common.spec import Network, UploadedModel
from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.keras_environment import keras
from edgepress_worker.methods.method import Compressed, Material, MethodRunner
from edgepress_worker.networks import build_network
from edgepress_worker.training import in_training_precision, train
from edgepress_worker.training.precision import in_float32
from edgepress_worker.uploaded_models.building import build_uploaded


def train_network(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `MethodRunner`."""
    network = new_network(parameters.model, parameters, material, context)
    record = train(network, material.pack, parameters.training, context, began=material.began)
    return Compressed(in_float32(network), network.optimizer, record)


def new_network(model: Network, parameters: StageStep, material: Material, context: StepContext) -> keras.Model:
    """Return a new or uploaded network for the images of the pack, in the precision of the training."""
    image_size, classes = material.pack.train.images.shape[1], len(material.pack.classes)
    if isinstance(model, UploadedModel):
        file = context.store.local_path(model.sha256)
        network = build_uploaded(model, file, image_size=image_size, classes=classes, scratch=context.scratch)
    else:
        network = build_network(model, image_size=image_size, classes=classes, downloads=material.downloads)
    return in_training_precision(network, parameters.training)


RUNNER: MethodRunner = train_network
