"""The page docs/figures.md, generated from the declarations of the figures by ``make docs``."""

import sys
from collections.abc import Iterator
from pathlib import Path

from edgepress_common.figures.declared import FIGURES
from edgepress_common.figures.figure import Figure, Measured
from edgepress_common.figures.objectives import OBJECTIVES, Objective

_BEGIN = """\
# Figures

The figures of a row of the report, each declared once in `common/.../figures/declared/`. This page is generated from
the declarations: `make docs`.

A figure is a field of the row in JSON, a column in CSV and a metric in MLflow. Units are those of JSON, CSV and MLflow;
a share (%) is a number between 0 and 1 there. A figure that is not known is `null` in JSON and an empty cell in CSV.
The split is the one whose images a figure is computed on. Files are ranked, limited and recommended by figures of the
validation split; figures of the test split are only reported.

| field | title | unit | better | split | read from | CSV column, MLflow metric | meaning |
|---|---|---|---|---|---|---|---|
"""

_CRITERIA = """
## Criteria

Figures that a recommendation can be made by. A file that misses a limit is never recommended; weights order the others.
A criterion whose default weight is 0 takes part in the ranking where it is given a weight.

| criterion | figure | default weight | limit | range of the limit |
|---|---|---|---|---|
"""


def figures_page() -> str:
    """Return the page."""
    rows = "".join(f"| {' | '.join(_cells(each))} |\n" for each in FIGURES.values())
    criteria = "".join(f"| {' | '.join(_criterion_cells(name, each))} |\n" for name, each in OBJECTIVES.items())
    return _BEGIN + rows + _CRITERIA + criteria


def _cells(figure: Figure) -> Iterator[str]:
    yield f"`{figure.name}`"
    yield figure.title
    yield {"share": "%", "count": "", "large_count": "", "times": "\N{MULTIPLICATION SIGN}", "bytes": "bytes"}.get(
        figure.unit, figure.unit
    )
    yield figure.direction.replace("none", "")
    yield figure.split or ""
    source = figure.source
    yield source.by if isinstance(source, Measured) else source.of
    yield f"`{figure.column}`"
    yield figure.description


def _criterion_cells(criterion: str, objective: Objective) -> Iterator[str]:
    yield f"`{criterion}`"
    yield f"`{objective.figure.name}`"
    yield f"{objective.goal.weight:g}"
    yield f"`{objective.limit}`"
    yield f"{'0' if objective.limit_kind == 'drop' else 'above 0'} to {objective.goal.most:g}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(figures_page())
