"""Export with weights in int8, one scale per channel; activations are quantized at run time by their current range.

The converter leaves tensors of fewer than 1024 weights in float32, because they would hardly become smaller.
"""

from edgepress_common.spec.exports.dynamic import DynamicExport
from edgepress_worker.exports.converter import Converter, write_with_converter
from edgepress_worker.exports.exporter import Exporter, ExportMaterial, FilePromise, WrittenNetwork
from edgepress_worker.keras_environment import tf


def export_dynamic(parameters: DynamicExport, material: ExportMaterial) -> WrittenNetwork:
    """See `Exporter`."""

    def configure(converter: Converter) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]

    promise = FilePromise(input_type="float32", output_type="float32")
    return write_with_converter(parameters.kind, material, configure, promise=promise)


EXPORTER: Exporter[DynamicExport] = export_dynamic
