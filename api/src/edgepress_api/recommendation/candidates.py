"""The candidates on a device, from a report's rows: each file once, and the limits that it misses."""

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Literal

from edgepress_api.recommendation.scoring import Figures
from edgepress_api.recommendation.times import Times
from edgepress_common.answers.recommendation import Choice, Difference
from edgepress_common.answers.report import Baseline, ReportRow
from edgepress_common.figures.formats import points
from edgepress_common.figures.objectives import OBJECTIVES, Objective
from edgepress_common.significance import SIGNIFICANCE, Test, discordant, mcnemar, newcombe, paired_t
from edgepress_common.spec import Criterion, Goals

_ROUNDING = 1e-9  # a drop of exactly what is allowed is allowed


def at_best_threads(rows: Sequence[ReportRow]) -> list[ReportRow]:
    """Return a row for each file: that with the number of threads that it is fastest with; the fewest of equally fast.

    Args:
        rows: The rows of a device.
    """
    times = Times.among(rows)
    found: dict[tuple[str, str, str], ReportRow] = {}
    for row in rows:
        key = (row.pipeline, row.export, row.model_sha256)
        known = found.get(key)
        if known is None or _is_better(row, known, times):
            found[key] = row
    return list(found.values())


def _is_better(row: ReportRow, known: ReportRow, times: Times) -> bool:
    if times.differ(row, known):
        return times.of(row).p50 < times.of(known).p50
    return row.threads < known.threads


def representatives(rows: Sequence[ReportRow]) -> list[ReportRow]:
    """Return the rows without repetitions over seeds: of each export those of its median accuracy, not of its best.

    The best of several seeds is partly luck, so that its accuracy would be too good.
    """
    accuracies: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        accuracies.setdefault((row.spec_pipeline, row.export_name), {})[row.pipeline] = row.accuracy
    chosen = {}
    for key, by_name in accuracies.items():
        ordered = sorted(by_name, key=by_name.__getitem__)
        chosen[key] = ordered[(len(ordered) - 1) // 2]
    return [row for row in rows if row.over_seeds is None or row.pipeline == chosen[row.spec_pipeline, row.export_name]]


def accuracy_of(row: ReportRow) -> float:
    """Return the accuracy that a file is judged by: the mean over the seeds of its export, else its own."""
    return row.accuracy if row.over_seeds is None else row.over_seeds.accuracy_mean


def criterion_value(objective: Objective, row: ReportRow) -> float | int | None:
    """Return the figure that a file is judged by in a criterion; None if it is unknown."""
    return accuracy_of(row) if objective.figure.name == "accuracy" else objective.value(row)


def find_reference(rows: Sequence[ReportRow], baseline: Baseline | None) -> ReportRow:
    """Return the file that accuracy drops are measured against.

    That is the baseline's float32 file if it was measured, else the most accurate file.
    """
    for row in rows:
        if baseline is not None and row.pipeline == baseline.pipeline and row.export == "float32":
            return row
    return max(rows, key=accuracy_of)


def missed_limits(row: ReportRow, goals: Goals, reference: ReportRow) -> Iterator[str]:
    """Yield the limits that a file misses, each with the file's figure and the limit."""
    for each in OBJECTIVES.values():
        limit, value, base = getattr(goals, each.limit), criterion_value(each, row), criterion_value(each, reference)
        if limit is None or value is None:
            continue
        title, figure = each.goal.title, each.figure
        match each.limit_kind:
            case "most" if value > limit:
                yield f"{title} {figure.text(value)} (limit {figure.text(limit)})"
            case "least" if value < limit:
                yield f"{title} {figure.text(value)} (at least {figure.text(limit)})"
            case "drop" if base is not None and base - value > limit + _ROUNDING:
                yield f"{title} drop {points(base - value)} (limit {points(limit)})"


def difference(row: ReportRow, best: ReportRow) -> Difference:
    """Return how much less accurate a file is than the most accurate one, and whether that is significant.

    If both have several seeds in common, their methods are compared; else the two files.
    """
    over, best_over = row.over_seeds, best.over_seeds
    if over is not None and best_over is not None:
        losses = [best_over.accuracy[seed] - one for seed, one in over.accuracy.items() if seed in best_over.accuracy]
        if len(losses) > 1:
            p_value = 1.0 if over == best_over else paired_t(losses, 1 / row.images)
            return _difference(fmean(losses), "paired_t", p_value, about="methods")
    lost = best.accuracy - row.accuracy
    if row.right_images is not None and best.right_images is not None and row.images == best.images:
        return _difference(lost, "mcnemar", mcnemar(*discordant(best.right_images, row.right_images)))
    interval = newcombe(best.accuracy, best.images, row.accuracy, row.images)
    is_noise = interval.low <= 0 <= interval.high
    return Difference(points=lost, test="newcombe", p_value=None, within_noise=is_noise)


def _difference(points: float, test: Test, p_value: float, about: Literal["files", "methods"] = "files") -> Difference:
    return Difference(points=points, test=test, p_value=p_value, within_noise=p_value >= SIGNIFICANCE, about=about)


def counting_criteria(rows: Sequence[ReportRow], goals: Goals) -> tuple[Criterion, ...]:
    """Return the criteria that files can be ranked by.

    They are the default criteria, and others that the goals give a weight; without criteria that are unknown for a
    file, as latency is on an emulated device.
    """
    return tuple(
        name
        for name, each in OBJECTIVES.items()
        if (each.goal.weight or getattr(goals.weights, name)) and all(each.value(row) is not None for row in rows)
    )


def figures(row: ReportRow, criteria: Sequence[Criterion], latency_ms: float) -> Figures:
    """Return the figures of a file in some criteria, each of which must be known.

    Args:
        row: The file.
        criteria: The criteria.
        latency_ms: The latency that the file is ranked by, see `Times.levels`.
    """
    values = {name: latency_ms if name == "latency" else criterion_value(OBJECTIVES[name], row) for name in criteria}
    return Figures({name: float(value) for name, value in values.items() if value is not None}, row.images)


def objective_values(row: ReportRow) -> dict[str, float | int | None]:
    """Return the figures of a file in all criteria, by the field that candidates and comparisons have for each."""
    return {each.goal.field: each.value(row) for each in OBJECTIVES.values()}


def choice(row: ReportRow) -> Choice:
    """Return the file of a row."""
    return Choice(
        pipeline=row.pipeline,
        export=row.export,
        threads=row.threads,
        model_sha256=row.model_sha256,
        options=row.options,
    )


def name(row: ReportRow | Choice) -> str:
    """Return the name of a file in a sentence: ``PCQAT int8``."""
    return f"{row.pipeline} {row.export_name}"


def is_same_file(row: ReportRow, other: ReportRow) -> bool:
    """Return whether two rows are of the same file, perhaps with other numbers of threads."""
    return (row.pipeline, row.export, row.model_sha256) == (other.pipeline, other.export, other.model_sha256)
