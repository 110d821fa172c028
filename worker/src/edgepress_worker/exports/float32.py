"""The network as trained."""

from edgepress_common.spec.exports.float32 import Float32Export
from edgepress_worker.exports.converter import Converter, write_with_converter
from edgepress_worker.exports.exporter import Exporter, ExportMaterial, FilePromise, WrittenNetwork


def export_float32(parameters: Float32Export, material: ExportMaterial) -> WrittenNetwork:
    """See `Exporter`."""

    def configure(_converter: Converter) -> None:
        """Leave the converter's defaults."""

    promise = FilePromise(input_type="float32", output_type="float32")
    return write_with_converter(parameters.kind, material, configure, promise=promise)


EXPORTER: Exporter[Float32Export] = export_float32
