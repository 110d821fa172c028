"""Further parts of a report: data set, pipelines, trainings, costs, provenance and failures."""

from edgepress_api.report.steps import ReportedJob, ReportedPipeline, ReportedStep
from edgepress_common import __version__
from edgepress_common.answers.report import FailureRecord, MadeBy, PipelineRecord, Provenance, StepCost, TrainingRecord
from edgepress_common.repeats import Repetition
from edgepress_common.results import EvaluationResult, PackResult, StageResult
from edgepress_common.software import installed_software
from edgepress_common.stage_words import stage_summary
from edgepress_common.steps import (
    CODE_VERSIONS,
    EvaluationStep,
    ExportStep,
    PackStep,
    StageStep,
    StepKey,
    find_code_versions,
)


def find_pack(job: ReportedJob) -> PackResult | None:
    """Return the summary of the data set; None until it is packed."""
    results = (step.result for pipeline in job.pipelines for step in pipeline.steps)
    return next((result for result in results if isinstance(result, PackResult)), None)


def find_pipelines(job: ReportedJob) -> tuple[PipelineRecord, ...]:
    """Return the pipelines of the job, with or without results."""
    return tuple(
        PipelineRecord(
            name=pipeline.name,
            method=job.method_of(pipeline),
            stages=stage_summaries(pipeline),
            spec_pipeline=Repetition.of(pipeline.name).pipeline,
            seed=pipeline.stages[0][1].training.seed,
        )
        for pipeline in job.pipelines
    )


def stage_summaries(pipeline: ReportedPipeline) -> tuple[str, ...]:
    """Return the stages of a pipeline in words, in order."""
    return tuple(stage_summary(parameters) for _, parameters in pipeline.stages)


def find_trainings(job: ReportedJob) -> tuple[TrainingRecord, ...]:
    """Return the stages that were run, each once."""
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
    """Return the finished steps with their durations, each once."""
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
    """Return the provenance of the job: what else is needed to reproduce it."""
    parameters = (step.parameters for pipeline in job.pipelines for step in pipeline.steps)
    fingerprints = (each.fingerprint for each in parameters if isinstance(each, PackStep))
    return Provenance(
        edgepress_version=__version__,
        code_versions=dict(CODE_VERSIONS),
        dataset_fingerprint=next(fingerprints, None),
        software=installed_software(),
        made_by=_made_by(job),
    )


def _made_by(job: ReportedJob) -> tuple[MadeBy, ...]:
    """Return what made the results; steps of the same kind, versions and software together."""
    finished = {step.key: step for pipeline in job.pipelines for step in pipeline.steps if step.result is not None}
    found: dict[str, MadeBy] = {}
    for step in finished.values():
        assert step.result is not None
        key, inputs = step.origin or (step.key, step.inputs)
        made = MadeBy(
            kind=step.parameters.kind,
            name=_maker(step),
            code_versions=find_code_versions(key, step.parameters, inputs),
            software=step.result.software,
            steps=1,
        )
        same = made.model_dump_json()
        found[same] = made.model_copy(update={"steps": found[same].steps + 1}) if same in found else made
    return tuple(found.values())


def _maker(step: ReportedStep) -> str:
    match step.parameters:
        case PackStep(dataset=dataset):
            return dataset.kind
        case StageStep(stage=stage):
            return stage.kind
        case ExportStep(export=export):
            return export.kind
        case EvaluationStep(device=device):
            return step.result.device if isinstance(step.result, EvaluationResult) else device


def find_failures(job: ReportedJob) -> tuple[FailureRecord, ...]:
    """Return the steps that failed themselves, not because of an input, each once."""
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
