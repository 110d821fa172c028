"""Dynamic range quantization."""

from typing import Literal

from edgepress_common.spec.export import ExportFormat, ExportParameters


class DynamicExport(ExportParameters):
    """Int8 weights; activations are quantized at run time by their current range."""

    kind: Literal["dynamic"] = "dynamic"


EXPORT = ExportFormat(
    kind="dynamic",
    title="dynamic range",
    position=30,
    summary="A quarter of the size, and int8 arithmetic in convolutions and dense layers, without calibration. Inputs "
    "and outputs stay float32.",
    parameters=DynamicExport,
)
