"""Quantization-aware training."""

from typing import Literal, Self

from pydantic import Field, model_validator

from edgepress_common.frozen import added_field
from edgepress_common.spec.method import ENTROPY_WEIGHT, FineTuning, Method
from edgepress_common.spec.model import Network


class QuantizeAwareStage(FineTuning):
    """Continue training with weights and activations rounded as in int8."""

    kind: Literal["quantize_aware"] = "quantize_aware"
    preserve_sparsity: bool | None = Field(
        default=None, description="Whether zeros stay zero. null: yes if the network was pruned."
    )
    preserve_clusters: bool | None = Field(
        default=None, description="Whether shared values stay shared. null: yes if the network was clustered."
    )
    scales: Literal["range", "learned"] = added_field(
        default="range",
        description="Scale of weights. range: from the largest weight; learned: trained, except for depthwise weights",
    )
    bits: Literal[8, 4, 2, "ternary", 1] = added_field(
        default=8,
        description="Bits of a weight of convolutions and dense layers: 255, 15, 4, 3 or 2 values for each output "
        "channel. Fewer than 8 need scales: learned; depthwise: always 8",
    )
    activations: Literal["observed", "learned"] = added_field(
        default="observed",
        description="Range of activations. observed: follows the values that occur; learned: trained, its scale alone "
        "or, where values are below zero, scale and offset",
    )
    damping: float = added_field(
        default=0.0,
        ge=0,
        le=1,
        description="Pull of depthwise weights to their nearest code, so that they do not oscillate between two codes: "
        "the loss grows by this factor times the sum of the squared distances",
    )

    entropy_weight: float = added_field(default=0.0, ge=0, le=1000, description=ENTROPY_WEIGHT)

    @model_validator(mode="after")
    def _can_round(self) -> Self:
        if self.bits != 8 and self.scales != "learned":  # noqa: PLR2004
            raise ValueError(
                f"bits is {self.bits} with scales: range, which leaves most of the codes to a few large weights; "
                "accepted: scales: learned, or bits: 8"
            )
        return self


def _describe(stage: QuantizeAwareStage, _network: Network) -> str:
    match stage.bits:
        case 8:
            return "quantize_aware"
        case "ternary":
            return "quantize_aware to ternary weights"
        case bits:
            return f"quantize_aware to {bits} bit{'' if bits == 1 else 's'}"


METHOD = Method(
    kind="quantize_aware",
    title="Quantization-aware training",
    position=40,
    summary="Continues training with weights rounded to int8's grid and activations limited to their observed range, "
    "so that the network adapts to it: the int8 export then computes what was trained. By default, it keeps zeros "
    "after pruning (PQAT), shared values after clustering (CQAT), and both after both (PCQAT).",
    paper="Jacob et al. 2017, Quantization and Training of Neural Networks for Integer-Only Inference, "
    "arXiv:1712.05877",
    limits="Must be the last stage of a network, or be followed by distill. Useful for the export int8; other exports "
    "drop the ranges and keep the rounded weights. Weights that share values have one scale per layer instead of one "
    "per channel, so that their int8 codes are shared as well; they are never learned, and always have 8 bits.",
    cost="Per step, two passes over all weights and three over all activations that int8 rounds.",
    parameters=QuantizeAwareStage,
    describe=_describe,
    promises=("unique_weights_per_channel",),
    gives=frozenset({"grid"}),
    keeps={"zeros": "preserve_sparsity", "shared_values": "preserve_clusters", "shape": None},
)
