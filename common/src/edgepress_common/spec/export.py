"""Declaration of a kind of export, and the parameters that all exports have in common.

To add an export, write its declaration in `edgepress_common.spec.exports` and its implementation in
``edgepress_worker.exports``, each a file named after the export. Everything else is derived from the declaration.
"""

from typing import Literal

from pydantic import Field

from edgepress_common.frozen import Frozen
from edgepress_common.promises import PromiseKind
from edgepress_common.registry import Descriptor


class ExportParameters(Frozen):
    """The parameters of an export. Subclasses define the value of ``kind``."""

    kind: str
    encoding: Literal["smallest", "dense", "sparse"] = Field(
        default="smallest",
        description="Storage of a pruned network's zeros. sparse: omitted (TFLite's sparse encoding); dense: "
        "stored; smallest: the encoding with the smaller file. Networks without pruning are always dense.",
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
        uploaded_code_version: Version of the code for layers that only uploaded models have, a part of the key of these
            models' exports. Increase it like ``code_version``, where networks of the catalogue are not affected.
    """

    paper: str | None = None
    parameters: type[ExportParameters]
    promises: tuple[PromiseKind, ...] = ("classes",)
    uploaded_code_version: int = Field(default=1, ge=1)
