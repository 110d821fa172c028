"""The results of finished steps, by kind; the bytes that a step made are artifacts.

Units are in the names. Arrays are lists here: these values travel as JSON. Results tolerate unknown fields, so that
workers, evaluators and gateways of neighbouring versions work together. Figures without a field of their own are in
`figures`; see `edgepress_common.figures`.
"""

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from edgepress_common.frozen import Message, added_field
from edgepress_common.promises import KeptPromise, LayerPromise
from edgepress_common.significance import Interval, median_interval, medians_differ
from edgepress_common.software import Software
from edgepress_common.tensors import ModelDescription
from edgepress_common.text import HarmlessText

# Left out of JSON while empty: gateways of before there were open figures refuse a field that they do not know.
OpenFigures = Annotated[dict[str, FiniteFloat], Field(exclude_if=lambda figures: not figures)]
"""Figures without a field of their own, by the name of their declaration."""


class UnreadableImage(Message):
    """An image that could not be opened.

    Attributes:
        name: Path of the image inside the set.
        reason: Message of the decoder.
    """

    name: HarmlessText
    reason: HarmlessText


class Twin(Message):
    """An image that is in two parts of a split.

    Attributes:
        name: Name of the image in the later part; validation comes after training, test after both.
        of: Name of the image in an earlier part.
    """

    name: str
    of: str


class Twins(Message):
    """Images of validation and test that stand in an earlier part too, so that they measure less than they seem to.

    Attributes:
        copies_count: Images whose encoded content is that of an image of an earlier part.
        copies: The first twenty of them.
        alike_count: Images that look like one of an earlier part without being a copy; None if not searched for.
        alike: The first twenty of them.
    """

    copies_count: int
    copies: tuple[Twin, ...]
    alike_count: int | None
    alike: tuple[Twin, ...]


class PackResult(Message):
    """A packed data set.

    Attributes:
        classes: Class names, in the order of the labels.
        train_counts: Number of training images of each class.
        validation_counts: Number of validation images of each class.
        test_counts: Number of test images of each class; None without a test part.
        unreadable_count: Number of images left out because they could not be read.
        unreadable: The first hundred of those.
        ignored_count: Number of files and folders that are not meant to be images of a class.
        ignored: The first twenty of those.
        grey_bits: Number of significant bits in 16-bit grey images; None if the set has no such image.
        twins: Images that are in two parts; None if they were not searched for.
        cautions: Full sentences about what the packed images look like.
        software: Software of the process that made the result; None in results that are older than this field.
    """

    kind: Literal["pack"] = "pack"
    classes: tuple[str, ...]
    train_counts: tuple[int, ...]
    validation_counts: tuple[int, ...]
    test_counts: tuple[int, ...] | None = added_field(None)
    unreadable_count: int = 0
    unreadable: tuple[UnreadableImage, ...] = ()
    ignored_count: int = added_field(0)
    ignored: tuple[UnreadableImage, ...] = added_field(())
    grey_bits: int | None = added_field(None)
    twins: Twins | None = added_field(None)
    cautions: tuple[str, ...] = added_field(())
    software: Software | None = added_field(None)


