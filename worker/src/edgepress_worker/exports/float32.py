"""The network as trained."""

from edgepress_common.spec.exports import Float32Export
from edgepress_worker.exports.calibration import Calibration
from edgepress_worker.exports.converter import Converter
from edgepress_worker.exports.exporter import Promise


def export_float32(_parameters: Float32Export, _converter: Converter, _calibration: Calibration) -> Promise:
    """See `Exporter`. This is what a converter does that is told nothing."""
    return Promise(input_type="float32", output_type="float32")
