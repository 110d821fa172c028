"""Loads the input of a stage that changes the network's shape, with the new shape.

The first attempt changes the shape and saves the network in the scratch folder; all attempts load it from there. A
resumed attempt therefore continues with the same layers and channels, even where the choice depends on random numbers.
"""

from collections.abc import Callable
from dataclasses import replace

from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_files import load_model, save_model
from edgepress_worker.methods.fine_tuning import load_source
from edgepress_worker.methods.method import Material
from edgepress_worker.training import begin_repeatable


def reshaped_source(
    parameters: StageStep,
    material: Material,
    context: StepContext,
    reshape: Callable[[keras.Model], keras.Model],
    *,
    name: str = "reshaped",
) -> keras.Model:
    """Return the reshaped input network, in the precision of the training.

    Args:
        parameters: Parameters of the stage.
        material: Inputs of the stage.
        context: Context of the attempt. The reshaped network is saved under ``scratch``.
        reshape: Function that returns the network with its new shape, given the input network in float32. It is called
            once, in the first attempt that completes it.
        name: Name of the saved network, for stages that change the shape several times.

    Raises:
        EdgepressError: ``reshape`` has raised it.
    """
    file = context.scratch / f"{name}.h5"
    if not file.exists():
        assert material.source is not None
        incoming = file.with_suffix(".incoming")
        save_model(reshape(load_model(material.source)), incoming)
        incoming.replace(file)  # complete, or not there
    begin_repeatable(parameters.training.seed)  # every attempt goes on from here in the same state
    return load_source(parameters, replace(material, source=file))
