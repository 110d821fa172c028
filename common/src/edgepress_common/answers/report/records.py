"""Parts of a report in addition to its figures: the data set, the pipelines, the trainings, and the failures."""

from edgepress_common.frozen import MaybeUnknown, Message
from edgepress_common.results import Epoch, ImageStatistics, Twins, UnreadableImage
from edgepress_common.software import Software
from edgepress_common.spec import StageKind
from edgepress_common.steps import StepKey, StepKind


class PipelineRecord(Message):
    """A pipeline, whether or not it has succeeded.

    Attributes:
        name: Name in the job: that of the spec, with the seed where it is a repetition, as in ``pruned, seed 1``.
        method: Methods applied to the job's network, as in the comparison.
        stages: Summary of each stage, including the training.
        spec_pipeline: Name in the spec; empty in older reports.
        seed: Seed of its training; None in older reports.
    """

    name: str
    method: str
    stages: tuple[str, ...]
    spec_pipeline: str = ""
    seed: int | None = None


class TrainingRecord(Message):
    """A finished stage, with its curves.

    Attributes:
        step_key: Key of the step.
        stage: Kind of the stage.
        stages: Summaries of the stage and of the stages before it.
        pipelines: Names of the pipelines that share the stage.
        architecture: Architecture of the network.
        parameters: Number of weights, including untrained ones.
        val_accuracy: Validation accuracy of the resulting model, 0 to 1.
        epoch_seconds: Mean duration of an epoch in seconds, without the first if there are others.
        epochs: Metrics of each epoch.
    """

    step_key: StepKey
    stage: MaybeUnknown[StageKind]
    stages: tuple[str, ...]
    pipelines: tuple[str, ...]
    architecture: str
    parameters: int
    val_accuracy: float
    epoch_seconds: float
    epochs: tuple[Epoch, ...]


class DatasetSummary(Message):
    """The data set of the job.

    Attributes:
        kind: Kind of data set.
        image_size: Height and width of the images in pixels.
        classes: Class names, in the order of the labels.
        train_counts: Number of training images of each class.
        validation_counts: Number of validation images of each class.
        unreadable_count: Number of images that were omitted because they could not be read.
        unreadable: The first hundred of those.
        test_counts: Number of test images of each class; None without a test part.
        ignored_count: Number of files and folders that are not images of a class.
        ignored: The first twenty of those.
        grey_bits: Number of significant bits in 16-bit grey images; None if there are none.
        twins: Images that are in two parts; None if they were not searched for.
        cautions: Caveats about the packed images, in full sentences.
        statistics: What the packed images look like, in numbers; None in older results.
    """

    kind: str
    image_size: int
    classes: tuple[str, ...]
    train_counts: tuple[int, ...]
    validation_counts: tuple[int, ...]
    unreadable_count: int
    unreadable: tuple[UnreadableImage, ...]
    test_counts: tuple[int, ...] | None = None
    ignored_count: int = 0
    ignored: tuple[UnreadableImage, ...] = ()
    grey_bits: int | None = None
    twins: Twins | None = None
    cautions: tuple[str, ...] = ()
    statistics: ImageStatistics | None = None


class StepCost(Message):
    """The duration of a finished step.

    Attributes:
        step_key: Key of the step.
        kind: Kind of work.
        title: Display name.
        pipelines: Names of the pipelines that share the step.
        seconds: Duration of the successful attempt in seconds; None if unknown.
        holder: Worker or device that ran the step; None if unknown.
    """

    step_key: StepKey
    kind: StepKind
    title: str
    pipelines: tuple[str, ...]
    seconds: float | None
    holder: str | None


class MadeBy(Message):
    """The code that made some of a report's numbers.

    Attributes:
        kind: Kind of work.
        name: The stage, export or kind of data set; the device of an evaluation.
        code_versions: Version of the code for the kind of work, and that of the declaration of ``name``, with which the
            steps were planned; None if a later release has planned them.
        software: Software of the worker or device; None if the results are older than this field.
        steps: Number of steps.
    """

    kind: StepKind
    name: str
    code_versions: tuple[int, int] | None
    software: Software | None
    steps: int


class Provenance(Message):
    """Information needed, in addition to the spec, to reproduce the job, and to trace each number to its code.

    Measured figures are made by the software in ``made_by``, derived ones and the recommendation by ``software``.

    Attributes:
        edgepress_version: Version that wrote the report.
        code_versions: Version of the code of each kind of step that this version plans.
        dataset_fingerprint: Digest of the data set's content when the job was accepted.
        software: Software that wrote the report; None in older reports.
        made_by: What made the results, each combination once; empty in older reports.
    """

    edgepress_version: str
    code_versions: dict[StepKind, int]
    dataset_fingerprint: str | None
    software: Software | None = None
    made_by: tuple[MadeBy, ...] = ()


class FailureRecord(Message):
    """A failed step, unless it failed only because another step failed.

    Attributes:
        step_key: Key of the step.
        title: Display name.
        pipelines: Names of the pipelines that need the step.
        code: Failure code, such as ``broken_promise``.
        message: What went wrong, for people.
    """

    step_key: StepKey
    title: str
    pipelines: tuple[str, ...]
    code: str
    message: str
