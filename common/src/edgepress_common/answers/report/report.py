"""The report of a job."""

from edgepress_common.answers.job_list import JobSummary
from edgepress_common.answers.recommendation import Recommendation
from edgepress_common.answers.report.records import (
    DatasetSummary,
    FailureRecord,
    PipelineRecord,
    Provenance,
    StepCost,
    TrainingRecord,
)
from edgepress_common.answers.report.rows import Baselines, ReportRow
from edgepress_common.answers.report.tables import AccuracyByExport, RepeatedExport, SecondsPerEpoch
from edgepress_common.frozen import Message
from edgepress_common.spec import JobSpec


class Report(Message):
    """A job's report, with the results that exist so far.

    Attributes:
        job: The job.
        complete: Whether the job has ended, so that the report is final.
        evaluations_done: Number of finished evaluations.
        evaluations_planned: Number of evaluations if no step fails.
        spec: The spec of the job.
        dataset: The data set; None until it is packed.
        baselines: Files that ratios refer to.
        pipelines: Description of the pipelines, in the order of the spec.
        trainings: Finished stages, each after those that it depends on.
        rows: The comparison, in the order of the spec.
        accuracy_by_export: Accuracy of each pipeline's model in each export, in the order of the spec.
        seconds_per_epoch: Duration of an epoch of each stage, each after those that it depends on.
        failures: Failed steps.
        recommendation: Which file to ship, by the goals of the spec or of the request; None in older reports.
        costs: Duration of each step, in an order in which they can run; empty in older reports.
        provenance: What is needed to reproduce the job; None in older reports.
        repeats: Each export over its seeds; empty with one seed.
        cautions: Caveats about the report itself, in full sentences: figures that could not be read, and why.
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
    repeats: tuple[RepeatedExport, ...] = ()
    cautions: tuple[str, ...] = ()

    @property
    def has_test_split(self) -> bool:
        """Whether the data set has a test split, so that each row has its figures, or was not measured on it."""
        return self.dataset is not None and self.dataset.test_counts is not None
