"""Declaration of a kind of export, and the parameters that all exports have in common.

To add an export, write its declaration in `edgepress_common.spec.exports` and its implementation in
``edgepress_worker.exports``, each a file named after the export. Everything else is derived from the declaration.
"""

from typing import Literal

from pydantic import Field

from edgepress_common.frozen import Frozen
from edgepress_common.promises import PromiseKind
from edgepress_common.registry import Descriptor

Encoding = Literal["smallest", "smallest_to_send", "dense", "sparse"]


class ExportParameters(Frozen):
    """The parameters of an export. Subclasses define the value of ``kind``."""

    kind: str
    encoding: Encoding = Field(
        default="smallest",
        description="Storage of a pruned network's zeros. sparse: omitted (TFLite's sparse encoding); dense: "
        "stored; smallest: the encoding with the smaller file, for storage and memory of the board; smallest_to_send: "
        "the encoding with the smaller coded file. Networks without pruning are always dense.",
    )


class CalibratedExport(ExportParameters):
    """The parameters of an export that calibrates activation ranges by running images through the network."""

    representative_images: int = Field(
        default=128, ge=1, le=10_000, description="Number of training images for calibrating activation ranges."
    )


class ExportFormat(Descriptor):
    """A kind of export: a way to write a Keras model as a .tflite file.

    Attributes:
        paper: The publication that describes it; None for common practice.
        parameters: Model of its parameters.
        promises: Kinds of promise that the export makes about its files, in addition to those of the stages.
    """

    paper: str | None = None
    parameters: type[ExportParameters]
    promises: tuple[PromiseKind, ...] = ("classes",)
