"""Weights in float16. The file holds an operator per tensor that widens them again, where the runtime must."""

from edgepress_common.spec.exports import Float16Export
from edgepress_worker.exports.calibration import Calibration
from edgepress_worker.exports.converter import Converter
from edgepress_worker.exports.exporter import Promise
from edgepress_worker.keras_environment import tf


def export_float16(_parameters: Float16Export, converter: Converter, _calibration: Calibration) -> Promise:
    """See `Exporter`."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return Promise(input_type="float32", output_type="float32")
