"""Summary of a report in sentences."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from edgepress_client.cli.formats import figure, percent, size
from edgepress_common.answers.report import Report, ReportRow

_File = tuple[str, str, str]  # device, pipeline, export

_CLOSE = 0.01  # one percentage point: a loss that most users accept for a smaller file


def verdict(report: Report) -> Iterator[str]:
    """Yield a sentence on each of the smallest, fastest and most accurate models. All models that tie are named.

    The smallest zipped model has its own sentence if it is a different one. If the small or fast models are clearly
    less accurate, the sentence includes their accuracy, and another sentence names the smallest zipped model that is
    not less accurate. Models that are not recommended, because they are useless or miss a limit, are left out; a last
    sentence says why, if one of them is smaller or faster than the models that are named.
    """
    misses = _misses(report)
    rows = [row for row in report.rows if _file(row) not in misses] or report.rows
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
    timed = [row for row in rows if not row.emulated]  # latencies of an emulator are not meaningful
    if timed:
        fastest = _fastest(timed)
        speedup = fastest[0].ratios.float32_tflite_latency
        yield (
            f"Fastest: {_names(fastest, rows)}, {_latency(fastest)} an image"
            + (f", {speedup:.2f} times as fast as float32" if speedup and speedup > 1 else "")
            + _reservation(fastest, top)
        )
    most_accurate = _best(rows, lambda row: row.accuracy)
    yield f"Most accurate: {_names(most_accurate, rows)}, {percent(top, 2)} of {rows[0].images} validation images."
    tested = [row.test_accuracy for row in most_accurate if row.test_accuracy is not None]
    if tested:
        found = dict.fromkeys(percent(share, 2) for share in (min(tested), max(tested)))
        yield f"On {most_accurate[0].test_images} test images, which no decision has seen: {' to '.join(found)}."
    close = _best([row for row in rows if _close(row, top)], lambda row: -row.zip_bytes)
    if _names(close, rows) not in {_names(zipped, rows), _names(most_accurate, rows)}:
        yield f"Smallest when zipped, within a point of that: {_names(close, rows)}, {_zipped(close[0])}" + _accuracy(
            close
        )
    if left_out := list(dict.fromkeys(_left_out(report, misses, rows))):
        yield f"Not recommended: {'; '.join(left_out)}."


def _left_out(report: Report, misses: Mapping[_File, Sequence[str]], rows: Sequence[ReportRow]) -> Iterator[str]:
    """Yield the models that are better in size or latency than the recommended rows, and why they are left out."""
    smallest = min(row.size_bytes for row in rows)
    fastest = min((row.latency_ms.p50 for row in rows if not row.emulated), default=0.0)
    for row in report.rows:
        better = []
        if row.size_bytes < smallest:
            better.append(f"smaller ({size(row.size_bytes)})")
        if not row.emulated and row.latency_ms.p50 < fastest:
            better.append(f"faster ({figure(row.latency_ms.p50)} ms)")
        if row not in rows and better:
            yield f"{row.pipeline} {row.export_name}, which is {' and '.join(better)}: {', '.join(misses[_file(row)])}"


def _misses(report: Report) -> dict[_File, Sequence[str]]:
    """Return why files are not recommended, by file; empty without a recommendation."""
    devices = () if report.recommendation is None else report.recommendation.devices
    return {
        (device.device, each.pipeline, each.export_name): each.misses
        for device in devices
        for each in device.candidates
        if each.misses
    }


def _file(row: ReportRow) -> _File:
    return row.device, row.pipeline, row.export_name


def _close(row: ReportRow, top: float) -> bool:
    return top - row.accuracy <= _CLOSE


def _reservation(chosen: Sequence[ReportRow], top: float) -> str:
    """Return the end of a sentence about rows: their accuracy, if it is clearly below the best."""
    return "." if all(_close(row, top) for row in chosen) else _accuracy(chosen)


def _accuracy(chosen: Sequence[ReportRow]) -> str:
    return f", at {_span([percent(accuracy, 2) for accuracy in sorted(row.accuracy for row in chosen)])}."


def _latency(chosen: Sequence[ReportRow]) -> str:
    return _span([f"{figure(p50)} ms" for p50 in sorted(row.latency_ms.p50 for row in chosen)])


def _span(ascending: Sequence[str]) -> str:
    """Return the first and the last of some figures with their unit, or the only one."""
    first, last = ascending[0], ascending[-1]
    return first if first == last else f"{first.partition(' ')[0]} to {last}"


def _zipped(row: ReportRow) -> str:
    ratio = row.ratios.float32_tflite
    return size(row.zip_bytes) + (
        f", {ratio.size_to_zip:.2f} times smaller than float32 not zipped" if ratio and ratio.size_to_zip > 1 else ""
    )


def _best(rows: Sequence[ReportRow], merit: Callable[[ReportRow], float]) -> list[ReportRow]:
    best = max(map(merit, rows))
    return [row for row in rows if merit(row) == best]


def _fastest(rows: Sequence[ReportRow]) -> list[ReportRow]:
    """Return the fastest row, and those whose latency does not differ significantly from it."""
    first = min(rows, key=lambda row: row.latency_ms.p50)
    tied = [row for row in rows if row is not first and not row.latency_ms.differs_from(first.latency_ms)]
    return [first, *tied]


def _names(chosen: Sequence[ReportRow], rows: Sequence[ReportRow]) -> str:
    """Return the names of the models of some rows."""
    several = len({row.pipeline for row in rows}) > 1
    # Each model once, even if it was measured on several devices.
    every, named = (
        list(dict.fromkeys(f"{row.pipeline} {row.export_name}" if several else row.export_name for row in some))
        for some in (rows, chosen)
    )
    return "all models" if len(named) > 1 and named == every else ", ".join(named)
