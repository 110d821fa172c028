"""Full int8."""

from typing import Annotated, Literal

from pydantic import Field

from edgepress_common.frozen import added_field
from edgepress_common.spec.export import ExportFormat, Int8ActivationsExport, int8_conflict
from edgepress_common.spec.layers import LayerPattern
from edgepress_common.spec.network_state import NetworkState


class Int8Export(Int8ActivationsExport):
    """Int8 weights and activations; no operator computes on floats, except for layers that ``keep_float`` names."""

    kind: Literal["int8"] = "int8"
    input_type: Literal["int8", "uint8"] = Field(default="int8", description="Type of the input and output tensors.")
    sensitivity: bool = added_field(
        default=False,
        description="Measure what int8 costs in each layer. It takes about as long as two validations for each layer",
    )
    keep_float: Annotated[int, Field(ge=1, le=1000)] | tuple[LayerPattern, ...] = added_field(
        (),
        description="Layers to compute in float32: a number, for the layers that lose most in int8, or patterns",
    )


def _conflict(export: Int8Export, state: NetworkState) -> str | None:
    if export.keep_float and export.calibration.ranges != "min_max":
        return (
            f".calibration.ranges is {export.calibration.ranges!r}, with which TensorFlow's converter can't keep "
            "layers in float; accepted: min_max, or no keep_float"
        )
    if export.keep_float and "grid" in state:
        return (
            ".keep_float is set, but quantize_aware has trained all layers for int8; accepted: no keep_float, or an "
            "export before quantize_aware"
        )
    return int8_conflict(export, state)


EXPORT = ExportFormat(
    kind="int8",
    title="full int8",
    position=50,
    summary="A quarter of the size, with integer arithmetic throughout: the fastest export on most Arm boards, and the "
    "only one for integer-only accelerators. May lose accuracy without quantization-aware training, less with "
    "calibration settings.",
    paper="Jacob et al. 2017, Quantization and Training of Neural Networks for Integer-Only Inference, "
    "arXiv:1712.05877",
    parameters=Int8Export,
    promises=("float_operators", "float_layers", "weight_scales", "classes"),
    conflict=_conflict,
    uploaded_code_version=2,  # files of version 1 compute ELU, SELU, softplus, mish and softsign wrongly
)
