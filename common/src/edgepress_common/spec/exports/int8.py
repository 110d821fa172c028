"""Full int8."""

from typing import Literal

from pydantic import Field

from edgepress_common.spec.export import CalibratedExport, ExportFormat


class Int8Export(CalibratedExport):
    """Int8 weights and activations, without any float operator."""

    kind: Literal["int8"] = "int8"
    input_type: Literal["int8", "uint8"] = Field(default="int8", description="Type of the input and output tensors.")


EXPORT = ExportFormat(
    kind="int8",
    title="full int8",
    position=50,
    summary="A quarter of the size, with integer arithmetic throughout: the fastest export on most Arm boards, and the "
    "only one for integer-only accelerators. May lose accuracy without quantization-aware training.",
    paper="Jacob et al. 2017, Quantization and Training of Neural Networks for Integer-Only Inference, "
    "arXiv:1712.05877",
    parameters=Int8Export,
    promises=("float_operators", "classes"),
    uploaded_code_version=2,  # files of version 1 compute ELU, SELU, softplus, mish and softsign wrongly
)
