"""The comparison of several jobs, row by row."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import create_model

from edgepress_common.answers.job_list import JobSummary
from edgepress_common.answers.report.rows import OverSeeds
from edgepress_common.figures.objectives import OBJECTIVES, objective_fields
from edgepress_common.frozen import MaybeUnknown, Message
from edgepress_common.significance import Test
from edgepress_common.spec import ExportKind

if TYPE_CHECKING:
    # The figures that the code names; the others follow from their declarations, as these do.
    class _EachChange(Message):
        latency_ratio: float | None = None
        size_ratio: float | None = None
        zip_ratio: float | None = None

    class _EachFigure(Message):
        accuracy: float
        latency_ms: float | None = None
        size_bytes: int
        zip_bytes: int

else:
    _EachChange = create_model(
        "_EachChange",
        __base__=Message,
        **{f"{criterion}_ratio": (float | None, None) for criterion in OBJECTIVES if criterion != "accuracy"},
    )
    _EachFigure = create_model("_EachFigure", __base__=Message, **objective_fields())


class Change(_EachChange):
    """A job's figures compared with the first job that has the row.

    For each criterion but accuracy there is the ratio to the first job's figure, as ``latency_ratio``; None if either
    is unknown or 0, or a latency of an emulated device.

    Attributes:
        accuracy_points: Difference in accuracy, as a share (0.01 is one point); negative if less accurate.
        within_noise: Whether the difference in accuracy is not statistically significant.
        test: ``paired_t`` where both jobs validate on the same images and have several seeds in common; else
            ``mcnemar`` where it is known which of the same images each classifies correctly, else ``newcombe``.
        about: ``methods`` where the difference is the mean over the seeds that both have, ``files`` where it is between
            the two files; also of the test accuracy.
        same_file: Whether both jobs have the same file, byte for byte.
        latency_within_noise: Whether the difference in latency is not statistically significant; None where there is no
            ratio.
        test_points: Difference in test accuracy, as a share; None where either job has none.
        test_within_noise: Whether that difference is not statistically significant, by the same test; None as above.
    """

    accuracy_points: float
    within_noise: bool
    test: Test
    same_file: bool
    latency_within_noise: bool | None = None
    test_points: float | None = None
    test_within_noise: bool | None = None
    about: Literal["files", "methods"] = "files"


class ComparedFile(_EachFigure):
    """The figures of a job in a row: that of each criterion, under the field that its declaration names.

    An export of several seeds is shown by the file of its median accuracy, with mean and spread in ``over_seeds``.

    Attributes:
        method: Methods applied to the network.
        accuracy_low: Lower end of the accuracy's 95 % interval.
        accuracy_high: Upper end of the accuracy's 95 % interval.
        model_sha256: SHA-256 of the file, its name among the artifacts.
        change: Comparison with the first job that has the row; None for that job itself.
        test_accuracy: Accuracy on the test split; None without one, or if it is not measured there.
        test_accuracy_low: Lower end of its 95 % interval.
        test_accuracy_high: Upper end of its 95 % interval.
        over_seeds: The export over the job's seeds; None with one seed.
    """

    method: str
    accuracy_low: float
    accuracy_high: float
    model_sha256: str
    change: Change | None
    test_accuracy: float | None = None
    test_accuracy_low: float | None = None
    test_accuracy_high: float | None = None
    over_seeds: OverSeeds | None = None


class ComparedRow(Message):
    """A pipeline's export, on a device with a number of threads, in each of the jobs.

    Attributes:
        pipeline: Name of the pipeline in the spec.
        export: Kind of the export.
        device: Name of the device.
        threads: Interpreter threads.
        jobs: Figures of each job, in the order of the comparison's jobs; None where a job has no such row.
    """

    pipeline: str
    export: MaybeUnknown[ExportKind]
    device: str
    threads: int
    jobs: tuple[ComparedFile | None, ...]


class SpecDifference(Message):
    """A field of the specs that is not the same in all jobs.

    Attributes:
        field: Path of the field, as in ``training.epochs``; a list is one field.
        values: Value in each job, in the order of the jobs; None where a job has no such field.
    """

    field: str
    values: tuple[Any, ...]


class JobsComparison(Message):
    """Jobs side by side.

    Attributes:
        jobs: The jobs, in the order of the request.
        same_images: Whether all jobs have the same validation and test images, so that accuracies can be compared.
        spec_differences: Fields of the specs that differ.
        rows: Rows by pipeline, in the order of the first job that has it.
        best_all_round: The file recommended as best all round in each job, in words, device by device.
    """

    jobs: tuple[JobSummary, ...]
    same_images: bool
    spec_differences: tuple[SpecDifference, ...]
    rows: tuple[ComparedRow, ...]
    best_all_round: tuple[tuple[str, ...], ...]
