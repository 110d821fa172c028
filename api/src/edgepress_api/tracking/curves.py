"""A job's trainings, each under the name of a pipeline that has it: what TensorBoard and MLflow call a run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgepress_api.report import Report
from edgepress_api.report.document import TrainingRecord
from edgepress_common.results import Epoch


@dataclass(frozen=True)
class NamedTraining:
    """A training.

    Attributes:
        pipeline: The first of the pipelines that share it.
        name: Its place in that one and its kind, as in ``2-prune``.
        record: All there is to know.
        began_at: When it began, in seconds since 1970; as if each had begun with the job, which a report does not tell.
    """

    pipeline: str
    name: str
    record: TrainingRecord
    began_at: float

    def epoch_ends(self) -> Iterator[tuple[Epoch, float]]:
        """Each epoch, and when it ended."""
        at = self.began_at
        for epoch in self.record.epochs:
            at += epoch.seconds
            yield epoch, at


def named_trainings(report: Report) -> Sequence[NamedTraining]:
    """The trainings that have epochs, in the report's order."""
    began_at = report.job.created_at.timestamp()
    return [
        NamedTraining(record.pipelines[0], f"{len(record.stages)}-{record.stage}", record, began_at)
        for record in report.trainings
        if record.epochs
    ]
