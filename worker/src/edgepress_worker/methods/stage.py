"""Runs a stage with its method, stores the resulting model, and measures the size of its file."""

from edgepress_common.errors import BrokenPromiseError, StepFailedError
from edgepress_common.messages import Outputs
from edgepress_common.promises import ShapePromise
from edgepress_common.results import StageResult
from edgepress_common.spec import METHODS
from edgepress_common.steps import StageStep
from edgepress_worker.context import StepContext
from edgepress_worker.keras_cost import shape_of
from edgepress_worker.keras_files import MEDIA_TYPE, save_and_weigh
from edgepress_worker.methods.method import Compressed, Material
from edgepress_worker.methods.registry import RUNNERS
from edgepress_worker.methods.stage_figures import measure_stage_figures
from edgepress_worker.threads import threads_in_use
from edgepress_worker.training import TrainingOutcome, begin_repeatable
from edgepress_worker.training.devices import on_devices
from edgepress_worker.training.precision import with_kept_precision


def run_stage(parameters: StageStep, material: Material, context: StepContext) -> tuple[Outputs, StageResult]:
    """Run a stage.

    Args:
        parameters: Parameters of the stage.
        material: Inputs of the stage.
        context: Context of the attempt.

    Returns:
        The artifact ``model``, an .h5 file, and the result of the stage.

    Raises:
        EdgepressError: The stage failed; see `edgepress_common.errors`.
    """
    begin_repeatable(parameters.training.seed)
    training = with_kept_precision(parameters.training, context.scratch / "training")
    parameters = parameters.model_copy(update={"training": training})
    with on_devices(training, len(material.pack.train)) as devices:
        made = RUNNERS[parameters.stage.kind](parameters, material, context)
    if material.teachers and not made.taught:
        raise StepFailedError(f"{parameters.stage.kind} has a teacher, but this worker's code of it did not use it")
    shape = _promised_shape(parameters, material, made)
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
        shape=shape,
        channel_groups=made.channel_groups,
        work_by_keep=made.work_by_keep,
        threads=threads_in_use(),
        precision=training.precision,
        devices=devices,
        figures=measure_stage_figures(made),
    )


def _promised_shape(parameters: StageStep, material: Material, made: Compressed) -> ShapePromise | None:
    """Return the shape that the stage promises: the planned one, or the promised one of the network that it continues.

    Raises:
        BrokenPromiseError: The network has another shape.
    """
    kept = material.shape if "shape" in METHODS[parameters.stage.kind].keeps else None
    promised = kept if made.shape is None else made.shape
    if promised is None or (found := shape_of(made.model)) == promised:
        return promised
    others = sorted(dict(found.channels.items() ^ promised.channels.items()))
    where = f"; {others[0]!r} has other channels" if others else ""
    raise BrokenPromiseError(
        f"{parameters.stage.kind}: the network has {found.macs:,} MACs and {found.weights:,} weights; "
        f"{promised.macs:,} and {promised.weights:,} were promised{where}"
    )


def _epoch_seconds(record: TrainingOutcome) -> float:
    """Return the mean duration of the epochs without the time to compile the network; 0 without any.

    Where an epoch has a single step, that time is not known: epochs that compiled are then left out if there are
    others.
    """
    compiled = {0, record.resumed_after_epochs}
    known = [
        epoch.seconds - epoch.compile_seconds
        for position, epoch in enumerate(record.epochs)
        if position not in compiled or epoch.compile_seconds
    ]
    seconds = known or [epoch.seconds for epoch in record.epochs]
    return sum(seconds) / max(len(seconds), 1)
