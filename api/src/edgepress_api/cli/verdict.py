"""What a report says, in words: nothing but what its figures show."""

from collections.abc import Callable, Iterator, Sequence

from edgepress_api.cli.formats import figure, percent, size
from edgepress_api.report import Report, ReportRow

_CLOSE = 0.01  # one percentage point: what most give for a smaller file, and of some hundred images only a few


def verdict(report: Report) -> Iterator[str]:
    """A sentence each on the smallest, the fastest and the most accurate model; those that tie are all named.

    Which is the smallest once it is zipped is said where it is another. Where small or fast ones are clearly less
    accurate, it is said how much, and which is the smallest to send of those that are not.
    """
    rows = report.rows
    if not rows:
        return
    top = max(row.accuracy for row in rows)
    smallest = _best(rows, lambda row: -row.size_bytes)
    ratio = smallest[0].ratios.float32_tflite
    yield (
        f"Smallest: {_names(smallest, rows)}, {size(smallest[0].size_bytes)}"
        + (f", {ratio.size:.2f} times smaller than float32" if ratio and ratio.size > 1 else "")
        + _reservation(smallest, top)
    )
    zipped = _best(rows, lambda row: -row.zip_bytes)
    if _names(zipped, rows) != _names(smallest, rows):
        yield f"Smallest when zipped: {_names(zipped, rows)}, {_zipped(zipped[0])}" + _reservation(zipped, top)
    timed = [row for row in rows if not row.emulated]  # an emulator's times mean nothing
    if timed:
        fastest = _best(timed, lambda row: -row.latency_ms.p50)
        speedup = fastest[0].ratios.float32_tflite_latency
        yield (
            f"Fastest: {_names(fastest, rows)}, {figure(fastest[0].latency_ms.p50)} ms an image"
            + (f", {speedup:.2f} times as fast as float32" if speedup and speedup > 1 else "")
            + _reservation(fastest, top)
        )
    most_accurate = _best(rows, lambda row: row.accuracy)
    yield f"Most accurate: {_names(most_accurate, rows)}, {percent(top, 2)} of {rows[0].images} images."
    close = _best([row for row in rows if _close(row, top)], lambda row: -row.zip_bytes)
    if _names(close, rows) not in {_names(zipped, rows), _names(most_accurate, rows)}:
        yield f"Smallest when zipped, within a point of that: {_names(close, rows)}, {_zipped(close[0])}" + _accuracy(
            close
        )


def _close(row: ReportRow, top: float) -> bool:
    return top - row.accuracy <= _CLOSE


def _reservation(chosen: Sequence[ReportRow], top: float) -> str:
    """The end of a sentence on some of the rows: their accuracy, where somebody might not want them for it."""
    return "." if all(_close(row, top) for row in chosen) else _accuracy(chosen)


def _accuracy(chosen: Sequence[ReportRow]) -> str:
    return f", at {percent(min(row.accuracy for row in chosen), 2)}."


def _zipped(row: ReportRow) -> str:
    ratio = row.ratios.float32_tflite
    return size(row.zip_bytes) + (
        f", {ratio.size_to_zip:.2f} times smaller than float32 not zipped" if ratio and ratio.size_to_zip > 1 else ""
    )


def _best(rows: Sequence[ReportRow], merit: Callable[[ReportRow], float]) -> list[ReportRow]:
    best = max(map(merit, rows))
    return [row for row in rows if merit(row) == best]


def _names(chosen: Sequence[ReportRow], rows: Sequence[ReportRow]) -> str:
    """What to call the models of some of the rows."""
    several = len({row.pipeline for row in rows}) > 1
    # Each model once, though it may have been measured on several devices.
    every, named = (
        list(dict.fromkeys(f"{row.pipeline} {row.export}" if several else row.export for row in some))
        for some in (rows, chosen)
    )
    return "all of them alike" if len(named) > 1 and named == every else ", ".join(named)
