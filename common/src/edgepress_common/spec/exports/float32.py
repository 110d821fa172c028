"""Float32, the reference."""

from typing import Literal

from edgepress_common.spec.export import ExportFormat, ExportParameters


class Float32Export(ExportParameters):
    """Weights and arithmetic in float32."""

    kind: Literal["float32"] = "float32"


EXPORT = ExportFormat(
    kind="float32",
    title="float32",
    position=10,
    summary="The network as trained: the reference that every other export is compared with.",
    parameters=Float32Export,
)
