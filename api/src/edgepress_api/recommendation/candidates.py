"""What can be chosen on a device, from a report's rows: each file once, and which limits it misses."""

from collections.abc import Iterator, Sequence

from edgepress_api.recommendation.document import Choice, Difference
from edgepress_api.recommendation.noise import SIGNIFICANCE, discordant, mcnemar, newcombe
from edgepress_api.recommendation.scoring import Figures
from edgepress_api.report.document.rows import Baseline, ReportRow
from edgepress_api.report.words import milliseconds, points, size
from edgepress_common.spec import Goals

_ROUNDING = 1e-9  # a drop of exactly what is allowed is allowed


def at_best_threads(rows: Sequence[ReportRow]) -> list[ReportRow]:
    """A row for each file: with the number of threads that it is fastest with."""
    found: dict[tuple[str, str, str], ReportRow] = {}
    for row in rows:
        key = (row.pipeline, row.export, row.model_sha256)
        known = found.get(key)
        if known is None or row.latency_ms.p50 < known.latency_ms.p50:
            found[key] = row
    return list(found.values())


def find_reference(rows: Sequence[ReportRow], baseline: Baseline | None) -> ReportRow:
    """What drops of accuracy are against: the baseline's float32 file where it was measured, else the most accurate."""
    for row in rows:
        if baseline is not None and row.pipeline == baseline.pipeline and row.export == "float32":
            return row
    return max(rows, key=lambda row: row.accuracy)


def missed_limits(row: ReportRow, goals: Goals, reference: ReportRow) -> Iterator[str]:
    """The limits that a file misses, with its figure and the limit."""
    drop = reference.accuracy - row.accuracy
    if goals.max_accuracy_drop is not None and drop > goals.max_accuracy_drop + _ROUNDING:
        yield f"loses {points(drop)}, more than {points(goals.max_accuracy_drop)}"
    # What an emulator takes says nothing of the device it imitates.
    p50 = row.latency_ms.p50
    if goals.max_latency_ms is not None and not row.emulated and p50 > goals.max_latency_ms:
        yield f"takes {milliseconds(p50)} ms, more than {goals.max_latency_ms:g} ms"
    if goals.max_size_bytes is not None and row.size_bytes > goals.max_size_bytes:
        yield f"has {size(row.size_bytes)}, more than {size(goals.max_size_bytes)}"
    if goals.max_zip_bytes is not None and row.zip_bytes > goals.max_zip_bytes:
        yield f"has {size(row.zip_bytes)} zipped, more than {size(goals.max_zip_bytes)}"


def difference(row: ReportRow, best: ReportRow) -> Difference:
    """A file's accuracy against the most accurate one's, and whether chance alone may have made it."""
    lost = best.accuracy - row.accuracy
    if row.right_images is not None and best.right_images is not None and row.images == best.images:
        p_value = mcnemar(*discordant(best.right_images, row.right_images))
        return Difference(points=lost, test="mcnemar", p_value=p_value, within_noise=p_value >= SIGNIFICANCE)
    interval = newcombe(best.accuracy, best.images, row.accuracy, row.images)
    return Difference(points=lost, test="newcombe", p_value=None, within_noise=interval.low <= 0 <= interval.high)


def figures(row: ReportRow) -> Figures:
    """What counts of a file."""
    return Figures(
        accuracy=row.accuracy,
        images=row.images,
        latency=None if row.emulated else row.latency_ms.p50,
        size=row.size_bytes,
        zip=row.zip_bytes,
    )


def choice(row: ReportRow) -> Choice:
    """The file that a row is of."""
    return Choice(pipeline=row.pipeline, export=row.export, threads=row.threads, model_sha256=row.model_sha256)


def name(row: ReportRow | Choice) -> str:
    """What a file is called in a sentence: ``PCQAT int8``."""
    return f"{row.pipeline} {row.export}"
