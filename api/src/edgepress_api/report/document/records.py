"""What a report tells beside its figures: the data set, the pipelines, what was trained, and what failed."""

from edgepress_common.frozen import Frozen
from edgepress_common.results import Epoch, UnreadableImage
from edgepress_common.spec import StageKind
from edgepress_common.steps import StepKey, StepKind


class PipelineRecord(Frozen):
    """A pipeline, whatever has come of it.

    Attributes:
        name: As the spec has it.
        method: What it does to the job's network, as in the comparison.
        stages: Each stage with what tells it from others, the training included.
    """

    name: str
    method: str
    stages: tuple[str, ...]


class TrainingRecord(Frozen):
    """A stage that was run, with its curves.

    Attributes:
        step_key: Its step.
        stage: Its kind.
        stages: It with what tells it from others, after those that came before it.
        pipelines: The pipelines that share it.
        architecture: The network.
        parameters: Number of weights, those that are not trained included.
        val_accuracy: Of the model as kept.
        epoch_seconds: Mean over the epochs, the first left out where there are others.
        epochs: The curves.
    """

    step_key: StepKey
    stage: StageKind
    stages: tuple[str, ...]
    pipelines: tuple[str, ...]
    architecture: str
    parameters: int
    val_accuracy: float
    epoch_seconds: float
    epochs: tuple[Epoch, ...]


class DatasetSummary(Frozen):
    """What was trained and validated on.

    Attributes:
        kind: Where it comes from.
        image_size: Side in pixels.
        classes: Names, in the order of the labels.
        train_counts: Training images of each class.
        validation_counts: Validation images of each class.
        unreadable_count: Images left out because they could not be read.
        unreadable: The first hundred of them.
    """

    kind: str
    image_size: int
    classes: tuple[str, ...]
    train_counts: tuple[int, ...]
    validation_counts: tuple[int, ...]
    unreadable_count: int
    unreadable: tuple[UnreadableImage, ...]


class StepCost(Frozen):
    """What a step took, when it was done.

    Attributes:
        step_key: The step.
        kind: Of work.
        title: For people.
        pipelines: The pipelines that share it.
        seconds: Of the attempt that succeeded; None where that is not known.
        holder: Worker or device that did it, where that is known.
    """

    step_key: StepKey
    kind: StepKind
    title: str
    pipelines: tuple[str, ...]
    seconds: float | None
    holder: str | None


class Provenance(Frozen):
    """What else is needed, beside the spec, to do the job again.

    Attributes:
        edgepress_version: That wrote the report.
        code_versions: Of the code behind each kind of step.
        dataset_fingerprint: Of what the data set held when the job was accepted.
    """

    edgepress_version: str
    code_versions: dict[StepKind, int]
    dataset_fingerprint: str | None


class FailureRecord(Frozen):
    """A step that failed, and not merely for want of another.

    Attributes:
        step_key: The step.
        title: For people.
        pipelines: The pipelines that went without it.
        code: Why, for programs: ``broken_promise`` where a file is not what was promised of it.
        message: Why, for people.
    """

    step_key: StepKey
    title: str
    pipelines: tuple[str, ...]
    code: str
    message: str
