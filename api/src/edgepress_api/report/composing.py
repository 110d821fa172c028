"""Composes the report of a job from its steps; each part has its own module."""

from edgepress_api.recommendation.recommending import recommend
from edgepress_api.report.baselines import find_baselines
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
from edgepress_common.answers.report import DatasetSummary, Report
from edgepress_common.results import EvaluationResult, PackResult
from edgepress_common.spec import Goals, JobSpec
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
        dataset=None if pack is None else _dataset(job.spec, pack),
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


def _dataset(spec: JobSpec, pack: PackResult) -> DatasetSummary:
    return DatasetSummary(
        kind=spec.dataset.kind,
        image_size=spec.dataset.image_size,
        classes=pack.classes,
        train_counts=pack.train_counts,
        validation_counts=pack.validation_counts,
        unreadable_count=pack.unreadable_count,
        unreadable=pack.unreadable,
        test_counts=pack.test_counts,
        ignored_count=pack.ignored_count,
        ignored=pack.ignored,
        grey_bits=pack.grey_bits,
        twins=pack.twins,
        cautions=pack.cautions,
    )
