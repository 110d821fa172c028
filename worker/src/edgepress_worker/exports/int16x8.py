"""Weights in int8, activations in int16.

TFLite has no such form of some operators (HARD_SWISH, so MobileNetV3). Those stay in float32, between a DEQUANTIZE and
a QUANTIZE of their own: the export says how many, it does not fail. A network without them gives the same bytes
whether floats are allowed or not.
"""

from edgepress_common.spec.exports import Int16x8Export
from edgepress_worker.exports.calibration import Calibration
from edgepress_worker.exports.converter import Converter
from edgepress_worker.exports.exporter import Promise
from edgepress_worker.keras_environment import tf


def export_int16x8(parameters: Int16x8Export, converter: Converter, calibration: Calibration) -> Promise:
    """See `Exporter`."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = calibration.dataset(parameters.representative_images)
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
        tf.lite.OpsSet.TFLITE_BUILTINS,
    ]
    converter.inference_input_type = tf.dtypes.as_dtype(parameters.input_type)
    converter.inference_output_type = tf.dtypes.as_dtype(parameters.input_type)
    return Promise(input_type=parameters.input_type, output_type=parameters.input_type)
