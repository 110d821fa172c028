"""The inputs and outputs of a method."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from edgepress_common.promises import LayerPromise, ShapePromise
from edgepress_common.results import ChannelGroup, OperatorWork, PredictedLatency
from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.keras_environment import keras
from edgepress_worker.pack import Pack
from edgepress_worker.training import TrainingOutcome


@dataclass(frozen=True)
class Material:
    """The inputs of a stage.

    Attributes:
        pack: The images.
        source: File of the input network; None for a stage that creates its network.
        downloads: Folder for downloads.
        promises: Promises about the weights of the input network, by layer.
        shape: Promised shape of the input network, if an earlier stage has changed it.
        teachers: Files of the networks that the stage learns from.
        began: When the stage began, by `time.monotonic`.
    """

    pack: Pack
    source: Path | None
    downloads: Path
    promises: tuple[LayerPromise, ...] = ()
    shape: ShapePromise | None = None
    teachers: tuple[Path, ...] = ()
    began: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Compressed:
    """The output of a stage.

    Attributes:
        model: The model in float32, without wrappers of the training.
        optimizer: The optimizer that trained the model, with its state.
        record: The course of the training.
        promises: Promises about the model's weights, by layer, including kept promises of earlier stages.
        channel_groups: Groups of channels, if the stage removes channels.
        shape: Shape that the stage has planned, if it changes the shape; `run_stage` verifies it.
        taught: Whether it learned from the stage's teachers.
        work_by_keep: See `StageResult`.
        predicted_latency: See `StageResult`.
    """

    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    record: TrainingOutcome
    promises: tuple[LayerPromise, ...] = ()
    shape: ShapePromise | None = None
    taught: bool = False
    channel_groups: tuple[ChannelGroup, ...] = ()
    work_by_keep: Mapping[str, tuple[OperatorWork, ...]] = field(default_factory=dict)
    predicted_latency: PredictedLatency | None = None


class MethodRunner(Protocol):
    """Runs stages of one kind.

    1. It may be interrupted at any time and called again with the same arguments. Its only state is what it and
       `training.train` write to the context's scratch folder in order to resume.
    2. It uses only the seed of the settings: another call results in the same weights.
    3. It verifies its promises on the resulting model, and raises `BrokenPromiseError` if one is broken.
    """

    def __call__(self, parameters: StageStep, material: Material, context: StepContext) -> Compressed:
        """Run the stage.

        Raises:
            EdgepressError: The stage failed; see `edgepress_common.errors`.
        """
        ...
