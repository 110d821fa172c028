"""The declaration of a figure: a number that a report has for each row.

From a `Figure` follow the field of the report's row (JSON and OpenAPI), its column in CSV, HTML and the terminal, its
MLflow metric, its entry in docs/figures.md and, with a `Goal`, its limit and weight in a job's goals, its column in the
ranking and its part in comparisons of jobs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from edgepress_common.figures import formats

if TYPE_CHECKING:
    from edgepress_common.results import EvaluationResult, ExportResult, StageResult, ThreadMeasurement

Direction = Literal["higher", "lower", "none"]
ResultName = Literal["stage", "export", "evaluation", "threads"]
"""A result that figures are read from: ``stage`` is the pipeline's last stage, ``threads`` the measurement with the
row's number of threads."""
Split = Literal["validation", "test"]
Value = float | int | None

APPENDED = 10_000
"""Position of columns that are declared without one: after all others, by name."""


@dataclass(frozen=True)
class Sample:
    """The results that one row of a report is made from.

    Attributes:
        stages: Results of the pipeline's stages, in order; none where only figures of the file are read.
        export: Result of the export.
        evaluation: Result of the evaluation.
        measurement: The evaluation's measurement with the row's number of threads.
    """

    stages: tuple[StageResult, ...]
    export: ExportResult
    evaluation: EvaluationResult
    measurement: ThreadMeasurement


@dataclass(frozen=True)
class Measured:
    """A figure that is read from a step's result: from the field of its name, else from the result's ``figures``.

    Attributes:
        by: The result.
    """

    by: ResultName

    def value(self, name: str, sample: Sample) -> Value:
        """Return the figure of a sample; None if the result does not have it."""
        result: StageResult | ExportResult | EvaluationResult | ThreadMeasurement
        match self.by:
            case "stage":
                result = sample.stages[-1]
            case "export":
                result = sample.export
            case "evaluation":
                result = sample.evaluation
            case "threads":
                result = sample.measurement
        value: Value = getattr(result, name, None)
        return result.figures.get(name) if value is None else value


@dataclass(frozen=True)
class Derived:
    """A figure that is computed from the results.

    Attributes:
        compute: Returns the figure of a sample; None where there is none.
        of: What it is computed from, in words.
        by: The last result that it needs.
    """

    compute: Callable[[Sample], Value]
    of: str
    by: ResultName = "evaluation"

    def value(self, name: str, sample: Sample) -> Value:  # noqa: ARG002 - the interface of a source
        """Return the figure of a sample."""
        return self.compute(sample)


@dataclass(frozen=True)
class FieldPart:
    """A figure that is a part of another field of the row, such as ``latency_ms.p50``.

    Attributes:
        of: Where the field comes from, in words.
        by: The last result that it needs.
    """

    of: str
    by: ResultName = "threads"


@dataclass(frozen=True, kw_only=True)
class Goal:
    """Settings of a figure that is a criterion of recommendations.

    Attributes:
        criterion: Name of its weight in a job's goals.
        field: Name in the ranking and in comparisons of jobs, unit included. The limit is ``max_<field>``, or
            ``min_<field>`` where higher is better.
        title: Name in sentences.
        weight: Default weight. A criterion whose weight is 0 by default takes part where it is given one.
        most: Largest limit that is accepted.
        drop_limit: Name of the limit, if it limits the loss against the reference file instead of the value.
        scale: How values are scored. ``ratio``: by their ratio to the best. ``share``: a share of the validation
            images, by its difference from the best; see `edgepress_api.recommendation.scoring`.
        better: Adjective for a better value: "3x smaller".
        worse: Adjective for a worse value.
        purpose: Name of the recommendation "best by this criterion alone"; None for none.
        purpose_title: Its title.
        is_told: Whether sentences and tables about files include it.
    """

    criterion: str
    field: str
    title: str
    weight: float = 0
    most: float = 1e9
    drop_limit: str | None = None
    scale: Literal["ratio", "share"] = "ratio"
    better: str = "better"
    worse: str = "worse"
    purpose: str | None = None
    purpose_title: str = ""
    is_told: bool = True


