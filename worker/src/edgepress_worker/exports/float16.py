"""Weights in float16. The file holds an operator per tensor that widens them again, where the runtime must.

The converter always writes the metadata ``reduced_precision_support``, by default ``fp16accfp32``: float16 with sums in
float32. XNNPACK has no such kernels: it computes in float16 only if the metadata allows sums in float16 as well
(``SupportsFP16Accumulation`` in tflite/delegates/xnnpack/xnnpack_delegate.cc), and the processor has the arithmetic.
"""

from edgepress_common.spec.exports.float16 import Float16Export
from edgepress_worker.exports.converter import Converter, write_with_converter
from edgepress_worker.exports.exporter import Exporter, ExportMaterial, FilePromise, WrittenNetwork
from edgepress_worker.keras_environment import tf


def export_float16(parameters: Float16Export, material: ExportMaterial) -> WrittenNetwork:
    """See `Exporter`."""

    def configure(converter: Converter) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        if computes_in_float16:
            converter.target_spec._experimental_supported_accumulation_type = tf.float16  # noqa: SLF001 - no other way

    computes_in_float16 = parameters.arithmetic == "float16"
    promise = FilePromise(input_type="float32", output_type="float32", float16_arithmetic=computes_in_float16)
    return write_with_converter(parameters.kind, material, configure, promise=promise)


EXPORTER: Exporter[Float16Export] = export_float16
