"""Weights in float16. The file holds an operator per tensor that widens them again, where the runtime must."""

from edgepress_common.spec.exports.float16 import Float16Export
from edgepress_worker.exports.converter import Converter, write_with_converter
from edgepress_worker.exports.exporter import Exporter, ExportMaterial, FilePromise, WrittenNetwork
from edgepress_worker.keras_environment import tf


def export_float16(parameters: Float16Export, material: ExportMaterial) -> WrittenNetwork:
    """See `Exporter`."""

    def configure(converter: Converter) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]

    promise = FilePromise(input_type="float32", output_type="float32")
    return write_with_converter(parameters.kind, material, configure, promise=promise)


EXPORTER: Exporter[Float16Export] = export_float16
