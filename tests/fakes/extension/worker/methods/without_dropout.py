"""Takes dropout layers out."""

from typing import Any

from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_graph import copy_of, rebuild
from edgepress_worker.methods.fine_tuning import load_source
from edgepress_worker.methods.method import Compressed, Material, MethodRunner
from edgepress_worker.training import train


def without_dropout(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `MethodRunner`."""
    left = parameters.stage.model_dump()["at_most"]

    def replace(layer: Any) -> Any:
        nonlocal left
        if isinstance(layer, keras.layers.Dropout) and left:
            left -= 1
            return None
        return copy_of(layer)

    network = rebuild(load_source(parameters, material), replace=replace)
    record = train(network, material.pack, parameters.training, context)
    return Compressed(network, network.optimizer, record)


RUNNER: MethodRunner = without_dropout
