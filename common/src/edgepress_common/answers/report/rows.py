"""The comparison: a row for each file, device and number of threads, and the baselines that rows are compared with.

The figures of a row follow from their declarations in `edgepress_common.figures`.
"""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, create_model

from edgepress_common.figures.declared import FIGURES
from edgepress_common.figures.figure import FieldPart, Figure
from edgepress_common.frozen import MaybeUnknown, Message, added_field
from edgepress_common.promises import KeptPromise
from edgepress_common.results import (
    Energy,
    Latency,
    OperatorGroup,
    OperatorTime,
    PredictedLatency,
    ReliabilityBin,
    Roofline,
    Surroundings,
)
from edgepress_common.spec import ExportKind
from edgepress_common.tensors import ModelDescription


class SizeRatios(Message):
    """How many times smaller a row's file is than a baseline's.

    Attributes:
        size: Neither file zipped.
        zip: Both files zipped.
        size_to_zip: The row's file zipped, the baseline's not, as Predic et al. 2022 count.
    """

    size: float
    zip: float
    size_to_zip: float


class Ratios(Message):
    """A row compared with each baseline; None where there is no such baseline.

    Attributes:
        float32_tflite: Sizes compared with the float32 .tflite file.
        float32_tflite_latency: How many times faster the median inference is than the baseline's on the same device
            with as many threads; None on emulated devices, whose times mean nothing.
        keras_with_optimizer: Sizes compared with the Keras file.
        float32_tflite_latency_differs: Whether the two latencies differ significantly; None where there is no ratio,
            and in older reports.
    """

    float32_tflite: SizeRatios | None
    float32_tflite_latency: float | None
    keras_with_optimizer: SizeRatios | None
    float32_tflite_latency_differs: bool | None = None


class Baseline(Message):
    """A file that others are compared with.

    Attributes:
        pipeline: Name of the pipeline that made it.
        size_bytes: Size of the file.
        zip_bytes: Size of the zipped file.
    """

    pipeline: str
    size_bytes: int
    zip_bytes: int


class Baselines(Message):
    """The baselines, see the package; None until the step that makes it has succeeded."""

    float32_tflite: Baseline | None
    keras_with_optimizer: Baseline | None


class OverSeeds(Message):
    """An export of a pipeline that is repeated over seeds, on one device with one number of threads.

    Attributes:
        seeds: Number of seeds.
        accuracy: Accuracy with each seed.
        accuracy_mean: Mean accuracy.
        accuracy_std: Standard deviation of the accuracy between seeds, with n - 1.
        latency_ms_mean: Mean of the median latencies, in milliseconds.
        latency_ms_std: Standard deviation of the median latencies.
        size_bytes_mean: Mean size of the file.
        size_bytes_std: Standard deviation of the size.
        zip_bytes_mean: Mean size of the zipped file.
        zip_bytes_std: Standard deviation of the zipped size.
        test_accuracy: Test accuracy with each seed; None without a test split, or if it is not measured for each.
        test_accuracy_mean: Mean test accuracy.
        test_accuracy_std: Standard deviation of the test accuracy between seeds.
    """

    seeds: int
    accuracy: dict[int, float]
    accuracy_mean: float
    accuracy_std: float
    latency_ms_mean: float
    latency_ms_std: float
    size_bytes_mean: float
    size_bytes_std: float
    zip_bytes_mean: float
    zip_bytes_std: float
    test_accuracy: dict[int, float] | None = None
    test_accuracy_mean: float | None = None
    test_accuracy_std: float | None = None


