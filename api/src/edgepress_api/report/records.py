"""What else a report tells of a job's steps: its data set, its trainings, and what did not work."""

from collections.abc import Sequence

from edgepress_api.report.document import FailureRecord, TrainingRecord
from edgepress_api.report.steps import ReportedPipeline
from edgepress_common.results import PackResult, StageResult
from edgepress_common.steps import StageStep, StepKey


def find_pack(pipelines: Sequence[ReportedPipeline]) -> PackResult | None:
    """What the data set turned out to be, once it is packed."""
    results = (step.result for pipeline in pipelines for step in pipeline.steps)
    return next((result for result in results if isinstance(result, PackResult)), None)


def find_trainings(pipelines: Sequence[ReportedPipeline]) -> tuple[TrainingRecord, ...]:
    """The stages that were run, each once."""
    found = {}
    for pipeline in pipelines:
        for step in pipeline.steps:
            if isinstance(step.parameters, StageStep) and isinstance(step.result, StageResult):
                found[step.key] = TrainingRecord(
                    step_key=step.key,
                    stage=step.parameters.stage.kind,
                    pipelines=_sharing(pipelines, step.key),
                    architecture=step.parameters.model.architecture,
                    parameters=step.result.parameters,
                    val_accuracy=step.result.val_accuracy,
                    epoch_seconds=step.result.epoch_seconds,
                    epochs=step.result.epochs,
                )
    return tuple(found.values())


def find_failures(pipelines: Sequence[ReportedPipeline]) -> tuple[FailureRecord, ...]:
    """What failed of itself, each once."""
    found = {}
    for pipeline in pipelines:
        for step in pipeline.steps:
            if step.failure is not None and step.failure.code != "input_failed":
                found[step.key] = FailureRecord(
                    step_key=step.key,
                    title=step.title,
                    pipelines=_sharing(pipelines, step.key),
                    code=step.failure.code,
                    message=step.failure.message,
                )
    return tuple(found.values())


def _sharing(pipelines: Sequence[ReportedPipeline], key: StepKey) -> tuple[str, ...]:
    return tuple(pipeline.name for pipeline in pipelines if any(step.key == key for step in pipeline.steps))
