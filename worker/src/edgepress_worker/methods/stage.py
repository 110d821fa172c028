"""Runs a stage: hands the material to its method, stores the model that comes back, and weighs it."""

from typing import get_args

from edgepress_common.messages import Outputs
from edgepress_common.results import StageResult
from edgepress_common.spec.stages import StageKind
from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.keras_files import MEDIA_TYPE, save_and_weigh
from edgepress_worker.methods.cluster import cluster
from edgepress_worker.methods.distill import distill
from edgepress_worker.methods.method import Material, Method
from edgepress_worker.methods.prune import prune
from edgepress_worker.methods.quantize_aware import quantize_aware
from edgepress_worker.methods.train import train_network
from edgepress_worker.training import TrainingRecord, begin_repeatable

METHODS: dict[StageKind, Method] = {
    "train": train_network,
    "prune": prune,
    "cluster": cluster,
    "quantize_aware": quantize_aware,
    "distill": distill,
}

assert set(METHODS) == set(get_args(StageKind))


def run_stage(parameters: StageStep, material: Material, context: StepContext) -> tuple[Outputs, StageResult]:
    """Runs a stage.

    Args:
        parameters: Which, and with what settings.
        material: What it works on.
        context: Of this attempt.

    Returns:
        ``model``, the .h5 file, and what there is to say about it.

    Raises:
        EdgepressError: It can't be done; see `edgepress_common.errors`.
    """
    begin_repeatable(parameters.training.seed)
    method = METHODS[parameters.stage.kind]
    made = method(parameters, material, context)
    file = context.scratch / "model.h5"
    keras_size, with_optimizer = save_and_weigh(made.model, made.optimizer, file)
    record = made.record
    return {"model": context.store.put_file(file, MEDIA_TYPE, move=True)}, StageResult(
        epochs=record.epochs,
        val_accuracy=record.val_accuracy,
        parameters=made.model.count_params(),
        epoch_seconds=_epoch_seconds(record),
        resumed_after_epochs=record.resumed_after_epochs,
        keras_bytes=keras_size.size_bytes,
        keras_zip_bytes=keras_size.zip_bytes,
        keras_with_optimizer_bytes=with_optimizer.size_bytes,
        keras_with_optimizer_zip_bytes=with_optimizer.zip_bytes,
        promises=made.promises,
    )


def _epoch_seconds(record: TrainingRecord) -> float:
    """Mean over the epochs that did not compile: an attempt's first one does. 0 where there were none."""
    compiled = {0, record.resumed_after_epochs}
    seconds = [epoch.seconds for position, epoch in enumerate(record.epochs) if position not in compiled]
    seconds = seconds or [epoch.seconds for epoch in record.epochs]
    return sum(seconds) / max(len(seconds), 1)
