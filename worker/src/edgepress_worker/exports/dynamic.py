"""Weights in int8, one scale per channel; activations are quantized by their range of the moment.

The converter leaves tensors of fewer than 1024 weights in float32: there is nothing to be won.
"""

from edgepress_common.spec.exports import DynamicExport
from edgepress_worker.exports.calibration import Calibration
from edgepress_worker.exports.converter import Converter
from edgepress_worker.exports.exporter import Promise
from edgepress_worker.keras_environment import tf


def export_dynamic(_parameters: DynamicExport, converter: Converter, _calibration: Calibration) -> Promise:
    """See `Exporter`."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return Promise(input_type="float32", output_type="float32")
