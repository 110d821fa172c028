"""The trainings of a job, each named after a pipeline that has it: a run of TensorBoard and MLflow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgepress_common.answers.report import Report, TrainingRecord
from edgepress_common.results import Epoch


@dataclass(frozen=True)
class NamedTraining:
    """A training.

    Attributes:
        pipeline: The first of the pipelines that share it.
        name: Its position in that pipeline and its kind, such as ``2-prune``.
        record: The training in the report.
        began_at: When the job began, in seconds since 1970. A report does not have the start of each training.
    """

    pipeline: str
    name: str
    record: TrainingRecord
    began_at: float

    def epoch_ends(self) -> Iterator[tuple[Epoch, float]]:
        """Yield each epoch, and when it ended."""
        at = self.began_at
        for epoch in self.record.epochs:
            at += epoch.seconds
            yield epoch, at


def named_trainings(report: Report) -> Sequence[NamedTraining]:
    """Return the trainings that have epochs, in the order of the report."""
    began_at = report.job.created_at.timestamp()
    return [
        NamedTraining(record.pipelines[0], f"{len(record.stages)}-{record.stage}", record, began_at)
        for record in report.trainings
        if record.epochs
    ]
