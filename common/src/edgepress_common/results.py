"""What a finished step found, by kind; the bytes it made are artifacts beside it.

Units are in the names. Arrays are lists here: these values travel as JSON.
"""

from typing import Annotated, Literal

from pydantic import Field

from edgepress_common.frozen import Frozen
from edgepress_common.promises import KeptPromise, LayerPromise


class UnreadableImage(Frozen):
    """An image that could not be opened.

    Attributes:
        name: Its path inside the set.
        reason: What the decoder said.
    """

    name: str
    reason: str


class PackResult(Frozen):
    """A data set, packed.

    Attributes:
        classes: Names, in the order of the labels.
        train_counts: Training images of each class.
        validation_counts: Validation images of each class.
        unreadable_count: Images left out because they could not be read.
        unreadable: The first hundred of them.
    """

    kind: Literal["pack"] = "pack"
    classes: tuple[str, ...]
    train_counts: tuple[int, ...]
    validation_counts: tuple[int, ...]
    unreadable_count: int = 0
    unreadable: tuple[UnreadableImage, ...] = ()


class Epoch(Frozen):
    """One epoch of a training.

    Attributes:
        epoch: Counted from 1.
        loss: Mean over the epoch's training images, as augmented.
        accuracy: Likewise.
        val_loss: Over the validation set, after the epoch.
        val_accuracy: Likewise.
        learning_rate: At the epoch's end.
        seconds: Of the training, without the validation.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float


class StageResult(Frozen):
    """A Keras model, trained or compressed.

    Attributes:
        epochs: The training's curves.
        val_accuracy: Of the model as kept.
        parameters: Number of weights, those that are not trained included.
        epoch_seconds: Mean over the epochs, the first left out where there are others (it compiles); 0 without any.
        resumed_after_epochs: Epochs that had been saved when this attempt took over; 0 if it began anew.
        keras_bytes: Size of the HDF5 file with weights alone.
        keras_zip_bytes: The same, zipped.
        keras_with_optimizer_bytes: Size of the HDF5 file with the optimizer's state too, as ``model.save`` writes it.
        keras_with_optimizer_zip_bytes: The same, zipped.
        promises: What is true of its weights from here on, by layer, earlier stages' included.
    """

    kind: Literal["stage"] = "stage"
    epochs: tuple[Epoch, ...]
    val_accuracy: float
    parameters: int
    epoch_seconds: float
    resumed_after_epochs: int = 0
    keras_bytes: int
    keras_zip_bytes: int
    keras_with_optimizer_bytes: int
    keras_with_optimizer_zip_bytes: int
    promises: tuple[LayerPromise, ...] = ()


class ExportResult(Frozen):
    """A .tflite file, checked.

    Attributes:
        size_bytes: Its size.
        zip_bytes: Its size, zipped.
        encoding: ``sparse``: zeros are left out of the file, because that makes it smaller; ``dense`` otherwise.
        dense_size_bytes: Size with all zeros written.
        dense_zip_bytes: The same, zipped.
        sparse_size_bytes: Size with zeros left out; None where nothing was pruned, so nobody tried, or where that can't
            be done (``dynamic``) or saves nothing.
        sparse_zip_bytes: The same, zipped.
        input_type: Type of the input tensor, as numpy writes it.
        output_type: Likewise of the output.
        operators: How many of each operator it has.
        float_operators: Those of them that compute on floats, as name and count.
        sparsity: Share of zeros among the weights of convolutions and dense layers.
        unique_weights_max: Largest number of different values in one such weight tensor.
        unique_weights_per_channel_max: Largest number of different values in one output channel of one.
        promises: What stages and export promised, and what is so in the file.
    """

    kind: Literal["export"] = "export"
    size_bytes: int
    zip_bytes: int
    encoding: Literal["dense", "sparse"] = "dense"
    dense_size_bytes: int
    dense_zip_bytes: int
    sparse_size_bytes: int | None = None
    sparse_zip_bytes: int | None = None
    input_type: str
    output_type: str
    operators: dict[str, int]
    float_operators: dict[str, int]
    sparsity: float
    unique_weights_max: int
    unique_weights_per_channel_max: int
    promises: tuple[KeptPromise, ...] = ()


class Latency(Frozen):
    """Time of one inference in milliseconds, over ``runs`` of them."""

    runs: int
    mean: float
    std: float
    min: float
    p50: float
    p90: float
    p99: float
    max: float


class OperatorTime(Frozen):
    """What one kind of operator costs in an inference.

    Attributes:
        operator: Its name.
        calls: How often it is called in one inference.
        mean_ms: Time of all those calls together.
    """

    operator: str
    calls: int
    mean_ms: float


class ThreadMeasurement(Frozen):
    """What was measured with one number of threads.

    Attributes:
        threads: Interpreter threads.
        load_ms: To read the file, build the interpreter and allocate its tensors.
        first_inference_ms: The very first, warm-up included.
        latency_ms: Of single images.
        total_seconds: The whole validation set, one image at a time; None where that was not asked for.
        accuracy: Over the validation set, from these very inferences; None where `total_seconds` is.
    """

    threads: int
    load_ms: float
    first_inference_ms: float
    latency_ms: Latency
    total_seconds: float | None
    accuracy: float | None


class Surroundings(Frozen):
    """What a measurement was made on, and the state it was in. None is what this machine does not tell.

    Attributes:
        board: The board's model, as in ``Raspberry Pi 4 Model B Rev 1.4``.
        cpu: The processor's name.
        machine: Its architecture, as in ``aarch64``.
        cores: Logical processors this process may use.
        memory_bytes: Of the machine.
        kernel: Name and version of the operating system's kernel.
        governor: Frequency policy.
        emulated: Whether another kind of processor is being imitated: right in accuracy, worthless in time.
        temperature_before_c: Of the processor, in degrees Celsius, before the measurement.
        temperature_after_c: Likewise after.
        throttled: What held the processor back meanwhile, in words; empty if nothing did, None if nobody tells.
        runtime: Name and version of the interpreter.
        delegate: What it hands operators to, as in ``XNNPACK``; None if to nothing.
        delegated_operators: How many of the file's operators the delegate took.
        load_average: Processes waiting for a processor before the measurement, over the last minute.
    """

    board: str | None = None
    cpu: str | None = None
    machine: str
    cores: int
    memory_bytes: int
    kernel: str
    governor: str | None = None
    emulated: bool = False
    temperature_before_c: float | None = None
    temperature_after_c: float | None = None
    throttled: tuple[str, ...] | None = None
    runtime: str
    delegate: str | None = None
    delegated_operators: int | None = None
    load_average: float | None = None


class EvaluationResult(Frozen):
    """One .tflite measured on one device.

    Attributes:
        device: Which.
        images: Validation images classified.
        accuracy: Share classified right.
        precision: Mean over the classes, each weighing the same (macro); a class never predicted counts 0.
        recall: Likewise.
        f1: Likewise.
        confusion: ``confusion[true][predicted]``, counts.
        measurements: By number of threads.
        peak_memory_bytes: Resident memory that loading and running the model added, in a process of its own.
        operator_times: Profile by operator, the costliest first; None where the runtime gives none.
        surroundings: What it was measured on.
        model_sha256: Of the file measured.
        right_images: Which images are classified right, in base64: the bits of one large number, the last image's the
            lowest, padded with zeros above. None in results of before this was kept.
    """

    kind: Literal["evaluation"] = "evaluation"
    device: str
    images: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    confusion: tuple[tuple[int, ...], ...]
    measurements: tuple[ThreadMeasurement, ...]
    peak_memory_bytes: int
    operator_times: tuple[OperatorTime, ...] | None = None
    surroundings: Surroundings
    model_sha256: str
    right_images: str | None = None


StepResult = Annotated[
    PackResult | StageResult | ExportResult | EvaluationResult,
    Field(discriminator="kind"),
]
