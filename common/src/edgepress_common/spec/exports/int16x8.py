"""Activations in int16, weights in int8."""

from typing import Literal

from pydantic import Field

from edgepress_common.spec.export import CalibratedExport, ExportFormat


class Int16x8Export(CalibratedExport):
    """Weights in int8, activations in int16."""

    kind: Literal["int16x8"] = "int16x8"
    input_type: Literal["float32", "int16"] = Field(
        default="float32", description="Type of the input and output tensors."
    )


EXPORT = ExportFormat(
    kind="int16x8",
    title="int16 activations, int8 weights",
    position=40,
    summary="A quarter of the size, at nearly the accuracy of float32. Slow on most runtimes, which have no optimised "
    "kernels for it.",
    parameters=Int16x8Export,
)
