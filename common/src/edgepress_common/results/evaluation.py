"""The result of an evaluation: the measurements of one .tflite file on one device."""

from typing import Literal

from pydantic import Field

from edgepress_common.frozen import Message, added_field
from edgepress_common.results.open_figures import OpenFigures
from edgepress_common.significance import Interval, median_interval, medians_differ
from edgepress_common.software import Software
from edgepress_common.text import HarmlessText


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


class Energy(Message):
    """The energy of one inference, above what the board needs when it is idle.

    Attributes:
        mean_mj: Mean energy of an image, in millijoules.
        low_mj: Lower end of its 95 % interval.
        high_mj: Upper end of its 95 % interval.
        idle_watts: Mean power when idle, which is subtracted.
        images: Number of inferences.
        sensor: Name of the sensor.
    """

    mean_mj: float
    low_mj: float
    high_mj: float
    idle_watts: float
    images: int
    sensor: HarmlessText


class Roofline(Message):
    """The shortest time in which the device could run a file, by its arithmetic and its memory traffic.

    The ceilings are measured on the device, see `edgepress_evaluator.measure.calibration`. Only operators that multiply
    by weights are counted (convolutions and dense layers).

    Attributes:
        int8_gmacs: Ceiling of int8 arithmetic, in 10^9 multiply-accumulate operations per second.
        float32_gmacs: Ceiling of float32 arithmetic, in the same unit.
        gigabytes_per_second: Ceiling of reading as many bytes as the file has weights.
        arithmetic_ms: Time of all arithmetic at its ceiling.
        memory_ms: Time to read all weights and activations at their ceiling.
        floor_ms: Sum over the operators of the longer of the two.
        memory_bound_ms: Part of ``floor_ms`` of the operators for which memory takes longer.
    """

    int8_gmacs: float
    float32_gmacs: float
    gigabytes_per_second: float
    arithmetic_ms: float
    memory_ms: float
    floor_ms: float
    memory_bound_ms: float


class OperatorGroup(Message):
    """Operators of one kind and type in the file, and how the runtime runs them.

    Attributes:
        operator: TFLite's name, as in ``CONV_2D``.
        types: Types of activations and weights, as in ``int8 x int8``; of the activations alone without weights.
        count: Number of operators.
        delegated: Number of them that the delegate runs, as the runtime reports.
        macs: Multiply-accumulate operations of one inference.
        tile_macs: The same if channels are rounded up to the tile of the kernel; None if its tile is not known.
        kernel: Family of kernels, with its instructions. Inferred from the features of the processor, by the rules of
            XNNPACK: the runtime does not report it. None for operators without weights, and where it is not known.
    """

    operator: HarmlessText
    types: HarmlessText
    count: int
    delegated: int
    macs: int = 0
    tile_macs: int | None = None
    kernel: HarmlessText | None = None


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
        energy: Energy of an image; None if it was not measured, see `Surroundings.no_energy`.
        roofline: Shortest time that the device allows; None in older results, and where it was not measured.
    """

    threads: int
    load_ms: float
    first_inference_ms: float
    latency_ms: Latency
    total_seconds: float | None
    accuracy: float | None
    figures: OpenFigures = Field(default_factory=dict)
    energy: Energy | None = added_field(None)
    roofline: Roofline | None = added_field(None)


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
        instructions: Features of the processor that matter to kernels, as ``/proc/cpuinfo`` names them; None in older
            results, or if unknown.
        reference_ms: Median time of a small file that never changes, directly before and after the timed passes, in
            milliseconds: differences between evaluations are those of the device. None in older results.
        no_energy: Why the energy was not measured although the spec asks for it.
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
    instructions: tuple[HarmlessText, ...] | None = added_field(None)
    reference_ms: float | None = added_field(None)
    no_energy: HarmlessText | None = added_field(None)


class ReliabilityBin(Message):
    """Images whose highest score is in one of 15 equal intervals of 0 to 1.

    Attributes:
        images: Number of images.
        confidence: Their mean highest score; 0 without images.
        accuracy: Share of them that are classified correctly; 0 without images.
    """

    images: int
    confidence: float
    accuracy: float


class WrongImages(Message):
    """The answers of a .tflite file for the images that it classifies wrongly, in the order of the images in the split.

    Attributes:
        predicted: Predicted class of each image.
        scores: Score of the predicted class, 0 to 1.
        true_scores: Score of the true class, 0 to 1.
    """

    predicted: tuple[int, ...]
    scores: tuple[float, ...]
    true_scores: tuple[float, ...]


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
        reliability: The images by the confidence of their classification, lowest first; empty in older results, and for
            files whose scores are not probabilities.
        wrong_images: What it takes the other images for; None in older results, and where they are very many.
    """

    images: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    confusion: tuple[tuple[int, ...], ...]
    right_images: str | None = None
    reliability: tuple[ReliabilityBin, ...] = added_field(())
    wrong_images: WrongImages | None = added_field(None)


class EvaluationResult(SplitResult):
    """The measurements of one .tflite file on one device; the fields of `SplitResult` are of the validation split.

    Attributes:
        device: Name of the device.
        measurements: The measurement with each number of threads.
        peak_memory_bytes: Resident memory that loading and running the model added, in a process of its own.
        operator_times: Profile by operator, the most expensive first; None where the runtime has none.
        surroundings: The machine and its state.
        model_sha256: SHA-256 of the file.
        decode_ms: Time to restore the file from its coded file; None where it was not sent coded, and in older results.
        figures: Other figures of the file on this device.
        software: Software of the process that made the result; None in results that are older than this field.
        operators: The file's operators by kind, those with most arithmetic first; empty in older results.
        test: How it classifies the test split; None without a test split, and from an evaluator that does not know it.
    """

    kind: Literal["evaluation"] = "evaluation"
    device: str
    measurements: tuple[ThreadMeasurement, ...]
    peak_memory_bytes: int
    operator_times: tuple[OperatorTime, ...] | None = None
    surroundings: Surroundings
    model_sha256: str
    decode_ms: float | None = added_field(None)
    figures: OpenFigures = Field(default_factory=dict)
    operators: tuple[OperatorGroup, ...] = added_field(())
    test: SplitResult | None = added_field(None)
    software: Software | None = added_field(None)
