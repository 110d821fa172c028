"""Writes networks with TensorFlow's converter, with the same settings for every kind of export that uses it.

- The batch size is one and the side is the pack's. With static shapes, a runtime's delegate can plan its memory and
  run the whole graph.
- The function is saved with the network's variables only. From the Keras model, the converter would also save every
  layer and then discard it: the same bytes in three times the time (ResNet18 at 64x64: 7 s instead of 2 s).
- The converter's temporary files, which are as large as the network, are in the step's own folder. The default is the
  system's folder for temporary files. It may be small and in memory, and files stay there if the process is killed.
- Conversion metadata is left out. It describes how the file was made, and equal networks must result in equal bytes.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from edgepress_common.errors import ConversionError, EdgepressError
from edgepress_common.promises import LayerPromise
from edgepress_worker.compression.grids import grid_scales
from edgepress_worker.compression.kernels import find_kernels
from edgepress_worker.exports.exporter import ExportMaterial, FilePromise, WrittenNetwork
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.quantization.with_ranges import without_ranges
from edgepress_worker.tflite.one_scale import with_one_scale, with_scales

Converter = Any  # tf.lite.TFLiteConverter, which has no types


def write_with_converter(
    kind: str,
    material: ExportMaterial,
    configure: Callable[[Converter], None],
    *,
    promise: FilePromise,
    network: keras.Model | None = None,
    finish: Callable[[bytes], bytes] = lambda content: content,
) -> WrittenNetwork:
    """Write a network with TensorFlow's converter.

    Args:
        kind: Kind of export, for errors.
        material: The network and the data that the export needs.
        configure: Function that changes the settings of a new converter.
        promise: Promise that the file is verified against.
        network: The network to write, with ranges; None for the material's without ranges: exports that compute
            activations in more than 8 bits drop them.
        finish: Function that makes the file from what the converter has written.

    Raises:
        ConversionError: The converter can't write the network with these settings.
        StepCancelledError: The step was cancelled.
    """
    network = without_ranges(material.network) if network is None else network
    converter = make_converter(network, material.side)
    configure(converter)
    material.context.raise_if_cancelled()
    content = convert(converter, kind, material.context.scratch, finish)
    return WrittenNetwork(_with_trained_scales(content, network, material.promises), promise, network)


def make_converter(network: keras.Model, side: int) -> Converter:
    """Return a converter for a network whose input is float32 ``(1, side, side, 3)`` with pixels from 0 to 255."""

    def classify(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": network(image, training=False)}

    image = tf.TensorSpec((1, side, side, 3), tf.float32, name="image")
    function = tf.function(classify).get_concrete_function(image)
    variables = tf.Module()
    variables.of_network = network.variables
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], variables)
    converter.exclude_conversion_metadata = True
    return converter


def convert(
    converter: Converter, kind: str, scratch: Path, finish: Callable[[bytes], bytes] = lambda content: content
) -> bytes:
    """Return the bytes of the .tflite file.

    Args:
        converter: Converter with all its settings.
        kind: Kind of export, for the error.
        scratch: Folder with free space for the network.
        finish: Function that makes the file from what the converter has written.

    Raises:
        ConversionError: The converter can't write the network with these settings.
    """
    try:
        with _temporary_files_in(scratch):
            return finish(converter.convert())
    except (EdgepressError, OSError, MemoryError, tf.errors.ResourceExhaustedError):
        raise  # a cancelled calibration, or a fault of the machine rather than of the network
    except Exception as error:  # the converter raises RuntimeError, ValueError and a private class
        raise ConversionError(f"TensorFlow can't write this network as {kind}: {error}") from error


def _with_trained_scales(content: bytes, network: keras.Model, promises: Sequence[LayerPromise]) -> bytes:
    """Return the file with the int8 scales that layers were trained for: one for a layer, or learned ones."""
    one = {promise.layer for promise in promises if promise.grid == "layer"}
    learned = {promise.layer: promise.largest_code for promise in promises if promise.largest_code is not None}
    if not one and not learned:
        return content
    kernels = {kernel.layer: kernel for kernel in find_kernels(network) if kernel.kind != "depthwise_conv2d"}
    values = {layer: keras.backend.get_value(kernel.variable) for layer, kernel in kernels.items()}
    scales = {
        layer: (
            values[layer],
            grid_scales(np.moveaxis(values[layer], -1, 0).reshape(values[layer].shape[-1], -1), code),
        )
        for layer, code in learned.items()
        if layer in values
    }
    return with_scales(with_one_scale(content, {layer: each for layer, each in values.items() if layer in one}), scales)


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="convert-", dir=folder) as own:
        tempfile.tempdir = own  # the default folder of `tempfile`, which TensorFlow uses
        try:
            yield
        finally:
            tempfile.tempdir = before
