"""A .tflite file that is unpacked once, however many look at it."""

from functools import cached_property
from pathlib import Path
from typing import Any

from edgepress_worker.tflite.model import TfliteModel, read_model, unpack
from edgepress_worker.tflite.weights import StoredWeights, read_weights


class TfliteFile:
    """A file's contents.

    Args:
        model: Its tensors and operators.
        tables: The unpacked flatbuffer, as TensorFlow's generated classes have it; None for a model without a file.
    """

    def __init__(self, model: TfliteModel, tables: Any = None) -> None:
        self.model = model
        self.tables = tables

    @classmethod
    def parse(cls, content: bytes) -> "TfliteFile":
        """Unpack the bytes of a file.

        Raises:
            StepFailedError: It has several subgraphs.
        """
        tables = unpack(content)
        return cls(read_model(tables), tables)

    @classmethod
    def read(cls, path: Path) -> "TfliteFile":
        """Unpack a file; see `parse`."""
        return cls.parse(path.read_bytes())

    @cached_property
    def weights(self) -> tuple[StoredWeights, ...]:
        """The weights of its convolutions and dense layers.

        Raises:
            StepFailedError: Weights are stored in a type that is not known.
        """
        return tuple(read_weights(self.model))
