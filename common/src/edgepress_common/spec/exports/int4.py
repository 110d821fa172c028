"""Weights in four bits, activations in int8."""

from typing import Literal

from edgepress_common.frozen import added_field
from edgepress_common.spec.export import ExportFormat, Int8ActivationsExport, calibration_conflict
from edgepress_common.spec.network_state import NetworkState


class Int4Export(Int8ActivationsExport):
    """Weights of convolutions and dense layers in four bits; all else in int8, without any float operator."""

    kind: Literal["int4"] = "int4"
    weight_bits: Literal[4, 2] = added_field(
        4,
        description="Bits of a weight: 15 or 4 values for each output channel. Both are stored in four bits; with 2, "
        "the zipped and the coded file are smaller",
    )


def _conflict(export: Int4Export, state: NetworkState) -> str | None:
    if {"grid", "shared_values"} <= state:
        return (
            " is int4, but quantize_aware has trained the layer's shared values for one int8 scale; accepted: int8, or "
            "int4 before quantize_aware"
        )
    return calibration_conflict(export, state)


EXPORT = ExportFormat(
    kind="int4",
    title="int4 weights, int8 activations",
    position=60,
    summary="An eighth of the size: weights of convolutions and dense layers in four bits with a scale per output "
    "channel, depthwise weights and all activations in int8. Not faster than int8 for convolutions, which runtimes "
    "unpack in each inference. Loses accuracy; calibration with adaround and bias_correction returns a part of it.",
    paper="Nagel et al. 2020, Up or Down? Adaptive Rounding for Post-Training Quantization, arXiv:2004.10568",
    parameters=Int4Export,
    promises=("float_operators", "weight_bits", "unique_weights_per_channel", "classes"),
    conflict=_conflict,
)