class _MeasuredFile(Message):
    """One export of one pipeline, measured on one device with one number of threads: all but its figures.

    Attributes:
        pipeline: Name of the pipeline.
        method: Methods applied to the job's network: ``base`` if it was only trained, else the kinds of the stages
            after training, as in ``prune + cluster + quantize_aware``; ``train`` for another network that was only
            trained.
        stages: Summary of each stage, training included, as in ``prune to 50 % (polynomial), 4 epochs``.
        export: Kind of the export.
        options: Options of the export that are not the default ones, such as ``weight_scales: layer``, where the
            pipeline has several exports of the kind; empty otherwise.
        device: Name of the device.
        threads: Interpreter threads.
        latency_ms: Latency of single images, in milliseconds.
        encoding: ``sparse`` if zeros are left out of the file, which makes it smaller; ``dense`` otherwise.
        promises: What stages and export promised, and what was found in the file.
        stage_epoch_seconds: Mean time of an epoch of each of ``stages``, in seconds.
        model_sha256: SHA-256 of the .tflite file, its name among the artifacts.
        ratios: Comparison with the report's baselines.
        emulated: Whether the device emulates its processor: accuracy is right, times mean nothing.
        throttled: Causes that slowed the processor down; empty if there were none, None if the device does not say.
        surroundings: The machine and its state.
        operator_times: Profile by operator, the most expensive first; None where the runtime has none.
        confusion: ``confusion[true][predicted]`` on the validation images, counts, in the order of the classes.
        right_images: Which images are classified correctly; see `edgepress_common.results.SplitResult`.
        test_confusion: The same as ``confusion`` on the test images; None without a test split, or if the evaluator
            was too old to measure it.
        test_right_images: The same as ``right_images`` on the test images.
        tensors: Input and output of the file; None if an earlier release has exported it.
        operators: Number of operators of each kind in the file; empty in older reports.
        work: Digest of what an inference computes: type of export, operators, number of weights, and what the delegate
            runs. Files with the same digest do the same work, so that their times differ by noise alone. None for
            files whose zeros are left out, and in older reports.
        spec_pipeline: Name of the pipeline in the spec; ``pipeline`` names its repetition. Empty in older reports.
        seed: Seed of the training; None in older reports.
        over_seeds: The export over all seeds; None with one seed.
        operator_groups: The file's operators by kind, and how the device runs them; empty in older reports.
        roofline: Shortest time that the device allows for the file, and the ceilings that it follows from; None if
            unknown.
        energy: Energy of an image; None if it was not measured.
        reliability: The validation images by the confidence of their classification; empty if unknown.
        predicted_latency: Latency of the file that the device's latency model predicted, if a stage had it as its
            target on this device, as this export and with this number of threads.
        explanations: Why the file is not faster on this device, and what would make it faster, in full sentences.
    """

    pipeline: str
    method: str
    stages: tuple[str, ...]
    export: MaybeUnknown[ExportKind]
    options: str = added_field("")
    device: str
    threads: int
    latency_ms: Latency
    encoding: Literal["dense", "sparse"]
    promises: tuple[KeptPromise, ...]
    stage_epoch_seconds: tuple[float, ...]
    model_sha256: str
    ratios: Ratios
    emulated: bool
    throttled: tuple[str, ...] | None
    surroundings: Surroundings
    operator_times: tuple[OperatorTime, ...] | None
    confusion: tuple[tuple[int, ...], ...]
    right_images: str | None = None
    tensors: ModelDescription | None = None
    test_confusion: tuple[tuple[int, ...], ...] | None = None
    test_right_images: str | None = None
    operators: dict[str, int] = Field(default_factory=dict)
    work: str | None = None
    spec_pipeline: str = ""
    seed: int | None = None
    over_seeds: OverSeeds | None = None
    operator_groups: tuple[OperatorGroup, ...] = ()
    roofline: Roofline | None = None
    energy: Energy | None = None
    reliability: tuple[ReliabilityBin, ...] = ()
    predicted_latency: PredictedLatency | None = None
    explanations: tuple[str, ...] = ()

    @property
    def export_name(self) -> str:
        """Name of the export among those of its pipeline: ``int8``, or ``int8 (weight_scales: layer)``."""
        return f"{self.export} ({self.options})" if self.options else str(self.export)


ROW_FIGURES = {name: figure for name, figure in FIGURES.items() if not isinstance(figure.source, FieldPart)}
"""The figures that are fields of a row; the others are parts of ``latency_ms`` and ``ratios``."""


def _field(figure: Figure) -> Any:
    """Return the field of a figure, as ``pydantic.create_model`` takes it."""
    kind = int if figure.is_integer else float
    if figure.is_always_known:
        return kind, Field(description=figure.description)
    return kind | None, Field(default=None, description=figure.description)


if TYPE_CHECKING:

    class ReportRow(_MeasuredFile):
        """A row of the comparison; its figures are declared in `edgepress_common.figures`.

        These are the figures that the code names. Any other is read by `edgepress_common.figures.Figure.of`.
        """

        accuracy: float
        precision: float
        recall: float
        f1: float
        total_seconds: float | None = None
        images: int
        size_bytes: int
        zip_bytes: int
        dense_size_bytes: int
        dense_zip_bytes: int
        sparse_size_bytes: int | None = None
        sparse_zip_bytes: int | None = None
        coded_bytes: int | None = None
        keras_bytes: int
        keras_zip_bytes: int
        keras_with_optimizer_bytes: int
        keras_with_optimizer_zip_bytes: int
        sparsity: float
        unique_weights_max: int
        unique_weights_per_channel_max: int
        float_ops: int
        epoch_seconds: float
        peak_memory_bytes: int
        load_ms: float
        first_inference_ms: float
        roofline_share: float | None = None
        reference_ms: float | None = None
        accuracy_low: float | None = None
        accuracy_high: float | None = None
        test_accuracy: float | None = None
        test_accuracy_low: float | None = None
        test_accuracy_high: float | None = None
        test_images: int | None = None

else:
    ReportRow = create_model(
        "ReportRow",
        __base__=_MeasuredFile,
        __module__=__name__,
        __doc__="One export of one pipeline, measured on one device with one number of threads.",
        **{name: _field(figure) for name, figure in ROW_FIGURES.items()},
    )
