"""Composes the report of a job from its steps; each part has its own module."""

from edgepress_api.recommendation.recommending import recommend
from edgepress_api.report.baselines import find_baselines
from edgepress_api.report.datasets import dataset_summary
from edgepress_api.report.over_seeds import find_repeats
from edgepress_api.report.records import (
    find_costs,
    find_failures,
    find_pack,
    find_pipelines,
    find_provenance,
    find_trainings,
)
from edgepress_api.report.row_figures import RowFigures
from edgepress_api.report.rows import find_rows
from edgepress_api.report.steps import ReportedJob
from edgepress_api.report.study_tables import find_accuracies, find_seconds_per_epoch
from edgepress_common.answers.job_list import ACTIVE_STATES, JobSummary
from edgepress_common.answers.report import Report
from edgepress_common.results import EvaluationResult
from edgepress_common.spec import Goals
from edgepress_common.steps import EvaluationStep


def compose_report(summary: JobSummary, job: ReportedJob, goals: Goals | None = None) -> Report:
    """Return the report of a job with the results so far.

    Args:
        summary: The job.
        job: Its steps.
        goals: Goals of the recommendation; None for those of the spec.
    """
    steps = {step.key: step for pipeline in job.pipelines for step in pipeline.steps}
    compared = job.without_probes()
    baselines = find_baselines(compared)
    pack = find_pack(job)
    figures = RowFigures()
    rows = find_rows(compared, baselines, figures)
    return Report(
        job=summary,
        complete=summary.state not in ACTIVE_STATES,
        evaluations_done=sum(isinstance(step.result, EvaluationResult) for step in steps.values()),
        evaluations_planned=sum(isinstance(step.parameters, EvaluationStep) for step in steps.values()),
        spec=job.spec,
        dataset=None if pack is None else dataset_summary(job.spec.dataset, pack),
        baselines=baselines,
        pipelines=find_pipelines(compared),
        trainings=find_trainings(compared),
        rows=rows,
        accuracy_by_export=find_accuracies(compared),
        seconds_per_epoch=find_seconds_per_epoch(compared),
        failures=find_failures(job),
        costs=find_costs(job),
        provenance=find_provenance(job),
        repeats=find_repeats(rows, baselines.float32_tflite),
        cautions=figures.cautions(),
        recommendation=recommend(
            rows, baselines, goals or job.spec.all_goals(), classes=() if pack is None else pack.classes
        ),
    )
