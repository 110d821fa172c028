"""Runs a stage: hands the material to its method, stores the model that comes back, and weighs it."""

from pathlib import Path
from typing import get_args

from edgepress_common.messages import Outputs
from edgepress_common.results import StageResult
from edgepress_common.spec.stages import StageKind
from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.keras_files import MEDIA_TYPE, save_model, size_with_optimizer
from edgepress_worker.methods.method import Material, Method
from edgepress_worker.methods.train import train_network
from edgepress_worker.pack import Pack
from edgepress_worker.run import Environment
from edgepress_worker.training import TrainingRecord, begin_repeatable

METHODS: dict[StageKind, Method] = {
    "train": train_network,
}

assert set(METHODS) == set(get_args(StageKind))


def run_stage(
    parameters: StageStep, pack: Pack, model: Path | None, context: StepContext, environment: Environment
) -> tuple[Outputs, StageResult]:
    """Runs a stage.

    Args:
        parameters: Which, and with what settings.
        pack: The images.
        model: File of the model it starts from, if it starts from one.
        context: Of this attempt.
        environment: Of this worker.

    Returns:
        ``model``, the .h5 file, and what there is to say about it.

    Raises:
        EdgepressError: It can't be done; see `edgepress_common.errors`.
    """
    begin_repeatable(parameters.training.seed)
    method = METHODS[parameters.stage.kind]
    made = method(parameters, Material(pack, model, environment.downloads), context)
    file = context.scratch / "model.h5"
    keras_size = save_model(made.model, file)
    with_optimizer = size_with_optimizer(made.model, made.optimizer, context.scratch)
    record = made.record
    return {"model": context.store.put_file(file, MEDIA_TYPE, move=True)}, StageResult(
        epochs=record.epochs,
        val_accuracy=record.epochs[record.kept - 1].val_accuracy,
        parameters=made.model.count_params(),
        epoch_seconds=_epoch_seconds(record),
        resumed_after_epochs=record.resumed_after_epochs,
        keras_bytes=keras_size.size_bytes,
        keras_zip_bytes=keras_size.zip_bytes,
        keras_with_optimizer_bytes=with_optimizer.size_bytes,
        keras_with_optimizer_zip_bytes=with_optimizer.zip_bytes,
    )


def _epoch_seconds(record: TrainingRecord) -> float:
    """Mean over the epochs that did not compile: an attempt's first one does."""
    compiled = {0, record.resumed_after_epochs}
    seconds = [epoch.seconds for position, epoch in enumerate(record.epochs) if position not in compiled]
    seconds = seconds or [epoch.seconds for epoch in record.epochs]
    return sum(seconds) / len(seconds)
