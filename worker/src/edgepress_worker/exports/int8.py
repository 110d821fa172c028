"""Weights and activations in int8, input and output included: runs without floats, or not at all.

The input tensor's scale and zero point say how a pixel becomes a code. They follow from the representative images'
range, so they need not be 1 and -128: read them from the file. Ranges that were trained are kept: the converter takes
them for the tensors'.
"""

from edgepress_common.spec.exports.int8 import Int8Export
from edgepress_worker.exports.converter import Converter, write_with_converter
from edgepress_worker.exports.exporter import Exporter, ExportMaterial, FilePromise, WrittenNetwork
from edgepress_worker.keras_environment import tf


def export_int8(parameters: Int8Export, material: ExportMaterial) -> WrittenNetwork:
    """See `Exporter`."""

    def configure(converter: Converter) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = material.calibration.dataset(parameters.representative_images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.dtypes.as_dtype(parameters.input_type)
        converter.inference_output_type = tf.dtypes.as_dtype(parameters.input_type)

    promise = FilePromise(input_type=parameters.input_type, output_type=parameters.input_type, integers_only=True)
    return write_with_converter(parameters.kind, material, configure, promise=promise, keep_ranges=True)


EXPORTER: Exporter[Int8Export] = export_int8
