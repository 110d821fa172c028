"""What becomes of quantization-aware training in an export: before the converter, and after it."""

from collections.abc import Sequence

from edgepress_common.promises import LayerPromise
from edgepress_common.spec.exports import ExportKind
from edgepress_worker.compression.kernels import find_kernels
from edgepress_worker.keras_environment import keras
from edgepress_worker.quantization.with_ranges import without_ranges
from edgepress_worker.tflite.one_step import with_one_step


def prepared(network: keras.Model, kind: ExportKind) -> keras.Model:
    """The network as it is to be converted.

    An int8 file takes the ranges of activations that were trained. Others compute activations with more than 8 bits,
    which the ranges would take from them.

    Args:
        network: As a stage left it.
        kind: Of the export.
    """
    return network if kind == "int8" else without_ranges(network)


def with_trained_steps(content: bytes, network: keras.Model, promises: Sequence[LayerPromise]) -> bytes:
    """The file with one int8 step for each layer that was trained for one.

    Args:
        content: As the converter wrote it.
        network: That it was converted from.
        promises: What is true of its weights, by layer.
    """
    trained = {promise.layer for promise in promises if promise.grid == "layer"}
    if not trained:
        return content
    kernels = {
        kernel.layer: keras.backend.get_value(kernel.variable)
        for kernel in find_kernels(network)
        if kernel.layer in trained
    }
    return with_one_step(content, kernels)
