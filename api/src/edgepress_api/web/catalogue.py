"""What can be asked for, as the catalogue routes show it: the vocabulary's registries, written out."""

from pydantic import JsonValue

from edgepress_common.architectures import ARCHITECTURES, Architecture
from edgepress_common.frozen import Frozen
from edgepress_common.spec import EXPORTS, METHODS, ExportKind, StageKind


class MethodView(Frozen):
    """A kind of stage.

    Attributes:
        kind: How a spec asks for it.
        title: How people write it.
        summary: What it does and when it pays.
        paper: Where it was published; None for plain practice.
        limits: What it can't do, and what to be careful about.
        cost: What it takes, in time and memory, against plain training.
        parameters: JSON Schema of what a spec can say of it.
    """

    kind: StageKind
    title: str
    summary: str
    paper: str | None
    limits: str
    cost: str
    parameters: dict[str, JsonValue]


class ExportView(Frozen):
    """A kind of export; the fields are those of a method, whose limits and cost are in the summary."""

    kind: ExportKind
    title: str
    summary: str
    paper: str | None
    parameters: dict[str, JsonValue]


class MethodList(Frozen):
    """All methods."""

    methods: tuple[MethodView, ...]


class ExportList(Frozen):
    """All exports."""

    exports: tuple[ExportView, ...]


class ArchitectureList(Frozen):
    """All networks."""

    architectures: tuple[Architecture, ...]


def list_methods() -> MethodList:
    """All methods."""
    return MethodList(
        methods=tuple(
            MethodView(
                kind=method.kind,
                title=method.title,
                summary=method.summary,
                paper=method.paper,
                limits=method.limits,
                cost=method.cost,
                parameters=method.parameters.model_json_schema(),
            )
            for method in METHODS.values()
        )
    )


def list_exports() -> ExportList:
    """All exports."""
    return ExportList(
        exports=tuple(
            ExportView(
                kind=export.kind,
                title=export.title,
                summary=export.summary,
                paper=export.paper,
                parameters=export.parameters.model_json_schema(),
            )
            for export in EXPORTS.values()
        )
    )


def list_architectures() -> ArchitectureList:
    """All networks."""
    return ArchitectureList(architectures=tuple(ARCHITECTURES.values()))
