"""Carries out an export step.

1. Loads the Keras model, prepares it for the kind of export, and fixes the shape of its input.
2. Lets the kind of export set up the converter, and converts; a kind that calibrates draws representative images.
3. Reads what came out: operators, types, weights; and holds it against what the export promises, and what stages
   promised of the weights.
4. Leaves out a pruned network's zeros, if that is wanted.
5. Classifies a training image with the file, weighs it, and puts it into the store.

The same model, pack and parameters give the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgepress_common.messages import Outputs, Progress
from edgepress_common.promises import KeptPromise, LayerPromise
from edgepress_common.results import ExportResult
from edgepress_common.steps import ExportStep
from edgepress_worker.context import StepContext
from edgepress_worker.exports.calibration import Calibration
from edgepress_worker.exports.checks import check_inference, check_promise
from edgepress_worker.exports.converter import convert, make_converter
from edgepress_worker.exports.encoding import EncodedFile, encode
from edgepress_worker.exports.normalization import normalized_layers
from edgepress_worker.exports.preparation import prepared, with_trained_steps
from edgepress_worker.exports.promises import check_layers
from edgepress_worker.exports.registry import EXPORTERS
from edgepress_worker.keras_files import load_model
from edgepress_worker.pack import Pack
from edgepress_worker.tflite.float_operators import count_by_name, float_operators
from edgepress_worker.tflite.model import read_tflite
from edgepress_worker.tflite.weights import read_weights, sparsity

# TFLite has no registered media type; this is what it is called where it is called anything.
TFLITE_MEDIA_TYPE = "application/x-tflite"


@dataclass(frozen=True)
class Source:
    """The network to write.

    Attributes:
        model: Its file, HDF5.
        promises: What is true of its weights, by layer.
    """

    model: Path
    promises: tuple[LayerPromise, ...] = ()


def run_export(
    parameters: ExportStep, pack: Pack, source: Source, context: StepContext
) -> tuple[Outputs, ExportResult]:
    """Writes a model as a .tflite file, checks it, and stores it.

    Args:
        parameters: What kind of file, and the seed that draws the representative images.
        pack: Its training images calibrate and check; they have the side the file is made for.
        source: The Keras model.
        context: The step's surroundings.

    Returns:
        The artifact ``tflite``, and what is in it.

    Raises:
        BrokenPromiseError: The file is not what its kind of export, or a stage, promises.
        StepFailedError: The network can't be written this way.
        StepCancelledError: The step was told to stop.
    """
    kind = parameters.export.kind
    context.report(Progress(fraction=0.0, message=f"converting to {kind}"))
    network = prepared(load_model(source.model), kind)
    converter = make_converter(network, side=pack.train.images.shape[1])
    context.raise_if_cancelled()
    promise = EXPORTERS[kind](parameters.export, converter, Calibration(pack.train, parameters.seed, context))
    path = context.scratch / f"{kind}.tflite"
    content = convert(converter, kind, context.scratch)
    path.write_bytes(with_trained_steps(content, network, source.promises))
    context.raise_if_cancelled()

    context.report(Progress(fraction=0.9, message="checking"))
    written = read_tflite(path)
    kept = [
        *check_layers(source.promises, written, kind, normalized_layers(network)),
        *check_promise(promise, written),
    ]
    file = encode(path, parameters.export.encoding, source.promises)
    kept.append(check_inference(file.path, pack.train.images[0], classes=len(pack.classes)))
    result = _describe(file, kept)
    return {"tflite": context.store.put_file(file.path, TFLITE_MEDIA_TYPE, move=True)}, result


def _describe(file: EncodedFile, kept: Sequence[KeptPromise]) -> ExportResult:
    model = read_tflite(file.path)
    (entry,), (end,) = model.inputs, model.outputs
    weights = tuple(read_weights(model))
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
    )
