"""Makes a report of a job's steps, each part by the module that knows how."""

from edgepress_api.jobs.following import UNDER_WAY
from edgepress_api.jobs.views import JobSummary
from edgepress_api.recommendation.recommending import recommend
from edgepress_api.report.baselines import find_baselines
from edgepress_api.report.document import DatasetSummary, Report
from edgepress_api.report.records import (
    find_costs,
    find_failures,
    find_pack,
    find_pipelines,
    find_provenance,
    find_trainings,
)
from edgepress_api.report.rows import find_rows
from edgepress_api.report.steps import ReportedJob
from edgepress_api.report.study_tables import find_accuracies, find_seconds_per_epoch
from edgepress_common.results import EvaluationResult, PackResult
from edgepress_common.spec import Goals, JobSpec
from edgepress_common.steps import EvaluationStep


def compose_report(summary: JobSummary, job: ReportedJob, goals: Goals | None = None) -> Report:
    """A job's report, of what there is so far.

    Args:
        summary: The job.
        job: Its steps.
        goals: What to recommend by; None for the spec's own.
    """
    steps = {step.key: step for pipeline in job.pipelines for step in pipeline.steps}
    baselines = find_baselines(job)
    pack = find_pack(job)
    rows = find_rows(job, baselines)
    return Report(
        job=summary,
        complete=summary.state not in UNDER_WAY,
        evaluations_done=sum(isinstance(step.result, EvaluationResult) for step in steps.values()),
        evaluations_planned=sum(isinstance(step.parameters, EvaluationStep) for step in steps.values()),
        spec=job.spec,
        dataset=None if pack is None else _dataset(job.spec, pack),
        baselines=baselines,
        pipelines=find_pipelines(job),
        trainings=find_trainings(job),
        rows=rows,
        accuracy_by_export=find_accuracies(job),
        seconds_per_epoch=find_seconds_per_epoch(job),
        failures=find_failures(job),
        costs=find_costs(job),
        provenance=find_provenance(job),
        recommendation=recommend(rows, baselines, goals or job.spec.goals),
    )


def _dataset(spec: JobSpec, pack: PackResult) -> DatasetSummary:
    return DatasetSummary(
        kind=spec.dataset.kind,
        image_size=spec.dataset.image_size,
        classes=pack.classes,
        train_counts=pack.train_counts,
        validation_counts=pack.validation_counts,
        unreadable_count=pack.unreadable_count,
        unreadable=pack.unreadable,
    )
