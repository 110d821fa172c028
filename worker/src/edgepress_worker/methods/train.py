"""Trains a network from random or ImageNet weights with cross-entropy: what every other stage starts from."""

from edgepress_common.spec import Model
from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.keras_environment import keras
from edgepress_worker.methods.method import Compressed, Material
from edgepress_worker.networks import build_network
from edgepress_worker.training import choose_policy, gpu_capabilities, train, with_policy
from edgepress_worker.training.precision import in_float32


def train_network(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `Method`."""
    network = new_network(parameters.model, parameters, material)
    record = train(network, material.pack, parameters.training, context)
    return Compressed(in_float32(network), network.optimizer, record)


def new_network(model: Model, parameters: StageStep, material: Material) -> keras.Model:
    """A network of the catalogue for the pack's images, in the precision to train it in."""
    network = build_network(
        model,
        image_size=material.pack.train.images.shape[1],
        classes=len(material.pack.classes),
        downloads=material.downloads,
    )
    policy = choose_policy(parameters.training.precision, gpu_capabilities())
    return network if policy == "float32" else with_policy(network, policy)
