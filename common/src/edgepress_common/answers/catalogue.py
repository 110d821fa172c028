"""The catalogue of methods, exports, architectures and figures that the server supports."""

from typing import Literal

from pydantic import Field, JsonValue

from edgepress_common.architectures import Architecture
from edgepress_common.figures.figure import Direction, Split
from edgepress_common.frozen import Message


class MethodView(Message):
    """A method: a kind of stage. Kinds, traits and promises may be unknown to the client, if the server is newer.

    Attributes:
        kind: The ``kind`` to write in a spec.
        title: Display name.
        summary: What the method does and when to use it.
        paper: The publication that describes it; None for common practice.
        limits: Limitations and caveats.
        cost: Time and memory, relative to plain training.
        gives: Traits that the network has after the stage.
        keeps: Traits of the network that the stage preserves, each with the parameter that enables this, or null if it
            always does.
        promises: Kinds of promise about the network's weights that the stage makes.
        parameters: JSON Schema of the stage in a spec.
    """

    kind: str
    title: str
    summary: str
    paper: str | None
    limits: str
    cost: str
    gives: tuple[str, ...] = ()
    keeps: dict[str, str | None] = Field(default_factory=dict)
    promises: tuple[str, ...] = ()
    parameters: dict[str, JsonValue]


class ExportView(Message):
    """A kind of export. The fields are those of a method; limits and cost are part of the summary."""

    kind: str
    title: str
    summary: str
    paper: str | None
    promises: tuple[str, ...] = ()
    parameters: dict[str, JsonValue]


class MethodList(Message):
    """All methods."""

    methods: tuple[MethodView, ...]


class ExportList(Message):
    """All exports."""

    exports: tuple[ExportView, ...]


class ArchitectureList(Message):
    """All architectures."""

    architectures: tuple[Architecture, ...]


class CriterionView(Message):
    """A figure's settings as a criterion of recommendations.

    Attributes:
        name: Name of its weight in a job's goals.
        field: Name of its value in a recommendation and in a comparison of jobs.
        title: Name in sentences.
        weight: Default weight.
        limit: Name of its limit in a job's goals.
        limit_kind: Whether the limit is the largest value, the smallest, or the largest loss against a reference file.
        limit_description: The limit in a sentence.
        is_told: Whether tables, sentences and charts show it, also if its weight is 0.
    """

    name: str
    field: str
    title: str
    weight: float
    limit: str
    limit_kind: Literal["most", "least", "drop"]
    limit_description: str
    is_told: bool


class ColumnView(Message):
    """A figure's column in the comparison of a report.

    Attributes:
        position: Place among the columns, from 0.
        group: Title of the columns that it stands with.
        head: Title.
        is_bare: Whether values are written without their unit, because the group's title names it.
        interval: Names of the figures that are the ends of its 95 % interval.
        is_optional: Whether the column is left out where no row has the figure.
    """

    position: int
    group: str
    head: str
    is_bare: bool
    interval: tuple[str, str] | None
    is_optional: bool = False


class FigureView(Message):
    """A figure: a number of each row of a report.

    Attributes:
        name: Field of the row; with a dot, a part of a field.
        title: Name in prose.
        head: Short title, for columns.
        unit: ``share`` (0 to 1), ``bytes``, ``ms``, ``s``, ``times``, ``count``, ``large_count`` (written in millions),
            or the symbol of another unit.
        bare_unit: Unit of values in columns and on axes, as ``MB``; empty for ratios and counts.
        per_bare: Amount of `unit` that is 1 in `bare_unit`.
        digits: Digits after the point of a percentage; null for the usual two.
        direction: Which values are better.
        is_integer: Whether it is a whole number.
        is_timing: Whether it is a time of the device, which means nothing on an emulated one.
        split: Split whose images it is computed on; null for a figure of the file or of its speed.
        source: Last result that the figure needs: of the pipeline's last ``stage``, the ``export``, the ``evaluation``,
            or its measurement with a number of ``threads``.
        description: One sentence.
        csv_column: Name of its CSV column and MLflow metric.
        column: Column in the comparison of a report; null for none.
        criterion: Settings as a criterion; null if it is none.
    """

    name: str
    title: str
    head: str
    unit: str
    bare_unit: str
    per_bare: float
    digits: int | None
    direction: Direction
    is_integer: bool
    is_timing: bool
    split: Split | None
    source: str
    description: str
    csv_column: str
    column: ColumnView | None
    criterion: CriterionView | None


class FigureList(Message):
    """All figures, in the order of their CSV columns, and the titles of recommendations.

    Attributes:
        figures: The figures.
        purposes: Titles of the recommendations for a device, by purpose.
        ranking_methods: Titles of the ranking methods, by name.
    """

    figures: tuple[FigureView, ...]
    purposes: dict[str, str]
    ranking_methods: dict[str, str]
