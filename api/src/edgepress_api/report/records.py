"""What else a report tells of a job's steps: its data set, its pipelines, its trainings, and what did not work."""

from edgepress_api.report.document import FailureRecord, PipelineRecord, Provenance, StepCost, TrainingRecord
from edgepress_api.report.stage_words import stage_summary
from edgepress_api.report.steps import ReportedJob, ReportedPipeline
from edgepress_common import __version__
from edgepress_common.results import PackResult, StageResult
from edgepress_common.steps import CODE_VERSIONS, PackStep, StepKey


def find_pack(job: ReportedJob) -> PackResult | None:
    """What the data set turned out to be, once it is packed."""
    results = (step.result for pipeline in job.pipelines for step in pipeline.steps)
    return next((result for result in results if isinstance(result, PackResult)), None)


def find_pipelines(job: ReportedJob) -> tuple[PipelineRecord, ...]:
    """What was asked for, whatever has come of it."""
    return tuple(
        PipelineRecord(name=pipeline.name, method=job.method_of(pipeline), stages=stage_summaries(pipeline))
        for pipeline in job.pipelines
    )


def stage_summaries(pipeline: ReportedPipeline) -> tuple[str, ...]:
    """A pipeline's stages in words, from the first."""
    return tuple(stage_summary(parameters) for _, parameters in pipeline.stages)


def find_trainings(job: ReportedJob) -> tuple[TrainingRecord, ...]:
    """The stages that were run, each once."""
    found: dict[StepKey, TrainingRecord] = {}
    for pipeline in job.pipelines:
        summaries = stage_summaries(pipeline)
        for count, (step, parameters) in enumerate(pipeline.stages, start=1):
            if isinstance(step.result, StageResult) and step.key not in found:
                found[step.key] = TrainingRecord(
                    step_key=step.key,
                    stage=parameters.stage.kind,
                    stages=summaries[:count],
                    pipelines=job.sharing(step.key),
                    architecture=parameters.model.architecture,
                    parameters=step.result.parameters,
                    val_accuracy=step.result.val_accuracy,
                    epoch_seconds=step.result.epoch_seconds,
                    epochs=step.result.epochs,
                )
    return tuple(found.values())


def find_costs(job: ReportedJob) -> tuple[StepCost, ...]:
    """What was done and what it took, each step once."""
    found: dict[StepKey, StepCost] = {}
    for pipeline in job.pipelines:
        for step in pipeline.steps:
            if step.result is not None and step.key not in found:
                found[step.key] = StepCost(
                    step_key=step.key,
                    kind=step.parameters.kind,
                    title=step.title,
                    pipelines=job.sharing(step.key),
                    seconds=step.seconds,
                    holder=step.holder,
                )
    return tuple(found.values())


def find_provenance(job: ReportedJob) -> Provenance:
    """What else is needed to do the job again."""
    parameters = (step.parameters for pipeline in job.pipelines for step in pipeline.steps)
    fingerprints = (each.fingerprint for each in parameters if isinstance(each, PackStep))
    return Provenance(
        edgepress_version=__version__,
        code_versions=dict(CODE_VERSIONS),
        dataset_fingerprint=next(fingerprints, None),
    )


def find_failures(job: ReportedJob) -> tuple[FailureRecord, ...]:
    """What failed of itself, each once."""
    found: dict[StepKey, FailureRecord] = {}
    for pipeline in job.pipelines:
        for step in pipeline.steps:
            if step.failure is not None and step.failure.code != "input_failed":
                found[step.key] = FailureRecord(
                    step_key=step.key,
                    title=step.title,
                    pipelines=job.sharing(step.key),
                    code=step.failure.code,
                    message=step.failure.message,
                )
    return tuple(found.values())
