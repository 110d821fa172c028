"""The input and output of a .tflite file, for programs that run it."""

from edgepress_common.frozen import Message
from edgepress_common.text import HarmlessText


class TensorDescription(Message):
    """An input or output tensor of a model.

    Attributes:
        name: Name in the file.
        type: Type of the values, as numpy writes it.
        shape: ``(1, height, width, channels)`` for images, ``(1, classes)`` for the output.
        scale: A stored integer q represents ``scale * (q - zero_point)``; None for float values.
        zero_point: The stored integer that represents 0; None for float values.
    """

    name: HarmlessText
    type: HarmlessText
    shape: tuple[int, ...]
    scale: float | None = None
    zero_point: int | None = None


class ModelDescription(Message):
    """The input and the output of an image classifier."""

    input: TensorDescription
    output: TensorDescription

    @property
    def image_size(self) -> int:
        """Height and width of the images in pixels."""
        return self.input.shape[1]
