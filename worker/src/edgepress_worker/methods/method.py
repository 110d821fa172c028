"""What a method is given, and what it gives."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edgepress_common.promises import LayerPromise
from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.keras_environment import keras
from edgepress_worker.pack import Pack
from edgepress_worker.training import TrainingRecord


@dataclass(frozen=True)
class Material:
    """What a stage works on.

    Attributes:
        pack: The images.
        source: File of the model it starts from, a distillation's teacher; None for a stage that makes its own.
        downloads: Where downloads are kept.
        promises: What is true of the source's weights, by layer.
    """

    pack: Pack
    source: Path | None
    downloads: Path
    promises: tuple[LayerPromise, ...] = ()


@dataclass(frozen=True)
class Compressed:
    """A model as a stage leaves it.

    Attributes:
        model: In float32, without anything that was wrapped around it for the training.
        optimizer: That trained it, with its state.
        record: How the training went.
        promises: What is true of the model's weights, by layer; earlier stages' promises that it keeps among them.
    """

    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    record: TrainingRecord
    promises: tuple[LayerPromise, ...] = ()


class Method(Protocol):
    """A kind of stage: turns the material into a model.

    1. It may be interrupted anywhere and called again with the same arguments: it leaves nothing behind but what it and
       `training.train` keep in the context's scratch folder, to go on from.
    2. It draws from the settings' seed alone: called again, it gives the same weights.
    3. It checks what it promises on the model it gives, and raises `BrokenPromiseError` otherwise.
    """

    def __call__(self, parameters: StageStep, material: Material, context: StepContext) -> Compressed:
        """Does the stage.

        Raises:
            EdgepressError: It can't be done; see `edgepress_common.errors`.
        """
        ...
