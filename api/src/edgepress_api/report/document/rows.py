"""The comparison: a row for each file, device and number of threads, and what rows are compared with."""

from typing import Literal

from edgepress_common.frozen import Frozen
from edgepress_common.promises import KeptPromise
from edgepress_common.results import Latency, OperatorTime, Surroundings
from edgepress_common.spec import ExportKind


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
    """See the package; None until the step that gives it has succeeded."""

    float32_tflite: Baseline | None
    keras_with_optimizer: Baseline | None


class ReportRow(Frozen):
    """One export of one pipeline, measured on one device with one number of threads.

    Attributes:
        pipeline: Its name.
        method: What was done to the job's network: ``base`` if it was only trained, else the kinds of the stages after
            that, as in ``prune + cluster + quantize_aware``; ``train`` for another network that was only trained.
        stages: Each stage with what tells it from others, the training included, as in ``prune to 50 % (polynomial),
            4 epochs``.
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
        encoding: ``sparse``: zeros are left out of the file, which makes it smaller; ``dense`` otherwise.
        dense_size_bytes: Of the .tflite file with all zeros written.
        dense_zip_bytes: The same, zipped.
        sparse_size_bytes: Of the .tflite file with zeros left out; None where nothing was pruned, so nobody tried.
        sparse_zip_bytes: The same, zipped.
        keras_bytes: Of the Keras file it was made from, weights alone.
        keras_zip_bytes: The same, zipped.
        keras_with_optimizer_bytes: Of the Keras file with the optimizer's state.
        keras_with_optimizer_zip_bytes: The same, zipped.
        sparsity: Share of zeros among the weights of convolutions and dense layers.
        unique_weights_max: Largest number of different values in one such tensor.
        unique_weights_per_channel_max: Largest number of different values in one output channel of one.
        float_ops: Operators of the file that compute on floats.
        promises: What stages and export promised, and what is so in the file.
        epoch_seconds: Mean time of an epoch of the last stage.
        stage_epoch_seconds: Likewise of each of ``stages``.
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
        right_images: Which images are classified right; see `edgepress_common.results.EvaluationResult`.
        accuracy_low: Lower end of the accuracy's 95 % interval (Wilson's); None in reports of before this was told.
        accuracy_high: Upper end, likewise.
    """

    pipeline: str
    method: str
    stages: tuple[str, ...]
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
    encoding: Literal["dense", "sparse"]
    dense_size_bytes: int
    dense_zip_bytes: int
    sparse_size_bytes: int | None
    sparse_zip_bytes: int | None
    keras_bytes: int
    keras_zip_bytes: int
    keras_with_optimizer_bytes: int
    keras_with_optimizer_zip_bytes: int
    sparsity: float
    unique_weights_max: int
    unique_weights_per_channel_max: int
    float_ops: int
    promises: tuple[KeptPromise, ...]
    epoch_seconds: float
    stage_epoch_seconds: tuple[float, ...]
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
    right_images: str | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
