"""TensorFlow's converter, set up the same way for every kind of export.

- The batch is fixed at one and the side at the pack's: with static shapes a runtime's delegate can plan its memory and
  take the whole graph.
- The function is saved with the network's variables alone. Handed the Keras model, the converter saves every layer of
  it too, only to throw them away: the same bytes in three times the time (ResNet18 at 64x64: 7 s instead of 2 s).
- What it writes meanwhile, as large as the network, lies in the step's own folder. By itself it takes the machine's
  folder for temporary files, which may be a small one in memory, and where it stays when the process is killed.
- No conversion metadata: it says how the file was made, not what it does, and equal networks shall be equal bytes.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgepress_common.errors import ConversionError, EdgepressError
from edgepress_worker.keras_environment import keras, tf

Converter = Any  # tf.lite.TFLiteConverter, which has no types


def make_converter(network: keras.Model, side: int) -> Converter:
    """A converter for a network that takes float32 ``(1, side, side, 3)`` with pixels from 0 to 255."""

    def classify(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": network(image, training=False)}

    image = tf.TensorSpec((1, side, side, 3), tf.float32, name="image")
    function = tf.function(classify).get_concrete_function(image)
    variables = tf.Module()
    variables.of_network = network.variables
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], variables)
    converter.exclude_conversion_metadata = True
    return converter


def convert(converter: Converter, kind: str, scratch: Path) -> bytes:
    """The .tflite file.

    Args:
        converter: With all its settings.
        kind: Of the export, for the error.
        scratch: Folder with room for the network.

    Raises:
        ConversionError: The network has something in it that can't be written this way.
    """
    try:
        with _temporary_files_in(scratch):
            return converter.convert()
    except (EdgepressError, OSError, MemoryError, tf.errors.ResourceExhaustedError):
        raise  # a calibration that was told to stop; and what is the machine's fault, not the network's
    except Exception as error:  # the converter raises RuntimeError, ValueError, and a class of its own that is private
        raise ConversionError(f"TensorFlow can't write this network as {kind}: {error}") from error


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="convert-", dir=folder) as own:
        tempfile.tempdir = own  # where whoever names no other place puts them, as TensorFlow does
        try:
            yield
        finally:
            tempfile.tempdir = before