@dataclass(frozen=True, kw_only=True)
class TerminalColumn:
    """A figure's column in the terminal.

    Attributes:
        position: Place among the figures, ascending.
        head: One or two lines; without one the figure's head, and its unit below.
        is_wide: Whether it is only shown on wide terminals.
        note: Explanation below the table; empty for none.
        is_optional: Whether the column is left out of reports whose rows do not have the figure.
    """

    position: int = APPENDED
    head: str = ""
    is_wide: bool = True
    note: str = ""
    is_optional: bool = False


@dataclass(frozen=True, kw_only=True)
class PageColumn:
    """A figure's column in the comparison of the HTML report.

    Attributes:
        group: Title of the columns that it stands with.
        position: Place among the figures, ascending; columns of a group are consecutive.
        head: Title; without one the figure's head.
        is_bare: Whether values are written without their unit, because the group's title names it.
        second: Name of a figure that is written after it, in grey.
        interval: Names of the figures that are the ends of its 95 % interval.
        is_grey: Returns whether the value of a row is secondary, and written in grey.
        is_optional: Whether the column is left out of reports whose rows do not have the figure.
    """

    group: str = "Other"
    position: int = APPENDED
    head: str = ""
    is_bare: bool = False
    second: str | None = None
    interval: tuple[str, str] | None = None
    is_grey: Callable[[Any], bool] = lambda _: False
    is_optional: bool = False


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number that a report has for each row.

    Attributes:
        name: Field of the row; with a dot, a part of a field.
        title: Name in prose.
        head: Short title, for columns.
        unit: ``share`` (0 to 1), ``bytes``, ``ms``, ``s``, ``times``, ``count``, ``large_count`` (a count that is
            written in millions), or the symbol of another unit, as ``mJ``.
        description: One sentence.
        source: Where it is read.
        direction: Which values are better.
        is_integer: Whether it is a whole number.
        is_always_known: Whether each row has it; else it may be None. Never true in an extension folder, whose figures
            older results do not have.
        is_timing: Whether it is a time of the device, which means nothing on an emulated one.
        digits: Digits after the point of a percentage.
        split: Split whose images it is computed on; None for a figure of the file or of its speed. Figures of the test
            split have no goal, and only they can be computed from it.
        csv_position: Position of its column; columns are only ever added, at the end.
        csv_column: Name of its column and MLflow metric; by default the name with ``_`` for a dot.
        terminal: Column in the terminal; None for none.
        page: Column in the HTML report; None for none.
        goal: What makes it a criterion; None if it is none.
    """

    name: str
    title: str
    head: str
    unit: str
    description: str
    source: Measured | Derived | FieldPart
    direction: Direction = "none"
    is_integer: bool = False
    is_always_known: bool = False
    is_timing: bool = False
    digits: int | None = None
    split: Split | None = None
    csv_position: int = APPENDED
    csv_column: str = ""
    terminal: TerminalColumn | None = None
    page: PageColumn | None = None
    goal: Goal | None = None

    @property
    def column(self) -> str:
        """Name of its CSV column and MLflow metric."""
        return self.csv_column or self.name.replace(".", "_")

    def of(self, row: Any) -> Value:
        """Return the figure of a report's row; None if it is unknown.

        Args:
            row: An `edgepress_common.answers.report.ReportRow`.
        """
        value = row
        for name in self.name.split("."):
            value = None if value is None else getattr(value, name)
        return value  # type: ignore[no-any-return]

    def comparable(self, row: Any) -> Value:
        """Return the figure of a row as recommendations use it: no times of emulated devices."""
        return None if self.is_timing and row.emulated else self.of(row)

    def text(self, value: Value) -> str:
        """Return a value with its unit; a dash for None."""
        if value is not None and self.unit == "share" and self.digits is not None:
            return formats.percent(value, self.digits)
        return formats.text(value, self.unit)

    def bare(self, value: Value) -> str:
        """Return a value without its unit, in `bare_unit`; a dash for None."""
        if value is not None and self.unit == "share" and self.digits is not None:
            return f"{formats.bare_value(value, self.unit):.{self.digits}f}"
        return formats.bare(value, self.unit)

    @property
    def bare_unit(self) -> str:
        """Unit of what `bare` returns."""
        return formats.bare_unit(self.unit)
