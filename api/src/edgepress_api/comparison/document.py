"""What a comparison of jobs says."""

from typing import Any, Literal

from edgepress_api.jobs.views import JobSummary
from edgepress_common.frozen import Frozen
from edgepress_common.spec import ExportKind


class Change(Frozen):
    """A job's figures against the first job that has the row.

    Attributes:
        accuracy_points: How much more accurate, as a share (0.01 is one point); below 0 for less.
        within_noise: Whether chance alone may have made that.
        test: ``mcnemar`` where both jobs validate on the same images and it is known which each gets right, else
            ``newcombe``.
        latency_ratio: How many times as long the median takes; None on an emulated device.
        size_ratio: How many times as large the file is.
        zip_ratio: Likewise zipped.
        same_file: Whether it is the very same file.
    """

    accuracy_points: float
    within_noise: bool
    test: Literal["mcnemar", "newcombe"]
    latency_ratio: float | None
    size_ratio: float
    zip_ratio: float
    same_file: bool


class Measured(Frozen):
    """What a job measured in a row.

    Attributes:
        method: What was done to the network.
        accuracy: Share of the validation images classified right.
        accuracy_low: Lower end of its 95 % interval.
        accuracy_high: Upper end.
        latency_ms: Median time of one image; None on an emulated device.
        size_bytes: Of the .tflite file.
        zip_bytes: Of the .tflite file, zipped.
        model_sha256: The file's name among the artifacts.
        change: Against the first job that has the row; None for that job itself.
    """

    method: str
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    latency_ms: float | None
    size_bytes: int
    zip_bytes: int
    model_sha256: str
    change: Change | None


class ComparedRow(Frozen):
    """A pipeline's export, on a device with a number of threads, in each of the jobs.

    Attributes:
        pipeline: Its name.
        export: Kind of the export.
        device: Name of the device.
        threads: Interpreter threads.
        jobs: In the order of the comparison's jobs; None where a job has no such row.
    """

    pipeline: str
    export: ExportKind
    device: str
    threads: int
    jobs: tuple[Measured | None, ...]


class SpecDifference(Frozen):
    """A field of the specs that is not the same in all jobs.

    Attributes:
        field: As in ``training.epochs``; a list is one field.
        values: In the order of the jobs; None where a job has no such field.
    """

    field: str
    values: tuple[Any, ...]


class JobsComparison(Frozen):
    """Jobs side by side.

    Attributes:
        jobs: In the order asked for.
        same_images: Whether all of them validate on the same images, so that accuracies are of the same thing.
        spec_differences: What they were asked differently.
        rows: By pipeline, in the order of the first job that has it.
        best_all_round: The recommendation's choice in each job, in words, device by device.
    """

    jobs: tuple[JobSummary, ...]
    same_images: bool
    spec_differences: tuple[SpecDifference, ...]
    rows: tuple[ComparedRow, ...]
    best_all_round: tuple[tuple[str, ...], ...]
