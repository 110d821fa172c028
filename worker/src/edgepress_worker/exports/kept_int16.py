"""Keeps the activations of chosen layers of an int8 file in int16, see `tflite.mixed_file`."""

from collections.abc import Collection

from edgepress_common.spec.export import Int8ActivationsExport
from edgepress_worker.compression.kernels import kernel_values
from edgepress_worker.exports.converter import convert, make_converter
from edgepress_worker.exports.exporter import ExportMaterial
from edgepress_worker.exports.int16x8 import computes_in_int16
from edgepress_worker.keras_environment import keras
from edgepress_worker.tflite.mixed_file import with_int16_layers


class KeptInt16:
    """Joins the int8 file of a network with its int16x8 file.

    Args:
        network: The network as the converter writes it.
        layers: Names of the layers that compute with int16 activations.
        parameters: Parameters of the export.
        material: Material of the export.
    """

    def __init__(
        self,
        network: keras.Model,
        layers: Collection[str],
        parameters: Int8ActivationsExport,
        material: ExportMaterial,
    ) -> None:
        self._network = network
        self._kernels = {name: values for name, values in kernel_values(network).items() if name in layers}
        self._parameters = parameters
        self._material = material
        self.outputs: tuple[str, ...] = ()

    def join(self, int8: bytes) -> bytes:
        """Return the file with the chosen layers in int16, and remember the tensors that they compute."""
        converter = make_converter(self._network, self._material.side)
        computes_in_int16(converter, self._parameters, self._material, "int16")
        int16 = convert(converter, self._parameters.kind, self._material.context.scratch)
        content, outputs = with_int16_layers(int8, int16, self._kernels)
        self.outputs = tuple(outputs)
        return content
