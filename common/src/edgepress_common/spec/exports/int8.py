"""Full int8."""

from typing import Annotated, Literal

from pydantic import Field

from edgepress_common.frozen import added_field
from edgepress_common.spec.export import ExportFormat, Int8ActivationsExport, calibration_conflict
from edgepress_common.spec.layers import LayerPattern
from edgepress_common.spec.network_state import NetworkState


class Int8Export(Int8ActivationsExport):
    """Int8 weights and activations; no operator computes on floats, except for layers that ``keep_float`` names."""

    kind: Literal["int8"] = "int8"
    weight_scales: Literal["channel", "layer"] = added_field(
        "channel",
        description="Weights with a common scale. layer: as some integer accelerators require; less accurate",
    )
    sensitivity: bool = added_field(
        default=False,
        description="Measure what int8 costs in each layer. It takes about as long as two validations for each layer",
    )
    keep_float: Annotated[int, Field(ge=1, le=1000)] | tuple[LayerPattern, ...] = added_field(
        (),
        description="Layers to compute in float32: a number, for the layers that lose most in int8, or patterns",
    )


def _conflict(export: Int8Export, state: NetworkState) -> str | None:
    ranges = export.calibration.ranges
    if export.keep_float and ranges != "min_max":
        return (
            f".calibration.ranges is {ranges!r}, with which TensorFlow's converter can't keep layers in float; "
            "accepted: min_max, or no keep_float"
        )
    if export.keep_float and "grid" in state:
        return (
            ".keep_float is set, but quantize_aware has trained all layers for int8; accepted: no keep_float, or an "
            "export before quantize_aware"
        )
    if export.weight_scales == "layer" and "grid" in state:
        return (
            ".weight_scales is 'layer', but quantize_aware has trained the weights for one scale per channel; "
            "accepted: channel"
        )
    if export.weight_scales == "layer" and ranges != "min_max":
        return (
            f".calibration.ranges is {ranges!r}, with which TensorFlow's converter can't write weights with "
            "weight_scales: layer; accepted: min_max, or weight_scales: channel"
        )
    return calibration_conflict(export, state)


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
