"""Weights in float16."""

from typing import Literal

from edgepress_common.spec.export import ExportFormat, ExportParameters


class Float16Export(ExportParameters):
    """Float16 weights; arithmetic in float32 unless the processor supports float16."""

    kind: Literal["float16"] = "float16"


EXPORT = ExportFormat(
    kind="float16",
    title="float16",
    position=20,
    summary="Half the size. Faster only on processors with float16 arithmetic (ARMv8.2 and later; not a Raspberry Pi "
    "4): others convert the weights to float32 first.",
    parameters=Float16Export,
)