class Epoch(Message):
    """One epoch of a training.

    Attributes:
        epoch: Counted from 1.
        loss: Mean loss over the epoch's augmented training images.
        accuracy: Accuracy over the same images.
        val_loss: Mean loss over the validation set, after the epoch.
        val_accuracy: Accuracy over the validation set, after the epoch.
        learning_rate: Learning rate at the end of the epoch.
        seconds: Duration of the training, without the validation.
        compile_seconds: Part of it that the first step of an attempt took longer than the others, to compile the
            network.
        preparation_seconds: Time before the first epoch of an attempt, for a teacher's predictions or initial clusters;
            not part of ``seconds``.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float
    compile_seconds: float = added_field(0.0)
    preparation_seconds: float = added_field(0.0)


class StageResult(Message):
    """A Keras model, trained or compressed.

    Attributes:
        epochs: Loss and accuracy of each epoch.
        val_accuracy: Validation accuracy of the model that was kept.
        parameters: Number of weights, untrained ones included.
        epoch_seconds: Mean duration of an epoch, without the time to compile the network; 0 without any. In results
            that are older than ``compile_seconds`` of an epoch: without the first epoch, if there are others.
        resumed_after_epochs: Number of saved epochs that this attempt resumed from; 0 if it started from the beginning.
        keras_bytes: Size of the HDF5 file with weights alone.
        keras_zip_bytes: Size of that file, zipped.
        keras_with_optimizer_bytes: Size of the HDF5 file with the optimizer's state too, as ``model.save`` writes it.
        keras_with_optimizer_zip_bytes: Size of that file, zipped.
        promises: Promises of this and earlier stages about the weights, by layer.
        figures: Other figures of the stage.
        software: Software of the process that made the result; None in results that are older than this field.
        threads: Number of threads that computed an operation; None in results that are older than this field.
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
    threads: int | None = added_field(default=None)
    figures: OpenFigures = Field(default_factory=dict)
    software: Software | None = added_field(None)


