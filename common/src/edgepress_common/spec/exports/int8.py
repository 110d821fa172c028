"""Full int8."""

from typing import Annotated, Literal

from pydantic import Field

from edgepress_common.frozen import added_field
from edgepress_common.spec.export import ExportFormat, Int8ActivationsExport, calibration_conflict
from edgepress_common.spec.layers import LayerPattern
from edgepress_common.spec.network_state import NetworkState


class Int8Export(Int8ActivationsExport):
    """Int8 weights and activations; no operator computes on floats without ``keep_float`` or ``int16_layers``."""

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
    int16_layers: tuple[LayerPattern, ...] = added_field(
        (),
        description="Layers to compute with activations in int16, as patterns: successive ones, since what enters and "
        "leaves them is int8. Slow: by reference kernels",
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
    return _int16_conflict(export, state) or calibration_conflict(export, state)


def _int16_conflict(export: Int8Export, state: NetworkState) -> str | None:
    if not export.int16_layers:
        return None
    others = {
        "keep_float": not export.keep_float,
        "weight_scales": export.weight_scales == "channel",
        "input_type": export.input_type == "int8",
        "calibration.ranges": export.calibration.ranges == "min_max",
    }
    if odd := [name for name, is_default in others.items() if not is_default]:
        return f".int16_layers can't be combined with {odd[0]}; accepted: {odd[0]} as it is by default"
    if "grid" in state:
        return (
            ".int16_layers is set, but quantize_aware has trained all activations for int8; accepted: no int16_layers, "
            "or an export before quantize_aware"
        )
    return None


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
    promises=("float_operators", "float_layers", "int16_layers", "weight_scales", "classes"),
    conflict=_conflict,
    uploaded_code_version=2,  # files of version 1 compute ELU, SELU, softplus, mish and softsign wrongly
)
