"""Trains a network from random or ImageNet weights with cross-entropy: what every other stage starts from."""

from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.methods.method import Compressed, Material
from edgepress_worker.networks import build_network
from edgepress_worker.training import choose_policy, gpu_capabilities, train, with_policy


def train_network(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `Method`."""
    network = build_network(
        parameters.model,
        image_size=material.pack.train.images.shape[1],
        classes=len(material.pack.classes),
        downloads=material.downloads,
    )
    policy = choose_policy(parameters.training.precision, gpu_capabilities())
    trained = network if policy == "float32" else with_policy(network, policy)
    record = train(trained, material.pack, parameters.training, context)
    model = trained if policy == "float32" else with_policy(trained, "float32")
    return Compressed(model, trained.optimizer, record)
