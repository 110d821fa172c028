"""What a report says.

Ratios are against one baseline for the whole report, named and shown with it, so that rows can be compared with each
other as well as with it:

- ``float32_tflite`` is the float32 export of the first pipeline that only trains; where there is none, that of the
  first pipeline that has one.
- ``keras_with_optimizer`` is the Keras file of that pipeline's training with the optimizer's state, as ``model.save``
  writes it: what the published factors of compression are mostly against. Where there is no float32 export, that of the
  first training.
"""

from edgepress_api.jobs.views import JobSummary
from edgepress_common.frozen import Frozen
from edgepress_common.results import Epoch, Latency, OperatorTime, Surroundings, UnreadableImage
from edgepress_common.spec import ExportKind, JobSpec, StageKind
from edgepress_common.steps import StepKey


class SizeRatios(Frozen):
    """How many times smaller a row's file is than a baseline's.

    Attributes:
        size: Both as they are.
        zip: Both zipped.
        size_to_zip: The baseline's as it is, the row's zipped: as the paper counts.
    """

    size: float
    zip: float
    size_to_zip: float


class Ratios(Frozen):
    """A row against each baseline; None where there is none.

    Attributes:
        float32_tflite: Sizes.
        float32_tflite_latency: How many times faster the median inference is than the baseline's on the same device
            with as many threads; None as well where the device is emulated, since its times mean nothing.
        keras_with_optimizer: Sizes.
    """

    float32_tflite: SizeRatios | None
    float32_tflite_latency: float | None
    keras_with_optimizer: SizeRatios | None


class Baseline(Frozen):
    """A file that others are compared with, and the pipeline it is of."""

    pipeline: str
    size_bytes: int
    zip_bytes: int


class Baselines(Frozen):
    """See the module; None until the step that gives it has succeeded."""

    float32_tflite: Baseline | None
    keras_with_optimizer: Baseline | None


class ReportRow(Frozen):
    """One export of one pipeline, measured on one device with one number of threads.

    Attributes:
        pipeline: Its name.
        method: What was done to the network: ``base`` if it was only trained, else as in ``prune+cluster``.
        export: Kind of the export.
        device: Name of the device.
        threads: Interpreter threads.
        accuracy: Share of the validation images classified right.
        precision: Mean over the classes, each weighing the same.
        recall: Likewise.
        f1: Likewise.
        latency_ms: Of single images.
        total_seconds: The whole validation set, one image at a time; None where that was not asked for.
        images: Validation images.
        size_bytes: Of the .tflite file.
        zip_bytes: Of the .tflite file, zipped.
        keras_bytes: Of the Keras file it was made from, weights alone.
        keras_zip_bytes: The same, zipped.
        keras_with_optimizer_bytes: Of the Keras file with the optimizer's state.
        keras_with_optimizer_zip_bytes: The same, zipped.
        sparsity: Share of zeros among the weights of convolutions and dense layers.
        unique_weights_max: Largest number of different values in one such tensor.
        float_ops: Operators of the file that compute on floats.
        epoch_seconds: Mean time of an epoch of the last stage.
        peak_memory_bytes: Resident memory that loading and running the model added.
        model_sha256: The .tflite file's name among the artifacts.
        ratios: Against the report's baselines.
        load_ms: To read the file and make the interpreter.
        first_inference_ms: The very first.
        emulated: Whether the device only imitates its processor: right in accuracy, worthless in time.
        throttled: What held the processor back, in words; empty if nothing did, None if nobody tells.
        surroundings: What it was measured on.
        operator_times: Profile by operator, the costliest first; None where the runtime gives none.
        confusion: ``confusion[true][predicted]``, counts, in the order of the data set's classes.
    """

    pipeline: str
    method: str
    export: ExportKind
    device: str
    threads: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    latency_ms: Latency
    total_seconds: float | None
    images: int
    size_bytes: int
    zip_bytes: int
    keras_bytes: int
    keras_zip_bytes: int
    keras_with_optimizer_bytes: int
    keras_with_optimizer_zip_bytes: int
    sparsity: float
    unique_weights_max: int
    float_ops: int
    epoch_seconds: float
    peak_memory_bytes: int
    model_sha256: str
    ratios: Ratios
    load_ms: float
    first_inference_ms: float
    emulated: bool
    throttled: tuple[str, ...] | None
    surroundings: Surroundings
    operator_times: tuple[OperatorTime, ...] | None
    confusion: tuple[tuple[int, ...], ...]


class TrainingRecord(Frozen):
    """A stage that was run, with its curves.

    Attributes:
        step_key: Its step.
        stage: Its kind.
        pipelines: The pipelines that share it.
        architecture: The network.
        parameters: Number of weights, those that are not trained included.
        val_accuracy: Of the model as kept.
        epoch_seconds: Mean over the epochs, the first left out where there are others.
        epochs: The curves.
    """

    step_key: StepKey
    stage: StageKind
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


class FailureRecord(Frozen):
    """A step that failed, and not merely for want of another.

    Attributes:
        step_key: The step.
        title: For people.
        pipelines: The pipelines that went without it.
        code: Why, for programs.
        message: Why, for people.
    """

    step_key: StepKey
    title: str
    pipelines: tuple[str, ...]
    code: str
    message: str


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
        trainings: Stages, in the order they depend on each other.
        rows: The comparison, in the order of the spec.
        failures: What did not work.
    """

    job: JobSummary
    complete: bool
    evaluations_done: int
    evaluations_planned: int
    spec: JobSpec
    dataset: DatasetSummary | None
    baselines: Baselines
    trainings: tuple[TrainingRecord, ...]
    rows: tuple[ReportRow, ...]
    failures: tuple[FailureRecord, ...]
