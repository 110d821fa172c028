"""Declaration of a kind of export, and the parameters that all exports have in common.

To add an export, write its declaration in `edgepress_common.spec.exports` and its implementation in
``edgepress_worker.exports``, each a file named after the export. Everything else is derived from the declaration.
"""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field

from edgepress_common.frozen import Frozen, added_field
from edgepress_common.promises import PromiseKind
from edgepress_common.registry import Descriptor
from edgepress_common.spec.calibration import CalibrationSettings
from edgepress_common.spec.network_state import NetworkState

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


class Int8ActivationsExport(CalibratedExport):
    """The parameters of an export with activations in int8."""

    input_type: Literal["int8", "uint8"] = Field(default="int8", description="Type of the input and output tensors.")
    calibration: CalibrationSettings = added_field(
        CalibrationSettings(),
        description="Quantization without training; by default as TensorFlow does it.",
    )


def calibration_conflict(export: Int8ActivationsExport, state: NetworkState) -> str | None:
    """Return why a network with these traits can't be calibrated this way; see `ExportFormat.conflict`."""
    problem = export.calibration.problem(state)
    return None if problem is None else f".calibration {problem}"


def never_conflicts(_export: Any, _state: NetworkState) -> str | None:
    """Accept every network."""
    return None


class ExportFormat(Descriptor):
    """A kind of export: a way to write a Keras model as a .tflite file.

    Attributes:
        paper: The publication that describes it; None for common practice.
        parameters: Model of its parameters.
        promises: Kinds of promise that the export makes about its files, in addition to those of the stages.
        conflict: Function that returns why an export with these parameters can't follow stages that leave these traits,
            or None if it can. The text follows the export's position in the spec.
        uploaded_code_version: Version of the code for layers that only uploaded models have, a part of the key of these
            models' exports. Increase it like ``code_version``, where networks of the catalogue are not affected.
    """

    paper: str | None = None
    parameters: type[ExportParameters]
    promises: tuple[PromiseKind, ...] = ("classes",)
    conflict: Callable[[Any, NetworkState], str | None] = never_conflicts
    uploaded_code_version: int = Field(default=1, ge=1)
