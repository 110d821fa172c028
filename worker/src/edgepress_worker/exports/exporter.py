"""What a kind of export is to the rest: a function that sets up a converter, and says what will come of it."""

from dataclasses import dataclass
from typing import Protocol, TypeVar

from edgepress_worker.exports.calibration import Calibration
from edgepress_worker.exports.converter import Converter

_Parameters_contra = TypeVar("_Parameters_contra", contravariant=True)


@dataclass(frozen=True)
class Promise:
    """What an exported file is held to.

    Attributes:
        input_type: Of its input tensor, as numpy writes it.
        output_type: Of its output tensor.
        integers_only: Whether no operator may compute on floats.
    """

    input_type: str
    output_type: str
    integers_only: bool = False


class Exporter(Protocol[_Parameters_contra]):
    """Sets up a converter for one kind of export."""

    def __call__(self, parameters: _Parameters_contra, converter: Converter, calibration: Calibration, /) -> Promise:
        """Changes the converter's settings.

        Args:
            parameters: As the spec has them.
            converter: Fresh, to be changed.
            calibration: Representative images, for who needs them.

        Returns:
            What the file will keep.
        """
        ...
