"""Carries out an export step.

1. Loads the Keras model, and lets the kind of export write it.
2. Reads what came out, once: operators, types, weights; and verifies what the export promises, and what stages promised
   of the weights.
3. Leaves out a pruned network's zeros, if that is wanted, and describes the input and the classes in the file.
4. Classifies a training image with the file, weighs it, and writes its coded file.
5. Puts both into the store.

The same model, pack and parameters give the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edgepress_common.messages import Outputs, Progress
from edgepress_common.promises import KeptPromise, LayerPromise, ShapePromise
from edgepress_common.results import ExportResult, Sensitivity
from edgepress_common.steps import ExportStep
from edgepress_worker.coded import CODED_MEDIA_TYPE
from edgepress_worker.coded.file import coded_file
from edgepress_worker.compression.kernels import kernel_values
from edgepress_worker.context import StepContext
from edgepress_worker.exports.calibration import Calibration
from edgepress_worker.exports.checks import check_inference, check_promise
from edgepress_worker.exports.encoding import EncodedFile, encode
from edgepress_worker.exports.exporter import ExportMaterial
from edgepress_worker.exports.model_metadata import described
from edgepress_worker.exports.normalization import normalized_layers
from edgepress_worker.exports.promises import check_layers
from edgepress_worker.exports.registry import EXPORTERS
from edgepress_worker.exports.shape import check_shape
from edgepress_worker.figures import measure_figures
from edgepress_worker.keras_files import load_model
from edgepress_worker.operator_work import operator_work
from edgepress_worker.pack import Pack
from edgepress_worker.tflite.cost import count_macs, count_weights
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.float_operators import count_by_name, float_operators
from edgepress_worker.tflite.weights import sparsity

# TFLite has no registered media type; this is what it is called where it is called anything.
TFLITE_MEDIA_TYPE = "application/x-tflite"


@dataclass(frozen=True)
class StoredNetwork:
    """The network to write.

    Attributes:
        model: Its file, HDF5.
        promises: What is true of its weights, by layer.
        shape: Its promised shape, if a stage has changed it.
    """

    model: Path
    promises: tuple[LayerPromise, ...] = ()
    shape: ShapePromise | None = None


def run_export(
    parameters: ExportStep, pack: Pack, source: StoredNetwork, context: StepContext
) -> tuple[Outputs, ExportResult]:
    """Writes a model as a .tflite file, checks it, and stores it.

    Args:
        parameters: What kind of file, and the seed that draws the representative images.
        pack: Its training images calibrate and check; they have the side the file is made for.
        source: The Keras model.
        context: The step's surroundings.

    Returns:
        The artifact ``tflite`` with its coded file, ``coded``, and what is in it.

    Raises:
        BrokenPromiseError: The file is not what its kind of export, or a stage, promises.
        StepFailedError: The network can't be written this way.
        StepCancelledError: The step was told to stop.
    """
    kind = parameters.export.kind
    context.report(Progress(fraction=0.0, message=f"converting to {kind}"))
    calibration = Calibration(pack.train, parameters.seed, context)
    side = pack.train.images.shape[1]
    material = ExportMaterial(load_model(source.model), side, source.promises, calibration, pack.validation, context)
    context.raise_if_cancelled()
    written = EXPORTERS[kind](parameters.export, material)
    context.raise_if_cancelled()

    context.report(Progress(fraction=0.9, message="checking"))
    contents = TfliteFile.parse(written.content)
    kernels = kernel_values(written.network)
    kept = [
        *check_layers(source.promises, contents, kind, normalized_layers(written.network), kernels=kernels),
        *check_shape(source.shape, contents, kind, kernels=kernels),
        *check_promise(written.promise, contents.model),
    ]
    is_quantized = not written.promise.input_type.startswith("float")
    describe = partial(described, classes=pack.classes, side=side, is_quantized=is_quantized)
    path = context.scratch / f"{kind}.tflite"
    path.write_bytes(describe(written.content))
    file = encode(path, contents, parameters.export.encoding, source.promises, finish=describe)
    kept.append(check_inference(file.path, pack.train.images[0], classes=len(pack.classes)))
    context.raise_if_cancelled()
    context.report(Progress(fraction=0.95, message="coding"))
    coded = coded_file(file.path.read_bytes())
    result = _describe(file, kept, len(coded), written.sensitivity)
    result = result.model_copy(update={"work": operator_work(material.network)})
    outputs = {
        "tflite": context.store.put_file(file.path, TFLITE_MEDIA_TYPE, move=True),
        "coded": context.store.put_bytes(coded, CODED_MEDIA_TYPE),
    }
    return outputs, result


def _describe(
    file: EncodedFile, kept: Sequence[KeptPromise], coded_bytes: int, sensitivity: Sensitivity | None
) -> ExportResult:
    model, weights = file.contents.model, file.contents.weights
    (entry,), (end,) = model.inputs, model.outputs
    return ExportResult(
        size_bytes=file.size.size_bytes,
        zip_bytes=file.size.zip_bytes,
        encoding=file.encoding,
        dense_size_bytes=file.dense.size_bytes,
        dense_zip_bytes=file.dense.zip_bytes,
        sparse_size_bytes=None if file.sparse is None else file.sparse.size_bytes,
        sparse_zip_bytes=None if file.sparse is None else file.sparse.zip_bytes,
        input_type=model.tensors[entry].type,
        output_type=model.tensors[end].type,
        operators=model.operator_counts(),
        float_operators=count_by_name(float_operators(model)),
        sparsity=sparsity(weights),
        unique_weights_max=max((layer.unique_count() for layer in weights), default=0),
        unique_weights_per_channel_max=max(
            (int(layer.unique_count_per_channel().max()) for layer in weights), default=0
        ),
        promises=tuple(kept),
        tensors=model.description(),
        macs=count_macs(model),
        weights=count_weights(model),
        sensitivity=sensitivity,
        coded_bytes=coded_bytes,
        figures=measure_figures(file.path),
    )
