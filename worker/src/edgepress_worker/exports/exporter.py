"""Interface of a kind of export: a function from a network to the bytes of a file."""

from dataclasses import dataclass
from typing import Protocol, TypeVar

from edgepress_common.promises import LayerPromise
from edgepress_common.results import Sensitivity
from edgepress_worker.context import StepContext
from edgepress_worker.exports.calibration import Calibration
from edgepress_worker.keras_environment import keras
from edgepress_worker.pack import LabelledImages

_Parameters_contra = TypeVar("_Parameters_contra", contravariant=True)


@dataclass(frozen=True)
class ExportMaterial:
    """Network to export, and the data that exports need.

    Attributes:
        network: Result of the last stage, with the ranges of its activations. Its input is float32 pixels from 0 to
            255.
        side: Height and width of the file's input images, in pixels.
        promises: Promises about the network's weights, by layer.
        calibration: Representative images, for exports that need them.
        validation: Validation images, for exports that measure what they cost.
        context: Context of the step; its scratch folder has free space for the network.
    """

    network: keras.Model
    side: int
    promises: tuple[LayerPromise, ...]
    calibration: Calibration
    validation: LabelledImages
    context: StepContext


@dataclass(frozen=True)
class FilePromise:
    """Promise that an exported file is verified against.

    Attributes:
        input_type: Type of the input tensor, as a name of numpy.
        output_type: Type of the output tensor, as a name of numpy.
        integers_only: Whether operators that compute on floats are forbidden.
        weight_bits: Largest number of bits of a weight, depthwise ones excluded; None if not promised.
        weight_values: Largest number of different weights in an output channel, depthwise ones excluded; None if not
            promised.
        float_layers: Names of the tensors that the operators in float compute, if exactly these are promised.
        int16_layers: Names of the tensors that layers compute in int16, if exactly these are promised.
        one_weight_scale: Whether the weights of a layer must have one scale.
        float16_arithmetic: Whether the file must allow the runtime to compute in float16.
    """

    input_type: str
    output_type: str
    integers_only: bool = False
    weight_bits: int | None = None
    weight_values: int | None = None
    float_layers: tuple[str, ...] = ()
    int16_layers: tuple[str, ...] = ()
    one_weight_scale: bool = False
    float16_arithmetic: bool = False


@dataclass(frozen=True)
class WrittenNetwork:
    """Result of an export.

    Attributes:
        content: The bytes of the file.
        promise: What the file is to be verified against.
        network: The network as it was written: without ranges, if the export drops them.
        sensitivity: What int8 costs in each layer, if it was measured.
    """

    content: bytes
    promise: FilePromise
    network: keras.Model
    sensitivity: Sensitivity | None = None


class Exporter(Protocol[_Parameters_contra]):
    """Writes networks as one kind of file. The same arguments give the same bytes."""

    def __call__(self, parameters: _Parameters_contra, material: ExportMaterial, /) -> WrittenNetwork:
        """Write a network.

        Args:
            parameters: Parameters of the export, from the spec.
            material: The network and the data that the export needs.

        Raises:
            EdgepressError: The network can't be written this way; see `edgepress_common.errors`.
        """
        ...
