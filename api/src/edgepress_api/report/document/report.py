"""The report, whole."""

from edgepress_api.jobs.views import JobSummary
from edgepress_api.recommendation.document import Recommendation
from edgepress_api.report.document.records import (
    DatasetSummary,
    FailureRecord,
    PipelineRecord,
    Provenance,
    StepCost,
    TrainingRecord,
)
from edgepress_api.report.document.rows import Baselines, ReportRow
from edgepress_api.report.document.tables import AccuracyByExport, SecondsPerEpoch
from edgepress_common.frozen import Frozen
from edgepress_common.spec import JobSpec


class Report(Frozen):
    """A job's report, of what there is so far.

    Attributes:
        job: The job.
        complete: Whether the job has ended, so that nothing will be added.
        evaluations_done: Measurements there are.
        evaluations_planned: Measurements there would be if all went well.
        spec: What was asked for.
        dataset: What it was done on; None until it is packed.
        baselines: What ratios are against.
        pipelines: What was asked for, in words, in the order of the spec.
        trainings: Stages, in the order they depend on each other.
        rows: The comparison, in the order of the spec.
        accuracy_by_export: What each pipeline's model loses by each way to write it, in the order of the spec.
        seconds_per_epoch: What an epoch of each stage takes, in the order they depend on each other.
        failures: What did not work.
        recommendation: Which file to ship, by the spec's goals or those that were asked with; None in reports of before
            this was told.
        costs: What each step took, in an order in which they can run; empty in reports of before this was told.
        provenance: What else is needed to do the job again; None likewise.
    """

    job: JobSummary
    complete: bool
    evaluations_done: int
    evaluations_planned: int
    spec: JobSpec
    dataset: DatasetSummary | None
    baselines: Baselines
    pipelines: tuple[PipelineRecord, ...]
    trainings: tuple[TrainingRecord, ...]
    rows: tuple[ReportRow, ...]
    accuracy_by_export: tuple[AccuracyByExport, ...]
    seconds_per_epoch: tuple[SecondsPerEpoch, ...]
    failures: tuple[FailureRecord, ...]
    recommendation: Recommendation | None = None
    costs: tuple[StepCost, ...] = ()
    provenance: Provenance | None = None