class ExportResult(Message):
    """A .tflite file that was verified.

    Attributes:
        size_bytes: Size of the file.
        zip_bytes: Size of the zipped file.
        encoding: ``sparse``: zeros are left out of the file, because that makes it smaller; ``dense`` otherwise.
        dense_size_bytes: Size with all zeros written.
        dense_zip_bytes: Size with all zeros written, zipped.
        sparse_size_bytes: Size with zeros left out; None if the network was not pruned, if zeros can't be left out
            (``dynamic``), or if that saves nothing.
        sparse_zip_bytes: Size with zeros left out, zipped; None as above.
        input_type: Type of the input tensor, as numpy writes it.
        output_type: Type of the output tensor, as numpy writes it.
        operators: Number of operators of each kind, by name.
        float_operators: Number of operators that compute on floats, by name.
        sparsity: Share of zeros among the weights of convolutions and dense layers.
        unique_weights_max: Largest number of different values in one weight tensor of such a layer.
        unique_weights_per_channel_max: Largest number of different values in one output channel of such a tensor.
        promises: Promises of stages and export, and what was found in the file.
        tensors: Input and output of the file; None in results that are older than this field.
        macs: Multiply-accumulate operations of one inference; None in results that are older than this field.
        weights: Number of weights that these multiply; None in results that are older than this field.
        figures: Other figures of the file.
        software: Software of the process that made the result; None in results that are older than this field.
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
    tensors: ModelDescription | None = added_field(None)
    macs: int | None = added_field(None)
    weights: int | None = added_field(None)
    figures: OpenFigures = Field(default_factory=dict)
    software: Software | None = added_field(None)


class Latency(Message):
    """The latency of an inference in milliseconds: statistics over ``runs`` inferences.

    ``p50_low`` and ``p50_high`` are the ends of the median's 95 % interval, from blocks of successive inferences; None
    in results that are older than this field, and with too few inferences.
    """

    runs: int
    mean: float
    std: float
    min: float
    p50: float
    p90: float
    p99: float
    max: float
    p50_low: float | None = added_field(None)
    p50_high: float | None = added_field(None)

    @property
    def p50_interval(self) -> Interval:
        """95 % interval of the median; an approximation from the standard deviation where none was measured."""
        if self.p50_low is None or self.p50_high is None:
            return median_interval(self.p50, self.std, self.runs)
        return Interval(self.p50_low, self.p50_high)

    def differs_from(self, other: "Latency") -> bool:
        """Return whether two medians differ significantly; see `edgepress_common.significance.medians_differ`."""
        return medians_differ(self.p50, self.p50_interval, other.p50, other.p50_interval)


class OperatorTime(Message):
    """The cost of one kind of operator in an inference.

    Attributes:
        operator: Name of the operator.
        calls: Number of calls in one inference.
        mean_ms: Mean time of all those calls together in the undisturbed half of the profiled inferences, in
            milliseconds.
    """

    operator: HarmlessText
    calls: int
    mean_ms: float


class ThreadMeasurement(Message):
    """The measurement with one number of threads.

    Attributes:
        threads: Number of interpreter threads.
        load_ms: Time to read the file, build the interpreter and allocate its tensors.
        first_inference_ms: Latency of the very first inference, before the warm-up.
        latency_ms: Latency of single images.
        total_seconds: Time for the whole validation set, one image at a time; None without ``full_pass``.
        accuracy: Accuracy over the validation set in the same inferences; None without ``full_pass``.
        figures: Other figures that depend on the number of threads.
    """

    threads: int
    load_ms: float
    first_inference_ms: float
    latency_ms: Latency
    total_seconds: float | None
    accuracy: float | None
    figures: OpenFigures = Field(default_factory=dict)


class Surroundings(Message):
    """The machine of a measurement and its state. None is what the machine does not report.

    Attributes:
        board: Model of the board, as in ``Raspberry Pi 4 Model B Rev 1.4``.
        cpu: Name of the processor.
        machine: Architecture, as in ``aarch64``.
        cores: Number of logical processors that the process may use.
        memory_bytes: Memory of the machine.
        kernel: Name and version of the operating system's kernel.
        governor: CPU frequency policy.
        emulated: Whether the processor is emulated: accuracy is right, times mean nothing.
        temperature_before_c: Temperature of the processor before the measurement, in degrees Celsius.
        temperature_after_c: Temperature of the processor after the measurement, in degrees Celsius.
        throttled: Causes that slowed the processor down, in words; empty if there were none, None if not reported.
        runtime: Name and version of the interpreter.
        delegate: Delegate that runs operators, as in ``XNNPACK``; None without one.
        delegated_operators: Number of the file's operators that the delegate runs.
        load_average: Load average over the last minute before the measurement.
        other_load: Processors that other programs used on average during the timed passes; None in older results, or
            if unknown.
    """

    board: HarmlessText | None = None
    cpu: HarmlessText | None = None
    machine: HarmlessText
    cores: int
    memory_bytes: int
    kernel: HarmlessText
    governor: HarmlessText | None = None
    emulated: bool = False
    temperature_before_c: float | None = None
    temperature_after_c: float | None = None
    throttled: tuple[HarmlessText, ...] | None = None
    runtime: HarmlessText
    delegate: HarmlessText | None = None
    delegated_operators: int | None = None
    load_average: float | None = None
    other_load: float | None = added_field(None)


class SplitResult(Message):
    """How a .tflite file classifies the images of one split.

    Attributes:
        images: Number of images.
        accuracy: Share of the images that are classified correctly.
        precision: Mean precision over the classes, each weighing the same (macro); 0 for a class never predicted.
        recall: Mean recall over the classes.
        f1: Mean F1 over the classes.
        confusion: ``confusion[true][predicted]``, counts.
        right_images: Which images are classified correctly, in base64: the bits of one large number, the last image's
            the lowest, padded with zeros above. None in older results.
    """

    images: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    confusion: tuple[tuple[int, ...], ...]
    right_images: str | None = None


class EvaluationResult(SplitResult):
    """The measurements of one .tflite file on one device; the fields of `SplitResult` are of the validation split.

    Attributes:
        device: Name of the device.
        measurements: The measurement with each number of threads.
        peak_memory_bytes: Resident memory that loading and running the model added, in a process of its own.
        operator_times: Profile by operator, the most expensive first; None where the runtime has none.
        surroundings: The machine and its state.
        model_sha256: SHA-256 of the file.
        figures: Other figures of the file on this device.
        software: Software of the process that made the result; None in results that are older than this field.
        test: How it classifies the test split; None without a test split, and from an evaluator that does not know it.
    """

    kind: Literal["evaluation"] = "evaluation"
    device: str
    measurements: tuple[ThreadMeasurement, ...]
    peak_memory_bytes: int
    operator_times: tuple[OperatorTime, ...] | None = None
    surroundings: Surroundings
    model_sha256: str
    figures: OpenFigures = Field(default_factory=dict)
    test: SplitResult | None = added_field(None)
    software: Software | None = added_field(None)


StepResult = Annotated[
    PackResult | StageResult | ExportResult | EvaluationResult,
    Field(discriminator="kind"),
]
