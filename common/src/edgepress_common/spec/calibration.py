"""Settings of quantization after training."""

from typing import Literal, Self

from pydantic import Field, model_validator

from edgepress_common.frozen import Frozen, added_field
from edgepress_common.spec.network_state import NetworkState


class CalibrationSettings(Frozen):
    """Choice of ranges, scales and rounding from calibration images, without training and without labels."""

    ranges: Literal["min_max", "percentile", "mse"] = Field(
        default="min_max",
        description="Range of each tensor. min_max: all values that occur; percentile: clip the largest; mse: the "
        "range with the smallest mean squared error.",
    )
    percentile: float = Field(
        default=99.99, gt=50, le=100, description="Values within the range, in percent, for ranges: percentile."
    )
    equalization: bool = Field(
        default=False,
        description="Move scale between channels of successive layers, so that their weights have equal ranges.",
    )
    bias_correction: bool = Field(
        default=False, description="Subtract the mean error that rounding causes in each output channel."
    )
    rounding: Literal["nearest", "adaround"] = Field(
        default="nearest",
        description="Rounding of weights. adaround: up or down, whichever changes the layer's output least.",
    )
    rounding_steps: int = Field(
        default=1000, ge=1, le=20_000, description="Optimization steps for each layer or block, for rounding: adaround."
    )
    rounding_scope: Literal["layer", "block"] = added_field(
        "layer",
        description="Output that adaround preserves. layer: of each layer; block: of each block, such as a residual "
        "unit or an inverted residual, whose layers are rounded together.",
    )

    @model_validator(mode="after")
    def _scope_is_of_adaround(self) -> Self:
        if self.rounding_scope == "block" and self.rounding != "adaround":
            raise ValueError(
                f"rounding_scope is block, but rounding is {self.rounding}; accepted: rounding: adaround, or "
                "rounding_scope: layer"
            )
        return self

    def problem(self, state: NetworkState) -> str | None:
        """Return why a network with these traits can't be calibrated this way; None if it can."""
        if self == CalibrationSettings():
            return None
        if "grid" in state:
            return (
                "is set, but quantize_aware has trained the network's ranges and its weights for int8's grid; "
                "accepted: no calibration, or an export before quantize_aware"
            )
        if "shared_values" in state and (self.equalization or self.rounding != "nearest"):
            return (
                "would change values that weights share; accepted after cluster: equalization: false and rounding: "
                "nearest"
            )
        return None
