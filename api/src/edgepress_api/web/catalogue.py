"""The catalogue of methods, exports, networks and figures, from the registries of `edgepress_common`."""

from typing import TypeVar

from edgepress_common.answers.catalogue import (
    ArchitectureList,
    ColumnView,
    CriterionView,
    ExportList,
    ExportView,
    FigureList,
    FigureView,
    MethodList,
    MethodView,
)
from edgepress_common.architectures import ARCHITECTURES
from edgepress_common.figures.declared import FIGURES
from edgepress_common.figures.figure import Figure
from edgepress_common.figures.formats import per_bare
from edgepress_common.figures.objectives import OBJECTIVES
from edgepress_common.figures.tables import page_columns
from edgepress_common.frozen import Message
from edgepress_common.recommendation_words import PURPOSES, RANKING_TITLES
from edgepress_common.registry import Descriptor
from edgepress_common.spec import EXPORTS, METHODS

ViewT = TypeVar("ViewT", bound=Message)


def list_methods() -> MethodList:
    """Return all methods."""
    return MethodList(methods=tuple(_view(MethodView, method) for method in METHODS.values()))


def list_exports() -> ExportList:
    """Return all exports."""
    return ExportList(exports=tuple(_view(ExportView, export) for export in EXPORTS.values()))


def list_architectures() -> ArchitectureList:
    """Return all networks."""
    return ArchitectureList(architectures=tuple(ARCHITECTURES.values()))


def list_figures() -> FigureList:
    """Return all figures, with the titles of purposes and ranking methods."""
    return FigureList(
        figures=tuple(map(_figure, FIGURES.values())), purposes=PURPOSES, ranking_methods=dict(RANKING_TITLES)
    )


def _figure(declared: Figure) -> FigureView:
    fields = {name: getattr(declared, name) for name in FigureView.model_fields if hasattr(declared, name)}
    return FigureView.model_validate(
        fields
        | {
            "per_bare": per_bare(declared.unit),
            "source": declared.source.by,
            "csv_column": declared.column,
            "column": _column(declared),
            "criterion": _criterion(declared),
        }
    )


def _column(declared: Figure) -> ColumnView | None:
    page = declared.page
    if page is None:
        return None
    return ColumnView(
        position=page_columns(has_test=True).index(declared),
        group=page.group,
        head=page.head or declared.head,
        is_bare=page.is_bare,
        interval=page.interval,
        is_optional=page.is_optional,
    )


def _criterion(declared: Figure) -> CriterionView | None:
    goal = declared.goal
    if goal is None:
        return None
    objective = OBJECTIVES[goal.criterion]
    return CriterionView(
        name=goal.criterion,
        field=goal.field,
        title=goal.title,
        weight=goal.weight,
        limit=objective.limit,
        limit_kind=objective.limit_kind,
        limit_description=objective.limit_description,
        is_told=goal.is_told,
    )


def _view(view: type[ViewT], declared: Descriptor) -> ViewT:
    fields = {name: getattr(declared, name) for name in view.model_fields}
    return view.model_validate(fields | {"parameters": declared.parameters.model_json_schema()})
