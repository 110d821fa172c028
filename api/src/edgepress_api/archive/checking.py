"""Checks what an archive says of a job, before anything of it is stored."""

from pydantic import ValidationError

from edgepress_api.devices.checking import Measured, check_measurement
from edgepress_api.report.composing import compose_report
from edgepress_api.report.steps import ReportedJob, ReportedPipeline, ReportedStep
from edgepress_api.steps.plausible import ReportedEvaluation
from edgepress_common.answers.archive import ArchivedJob, ArchivedStep
from edgepress_common.answers.job_list import JobSummary
from edgepress_common.errors import InvalidInputError
from edgepress_common.results import EvaluationResult, PackResult
from edgepress_common.steps import EvaluationStep, StepKey


def check_results(job: ArchivedJob) -> None:
    """Check measurements as if devices had reported them, and that the job can be shown.

    Raises:
        InvalidInputError: A measurement is impossible, or parts of the job do not agree.
    """
    steps = {step.key: step for step in job.steps}
    for step in job.steps:
        if isinstance(step.result, EvaluationResult):
            _check_evaluation(step, step.result, steps[step.inputs["pack"]], steps[step.inputs["model"]])
    _check_report(job, steps)


def _check_evaluation(step: ArchivedStep, result: EvaluationResult, pack: ArchivedStep, model: ArchivedStep) -> None:
    try:
        reported = ReportedEvaluation.model_validate(result.model_dump())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "its result"
        raise InvalidInputError(f"{step.title!r} has impossible figures: {where}: {first['msg']}") from error
    assert isinstance(step.parameters, EvaluationStep)
    if not isinstance(pack.result, PackResult) or "tflite" not in model.outputs:
        raise InvalidInputError(f"{step.title!r} succeeded, but its inputs did not; accepted: inputs that succeeded")
    measured = Measured(
        device=reported.device,
        model_sha256=model.outputs["tflite"].sha256,
        parameters=step.parameters,
        counts=pack.result.validation_counts,
        test_counts=None if reported.test is None else pack.result.test_counts,
    )
    check_measurement(reported, measured)


def _check_report(job: ArchivedJob, steps: dict[StepKey, ArchivedStep]) -> None:
    summary = JobSummary(
        id=job.job_id,
        name=job.name,
        state=job.state,
        created_at=job.created_at,
        finished_at=job.finished_at,
        error=job.error,
    )
    pipelines = tuple(
        ReportedPipeline(pipeline.name, tuple(_reported(steps[key]) for key in pipeline.steps))
        for pipeline in job.pipelines
    )
    try:
        compose_report(summary, ReportedJob(job.spec, pipelines)).model_dump_json()
    except Exception as error:  # any inconsistency: the archive is to blame, not the server
        raise InvalidInputError(
            f"no report can be made of what the archive has ({type(error).__name__}: {str(error)[:200]}); accepted: an "
            "archive as `edgepress archive` has written it"
        ) from error


def _reported(step: ArchivedStep) -> ReportedStep:
    return ReportedStep(
        key=step.key,
        title=step.title,
        parameters=step.parameters,
        inputs=step.inputs,
        result=step.result,
        failure=step.failure,
    )
