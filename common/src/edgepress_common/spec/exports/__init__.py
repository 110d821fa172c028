"""The kinds of export, one file each: parameters and declaration, see `edgepress_common.spec.export`."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator

from edgepress_common.registry import Registry
from edgepress_common.spec.export import ExportFormat, ExportParameters

EXPORTS: Registry[ExportFormat] = Registry(ExportFormat, package=__name__, path=__path__, folder="exports")


def _from_name(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


if TYPE_CHECKING:
    ExportKind = str
    Export = ExportParameters
    ExportOrName = ExportParameters
else:
    ExportKind = Literal[tuple(EXPORTS)]
    Export = EXPORTS.parameters_union()
    ExportOrName = Annotated[Export, BeforeValidator(_from_name, json_schema_input_type=ExportKind | Export)]
