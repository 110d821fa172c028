"""The steps of a job as a report receives them, finished without a worker."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from edgepress_api.report.steps import ReportedJob, ReportedPipeline, ReportedStep
from edgepress_common.plan import make_plan
from edgepress_common.results import StepResult
from edgepress_common.spec import JobSpec
from edgepress_common.steps import StageStep, Step
from fakes.jobs import made_up

Result = Callable[[Step, Sequence[StageStep]], StepResult | None]


def reported_with(spec: JobSpec, result: Result, devices: tuple[str, ...] = ("pi",)) -> ReportedJob:
    """The pipelines of a spec, with what is said of each step, given its pipeline's stages up to there."""
    plan = make_plan(spec, fingerprint="digits", devices=devices)
    steps = {step.key: step for step in plan.steps}
    pipelines = []
    for pipeline in plan.pipelines:
        stages: list[StageStep] = []
        reported = []
        for step in (steps[key] for key in pipeline.steps):
            if isinstance(step.parameters, StageStep):
                stages.append(step.parameters)
            reported.append(_reported(step, result(step, stages)))
        pipelines.append(ReportedPipeline(name=pipeline.name, steps=tuple(reported)))
    return ReportedJob(spec=spec, pipelines=tuple(pipelines))


def reported(spec: JobSpec, results: dict[str, StepResult], devices: tuple[str, ...] = ("pi",)) -> ReportedJob:
    """The pipelines of a spec, all done, with the results given for some titles."""
    return reported_with(spec, lambda step, _: results.get(step.title, made_up(step.kind)[1]), devices)


def _reported(step: Step, result: StepResult | None) -> ReportedStep:
    return ReportedStep(
        key=step.key, title=step.title, parameters=step.parameters, inputs=step.inputs, result=result, failure=None
    )


def map_results(job: ReportedJob, change: Callable[[str, StepResult], StepResult]) -> ReportedJob:
    """Return the job with each result changed by a function of the step's title and the result."""

    def changed(step: ReportedStep) -> ReportedStep:
        return step if step.result is None else replace(step, result=change(step.title, step.result))

    pipelines = (replace(each, steps=tuple(map(changed, each.steps))) for each in job.pipelines)
    return replace(job, pipelines=tuple(pipelines))
