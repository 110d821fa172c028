"""Keeps chosen layers of an int8 file in float.

The converter only calibrates: it writes the network in float, with the range of each tensor. Its quantizer then rounds
all operators but those whose output is named. It puts a DEQUANTIZE before each of these, and a QUANTIZE behind it.
"""

from collections.abc import Collection

from tensorflow.lite.python.convert import mlir_quantize

from edgepress_worker.compression.kernels import kernel_values
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.matching import match_layers


class KeptFloat:
    """Quantizes a calibrated file.

    Args:
        network: The network as the converter writes it.
        layers: Names of the layers that stay in float.
        input_type: Type of input and output, ``int8`` or ``uint8``.
        per_channel: Whether each output channel has its own scale.
    """

    def __init__(self, network: keras.Model, layers: Collection[str], input_type: str, *, per_channel: bool) -> None:
        self._kernels = {name: values for name, values in kernel_values(network).items() if name in layers}
        self._type = tf.dtypes.as_dtype(input_type)
        self._per_channel = per_channel
        self.outputs: tuple[str, ...] = ()

    def quantize(self, calibrated: bytes) -> bytes:
        """Return the int8 file of a calibrated file, and remember the outputs of the operators that stay in float."""
        contents = TfliteFile.parse(calibrated)
        found = match_layers(self._kernels, contents.weights, contents.model)
        tensors = contents.model.tensors
        self.outputs = tuple(
            sorted({tensors[each.outputs[0]].name for weights in found.values() for each in weights.operators})
        )
        content = mlir_quantize(
            calibrated,
            disable_per_channel=not self._per_channel,
            input_data_type=self._type,
            output_data_type=self._type,
            denylisted_nodes=list(self.outputs),
        )
        return bytes(content)
