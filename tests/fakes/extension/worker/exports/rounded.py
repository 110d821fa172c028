"""Writes kernels with few decimals."""

from typing import Any

import numpy as np

from edgepress_worker.compression.kernels import find_kernels
from edgepress_worker.exports.converter import convert, make_converter
from edgepress_worker.exports.exporter import Exporter, ExportMaterial, FilePromise, WrittenNetwork
from edgepress_worker.keras_environment import keras
from edgepress_worker.quantization.with_ranges import without_ranges


def export_rounded(parameters: Any, material: ExportMaterial) -> WrittenNetwork:
    """See `Exporter`."""
    network = without_ranges(material.network)
    for kernel in find_kernels(network):
        kernel.variable.assign(np.round(keras.backend.get_value(kernel.variable), parameters.decimals))
    content = convert(make_converter(network, material.side), parameters.kind, material.context.scratch)
    return WrittenNetwork(content, FilePromise(input_type="float32", output_type="float32"), network)


EXPORTER: Exporter[Any] = export_rounded
