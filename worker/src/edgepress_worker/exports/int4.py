"""Weights of convolutions and dense layers in four bits, all else in int8.

1. The network is folded and its weights are rounded to 15 values per output channel, or to 4 with two bits, as the
   calibration chooses. Weights that lie on such a grid already stay as they are, so that a network that was trained for
   fewer values keeps these. Depthwise weights have 8 bits: they are few, and need them.
2. The converter writes an int8 file of it.
3. The weights are stored in four bits, see `tflite.int4_file`.
"""

import functools
from dataclasses import replace

from edgepress_common.spec.exports.int4 import Int4Export
from edgepress_worker.compression.grids import CODES
from edgepress_worker.compression.kernels import Kernel, find_kernels, kernel_values
from edgepress_worker.exports.converter import Converter, write_with_converter
from edgepress_worker.exports.exporter import Exporter, ExportMaterial, FilePromise, WrittenNetwork
from edgepress_worker.exports.int8 import computes_in_int8
from edgepress_worker.quantization.post_training import PostTraining
from edgepress_worker.quantization.weight_grids import WeightGrid
from edgepress_worker.tflite.int4_file import with_int4_weights
from edgepress_worker.training import begin_repeatable

_BITS = 4  # of a stored code


def export_int4(parameters: Int4Export, material: ExportMaterial) -> WrittenNetwork:
    """See `Exporter`."""
    begin_repeatable(material.calibration.seed)
    network = PostTraining(
        parameters.calibration,
        grids=functools.partial(_grid, parameters),
        batches=lambda: material.calibration.batches(parameters.representative_images),
        seed=material.calibration.seed,
        always_rounds=True,
    ).prepare(material.network)
    packed = {kernel.layer for kernel in find_kernels(network) if kernel.kind != "depthwise_conv2d"}
    kernels = {layer: values for layer, values in kernel_values(network).items() if layer in packed}

    def configure(converter: Converter) -> None:
        computes_in_int8(converter, parameters, material)

    written = write_with_converter(
        parameters.kind,
        replace(material, promises=()),  # no layer has a trained int8 scale
        configure,
        promise=FilePromise(
            parameters.input_type,
            parameters.input_type,
            integers_only=True,
            weight_bits=_BITS,
            weight_values=None if parameters.weight_bits == _BITS else CODES[parameters.weight_bits].count,
        ),
        network=network,
        finish=lambda content: with_int4_weights(content, kernels),
    )
    return replace(written, network=material.network)


def _grid(parameters: Int4Export, kernel: Kernel) -> WeightGrid:
    return WeightGrid() if kernel.kind == "depthwise_conv2d" else WeightGrid(bits=parameters.weight_bits)


EXPORTER: Exporter[Int4Export] = export_int4
