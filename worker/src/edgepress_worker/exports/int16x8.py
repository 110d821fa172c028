"""Weights in int8, activations in int16.

TFLite has no such form of some operators (HARD_SWISH, so MobileNetV3). Those stay in float32, between a DEQUANTIZE and
a QUANTIZE of their own: the export says how many, it does not fail. A network without them gives the same bytes
whether floats are allowed or not.
"""

from edgepress_common.spec.export import CalibratedExport
from edgepress_common.spec.exports.int16x8 import Int16x8Export
from edgepress_worker.exports.converter import Converter, write_with_converter
from edgepress_worker.exports.exporter import Exporter, ExportMaterial, FilePromise, WrittenNetwork
from edgepress_worker.keras_environment import tf


def export_int16x8(parameters: Int16x8Export, material: ExportMaterial) -> WrittenNetwork:
    """See `Exporter`."""

    def configure(converter: Converter) -> None:
        computes_in_int16(converter, parameters, material, parameters.input_type)

    promise = FilePromise(input_type=parameters.input_type, output_type=parameters.input_type)
    return write_with_converter(parameters.kind, material, configure, promise=promise)


def computes_in_int16(
    converter: Converter, parameters: CalibratedExport, material: ExportMaterial, input_type: str
) -> None:
    """Let a converter write int16 activations, calibrated with the representative images."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = material.calibration.dataset(parameters.representative_images)
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
        tf.lite.OpsSet.TFLITE_BUILTINS,
    ]
    converter.inference_input_type = tf.dtypes.as_dtype(input_type)
    converter.inference_output_type = tf.dtypes.as_dtype(input_type)


EXPORTER: Exporter[Int16x8Export] = export_int16x8
