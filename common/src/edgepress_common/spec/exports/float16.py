"""Weights in float16."""

from typing import Literal

from edgepress_common.frozen import added_field
from edgepress_common.spec.export import ExportFormat, ExportParameters


class Float16Export(ExportParameters):
    """Float16 weights; arithmetic in float32 unless ``arithmetic`` and the processor allow float16."""

    kind: Literal["float16"] = "float16"
    arithmetic: Literal["float32", "float16"] = added_field(
        "float32",
        description="Arithmetic that the file allows. float16: the runtime computes in float16, exact to three digits, "
        "where the processor can",
    )


EXPORT = ExportFormat(
    kind="float16",
    title="float16",
    position=20,
    summary="Half the size. Arithmetic is in float32, to which the runtime widens the weights, unless the file allows "
    "float16 (arithmetic: float16) and the processor has it: ARMv8.2 and later with its float16 extension, such as a "
    "Raspberry Pi 5 (Cortex-A76), not a Raspberry Pi 3, 4 or Zero 2 W (ARMv8.0).",
    parameters=Float16Export,
    promises=("float16_arithmetic", "classes"),
)
