"""The ways to write a Keras model as a .tflite file, and what there is to know about each."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from edgepress_common.frozen import Frozen

ExportKind = Literal["float32", "float16", "dynamic", "int16x8", "int8"]


class _ExportBase(Frozen):
    encoding: Literal["smallest", "dense", "sparse"] = Field(
        default="smallest",
        description="How a pruned network's zeros are stored. sparse: left out (TFLite's sparse encoding); dense: "
        "written; smallest: whichever gives the smaller file. Networks that were not pruned are always dense.",
    )


class Float32Export(_ExportBase):
    """Weights and arithmetic in float32."""

    kind: Literal["float32"] = "float32"


class Float16Export(_ExportBase):
    """Weights stored in float16, arithmetic in float32 unless the board computes in float16."""

    kind: Literal["float16"] = "float16"


class DynamicExport(_ExportBase):
    """Weights in int8; activations quantized while it runs, by their range of the moment."""

    kind: Literal["dynamic"] = "dynamic"


class _CalibratedExport(_ExportBase):
    representative_images: int = Field(
        default=128, ge=1, le=10_000, description="Training images that calibrate the ranges of the activations."
    )


class Int16x8Export(_CalibratedExport):
    """Weights in int8, activations in int16."""

    kind: Literal["int16x8"] = "int16x8"
    input_type: Literal["float32", "int16"] = Field(default="float32", description="Of the input and output tensors.")


class Int8Export(_CalibratedExport):
    """Weights and activations in int8, no float operator left."""

    kind: Literal["int8"] = "int8"
    input_type: Literal["int8", "uint8"] = Field(default="int8", description="Of the input and output tensors.")


def _from_name(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


Export = Annotated[
    Float32Export | Float16Export | DynamicExport | Int16x8Export | Int8Export,
    Field(discriminator="kind"),
]

ExportOrName = Annotated[Export, BeforeValidator(_from_name, json_schema_input_type=ExportKind | Export)]


class ExportInfo(Frozen):
    """What there is to know about a kind of export.

    Attributes:
        kind: How a spec asks for it.
        title: How people write it.
        summary: What it does, in a sentence or two, and what to be careful about.
        paper: Where it was published, or None.
        parameters: The model of its parameters.
    """

    kind: ExportKind
    title: str
    summary: str
    paper: str | None
    parameters: type[_ExportBase]


_INTEGER_ONLY = (
    "Jacob et al. 2017, Quantization and Training of Neural Networks for Integer-Only Inference, arXiv:1712.05877"
)

EXPORTS: dict[ExportKind, ExportInfo] = {
    "float32": ExportInfo(
        kind="float32",
        title="float32",
        summary="The network as trained: the reference every other export is compared with.",
        paper=None,
        parameters=Float32Export,
    ),
    "float16": ExportInfo(
        kind="float16",
        title="float16",
        summary="Half the size. Faster only where the processor computes in float16 (ARMv8.2 and later; a Raspberry Pi "
        "4 does not): elsewhere the weights are widened to float32 first.",
        paper=None,
        parameters=Float16Export,
    ),
    "dynamic": ExportInfo(
        kind="dynamic",
        title="dynamic range",
        summary="A quarter of the size, and int8 arithmetic in convolutions and dense layers without a calibration "
        "set. Inputs and outputs stay float32.",
        paper=None,
        parameters=DynamicExport,
    ),
    "int16x8": ExportInfo(
        kind="int16x8",
        title="int16 activations, int8 weights",
        summary="A quarter of the size, nearly the accuracy of float32. Slow where the runtime has no optimised "
        "kernels for it, which is nearly everywhere.",
        paper=None,
        parameters=Int16x8Export,
    ),
    "int8": ExportInfo(
        kind="int8",
        title="full int8",
        summary="A quarter of the size, integer arithmetic throughout: the fastest on most Arm boards, the only one "
        "for integer-only accelerators. May cost accuracy without quantization-aware training.",
        paper=_INTEGER_ONLY,
        parameters=Int8Export,
    ),
}

assert set(EXPORTS) == set(get_args(ExportKind))
