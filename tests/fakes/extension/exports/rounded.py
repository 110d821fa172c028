"""An export that writes kernels with few decimals."""

from typing import Literal

from pydantic import Field

from edgepress_common.spec.export import ExportFormat, ExportParameters


class RoundedExport(ExportParameters):
    """Kernels in float32, rounded."""

    kind: Literal["rounded"] = "rounded"
    decimals: int = Field(default=2, ge=1, le=6, description="Decimals that are kept.")


EXPORT = ExportFormat(
    kind="rounded",
    title="rounded float32",
    summary="As large as float32, and smaller once it is zipped.",
    parameters=RoundedExport,
)
