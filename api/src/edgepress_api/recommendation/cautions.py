"""Caveats of a recommendation, derived from what was measured on the device, with the figures.

Each rule is a function of the device's rows. The rules are based on section 4.5 of Predic et al. 2022
(doi:10.3390/axioms11050229) and on LiteRT's kernels.
"""

from collections.abc import Callable, Iterator, Sequence

from edgepress_api.recommendation.candidates import name
from edgepress_api.recommendation.judgements import ACCEPTABLE_RATIO
from edgepress_common.answers.report import ReportRow
from edgepress_common.figures.formats import milliseconds, percent, size, times
from edgepress_common.significance import wilson
from edgepress_common.spec import ExportKind, Goals

_LEAST_INT8_GAIN = 1.5  # with XNNPACK, MobileNetV2 is 2.7 times as fast as float32 on a Raspberry Pi 4
_FOREIGN_LOAD = 0.5  # processors that other programs keep busy
_MOST_JITTER = 1.5  # p99 divided by p50
# Processors of ARMv8.0, as boards and kernels name them: they have no float16 arithmetic.
_WITHOUT_FLOAT16 = ("raspberry pi 3", "raspberry pi 4", "raspberry pi zero 2", "cortex-a53", "cortex-a57", "cortex-a72")
_FEW_RUNS = 50
_MOST_DRIFT = 0.03  # of the reference file's time; repeated runs of a file on a quiet board agree within it
_NOTICEABLE_LOAD = 0.1  # processors
_NAMED = 3
_SMALLEST_MS = 1e-6

Rule = Callable[[Sequence[ReportRow]], Iterator[str]]


def find_cautions(
    rows: Sequence[ReportRow], files: Sequence[ReportRow], goals: Goals, consistency_ratio: float
) -> Iterator[str]:
    """Yield the caveats of a device.

    Args:
        rows: All rows of the device.
        files: The row of each file with the number of threads that it is fastest with.
        goals: Goals of the recommendation.
        consistency_ratio: Consistency ratio of the goals' preferences.
    """
    if consistency_ratio > ACCEPTABLE_RATIO:
        yield (
            f"The preferences contradict each other: their consistency ratio is {consistency_ratio:.2f}, above "
            f"{ACCEPTABLE_RATIO:g}. Review the pairs before you rely on the weights that follow from them."
        )
    if rows[0].emulated and (goals.max_latency_ms is not None or goals.weights.latency):
        yield "The device is emulated: its latencies mean nothing and are not used here. Measure on a board."
    yield from _other_hardware(rows)
    for rule in _OF_THE_FIGURES:
        yield from rule(files)
    if not rows[0].emulated:
        yield from _throttled(rows)
        yield from _load(rows)
        yield from _unequal_times(rows)
        yield from _drift(rows)
        for rule in _OF_EXPORTS:
            yield from rule(rows)
        for rule in _OF_LATENCIES:
            yield from rule(files)


def find_file_cautions(rows: Sequence[ReportRow]) -> Iterator[str]:
    """Yield the caveats about one file, without those that compare files.

    Args:
        rows: The rows of the file on a device.
    """
    for rule in _OF_ONE_FILE:
        yield from rule(rows)
    if rows[0].emulated:
        yield "The device is emulated: its latencies mean nothing. Measure on a board."
        return
    for rule in (_throttled, _load, *_OF_LATENCIES):
        yield from rule(rows)


def _other_hardware(rows: Sequence[ReportRow]) -> Iterator[str]:
    """Yield that the name of the device stands for several machines: a board was replaced, or two had one name."""
    machines = dict.fromkeys(row.surroundings.board or row.surroundings.cpu or row.surroundings.machine for row in rows)
    if len(machines) > 1:
        yield (
            f"The files were measured on different hardware under the name {rows[0].device}: {' and '.join(machines)}. "
            "Their times cannot be compared. Give each board a name of its own, and discard the results of one with "
            "DELETE /v1/steps/{key}/result."
        )


def _few_images(files: Sequence[ReportRow]) -> Iterator[str]:
    best = max(files, key=lambda row: row.accuracy)
    interval = wilson(best.accuracy, best.images)
    paired = all(row.right_images is not None for row in files)
    how = (
        "with McNemar's exact test on the same images"
        if paired
        else "with Newcombe's interval, because it is not known for every file which images it classifies correctly"
    )
    over = best.over_seeds
    seeds = (
        "These statements are about the files of one training each, not about the methods: training with another seed "
        "can change an accuracy by more. A spec with seeds: 3 or more compares the methods."
        if over is None
        else f"Exports with several seeds are compared by the paired t-test over {over.seeds} seeds instead: these "
        "statements are about the methods. The file to ship is that with the median accuracy."
    )
    yield (
        f"Accuracies are measured on {best.images} validation images: the 95 % interval of the best, "
        f"{percent(best.accuracy)}, is {100 * interval.low:.1f} to {percent(interval.high, 1)}. Differences are tested "
        f"{how}, each at the 5 % level: of twenty equally accurate files, one will appear to differ. {seeds}"
    )


def _clustered(files: Sequence[ReportRow]) -> Iterator[str]:
    clustered = [row for row in files if "cluster" in row.method and row.zip_bytes < row.size_bytes]
    if clustered:
        row = min(clustered, key=lambda row: row.zip_bytes)
        yield (
            f"Shared weights only reduce the zipped size: {name(row)} is {size(row.zip_bytes)} to send and "
            f"{size(row.size_bytes)} on the device's disk. They do not make it faster."
        )


def _pruned(files: Sequence[ReportRow]) -> Iterator[str]:
    if any(row.encoding == "sparse" for row in files):
        yield (
            "Zeros left out of a file (“sparse”) make it smaller, not faster: only float 1x1 convolutions with at "
            "least two thirds zeros have sparse kernels. Pruning affects the first layers most."
        )


def _float_operators_in_int8(files: Sequence[ReportRow]) -> Iterator[str]:
    for row in files:
        if row.export == "int8" and row.float_ops:
            yield (
                f"{name(row)} has {row.float_ops} operators that compute on floats: it does not run on "
                "integer-only accelerators."
            )


def _throttled(rows: Sequence[ReportRow]) -> Iterator[str]:
    slowed = [row for row in rows if row.throttled]
    if slowed:
        causes = ", ".join(dict.fromkeys(cause for row in slowed for cause in row.throttled or ()))
        names = ", ".join(dict.fromkeys(map(name, slowed)))
        yield f"The processor was throttled ({causes}) while {names} was measured: those latencies are too high."


def _load(rows: Sequence[ReportRow]) -> Iterator[str]:
    """Yield that other programs ran while files were measured."""
    own = max(row.threads for row in rows)
    loads = {id(row): load for row in rows if (load := _other_load(row, own)) is not None and load > _FOREIGN_LOAD}
    if loads:
        busy = list(dict.fromkeys(name(row) for row in rows if id(row) in loads))
        files = f"{len(busy)} of {len({name(row) for row in rows})} files were" if len(busy) > 1 else f"{busy[0]} was"
        yield (
            f"Other programs used up to {max(loads.values()):.1f} processors while {files} measured. The device has "
            f"{rows[0].surroundings.cores}: those latencies are higher and less certain."
        )


def _other_load(row: ReportRow, own: int) -> float | None:
    """Return how many processors other programs used; None if it is unknown.

    Without a measurement, it is estimated by the load average before, less what measurements cause themselves.
    """
    found = row.surroundings
    if found.other_load is not None:
        return found.other_load
    return None if found.load_average is None else found.load_average - own


def _unequal_times(rows: Sequence[ReportRow]) -> Iterator[str]:
    """Yield that files which do the same work took significantly different times."""
    worst: tuple[float, ReportRow, ReportRow] | None = None
    groups: dict[tuple[str, int], list[ReportRow]] = {}
    for row in rows:
        if row.work is not None:
            groups.setdefault((row.work, row.threads), []).append(row)
    for group in groups.values():
        low, high = (choose(group, key=lambda row: row.latency_ms.p50) for choose in (min, max))
        if high.latency_ms.differs_from(low.latency_ms):
            ratio = high.latency_ms.p50 / max(low.latency_ms.p50, _SMALLEST_MS)
            worst = max(worst or (0.0, low, high), (ratio, low, high), key=lambda each: each[0])
    if worst is not None:
        ratio, low, high = worst
        yield (
            f"Latencies were disturbed: {name(high)} and {name(low)} compute the same, and differ by {times(ratio)} "
            f"({_both(high, low)}, {_threads(low)}). {_cause(high)} Of such files, the lowest latency counts for all."
        )


def _drift(rows: Sequence[ReportRow]) -> Iterator[str]:
    """Yield that the device itself was slower while some files were measured, by the file that never changes."""
    known = {name(row): row for row in rows if row.reference_ms}
    if not known:
        return
    low = min(known.values(), key=lambda row: row.reference_ms or 0)
    slower = [
        row
        for row in known.values()
        if low.reference_ms and row.reference_ms and row.reference_ms > (1 + _MOST_DRIFT) * low.reference_ms
    ]
    if slower and low.reference_ms:
        worst = max(slower, key=lambda row: row.reference_ms or 0)
        names = ", ".join(name(row) for row in slower[:_NAMED]) + (" and others" if len(slower) > _NAMED else "")
        yield (
            f"The device was slower while {names} {'was' if len(slower) == 1 else 'were'} measured, by up to "
            f"{percent((worst.reference_ms or 0) / low.reference_ms - 1, 0)}: a reference file that never changes took "
            f"{milliseconds(worst.reference_ms or 0)} next to {name(worst)}, and {milliseconds(low.reference_ms)} next "
            f"to {name(low)}. {_cause(worst)} Their latencies are too high by about as much."
        )


def _cause(row: ReportRow) -> str:
    """Return what is known to have slowed the device down during a measurement."""
    found, other = row.surroundings, row.surroundings.other_load
    causes = [f"throttled: {', '.join(row.throttled)}"] if row.throttled else []
    if other is not None and other > _NOTICEABLE_LOAD:
        causes.append(f"other programs used {other:.1f} processors")
    if found.governor not in {None, "performance"}:
        causes.append(f"the frequency governor is {found.governor}, not performance")
    return f"Possible causes: {'; '.join(causes)}." if causes else "The device reported no cause."


def _float16(rows: Sequence[ReportRow]) -> Iterator[str]:
    where = " ".join(part for part in (rows[0].surroundings.board, rows[0].surroundings.cpu) if part).lower()
    for full, half in _pairs(rows, "float32", "float16"):
        if half.latency_ms.p50 < full.latency_ms.p50 and half.latency_ms.differs_from(full.latency_ms):
            continue
        allowed = any(each.kind == "float16_arithmetic" for each in half.promises)
        reason = ""
        if any(board in where for board in _WITHOUT_FLOAT16):
            reason = " This processor has no float16 arithmetic (ARMv8.2 has)."
        elif widened := _profiled(half, "DEQUANTIZE"):
            reason = (
                f" Its profile has {widened} DEQUANTIZE operators: they convert weights to float32 in each inference."
            )
        if not reason and not allowed:
            reason = (
                " The file is computed in float32 on every processor; the export option arithmetic: float16 allows "
                "float16 where the processor has it."
            )
        yield (
            f"float16 is half the size and not faster here ({_both(half, full)}, {half.pipeline}, {_threads(half)})."
            f"{reason}"
        )
        return  # one example is enough


def _int8(rows: Sequence[ReportRow]) -> Iterator[str]:
    slow = [
        (f, i) for f, i in _pairs(rows, "float32", "int8") if f.latency_ms.p50 < _LEAST_INT8_GAIN * i.latency_ms.p50
    ]
    if slow:
        full, integer = min(slow, key=lambda pair: pair[0].latency_ms.p50 / pair[1].latency_ms.p50)
        gain = (
            times(full.latency_ms.p50 / integer.latency_ms.p50)
            if full.latency_ms.differs_from(integer.latency_ms)
            else "no significant difference"
        )
        yield (
            f"int8 is hardly faster than float32 here: {gain} for {integer.pipeline} ({_both(integer, full)}, "
            f"{_threads(integer)}); {_LEAST_INT8_GAIN:g} or more is usual.{_kernels(integer)}"
        )


def _int4(rows: Sequence[ReportRow]) -> Iterator[str]:
    """Yield what four bits bring on the device, by the pair of files with the largest difference."""
    pairs = list(_pairs(rows, "int8", "int4"))
    if not pairs:
        return
    byte, half = max(pairs, key=lambda pair: pair[0].latency_ms.p50 / pair[1].latency_ms.p50)
    both = f"{_both(half, byte)}, {half.pipeline}, {_threads(half)}"
    if half.latency_ms.p50 < byte.latency_ms.p50 and half.latency_ms.differs_from(byte.latency_ms):
        yield f"int4 brings speed here as well as size: {times(byte.latency_ms.p50 / half.latency_ms.p50)} ({both})."
        return
    yield (
        f"int4 brings size here and no speed ({both}). Fewer values per channel (bits of quantize_aware, weight_bits "
        "of int4) bring none either: no kernel of LiteRT or XNNPACK convolves with weights of fewer than eight bits."
    )


def _int16x8(rows: Sequence[ReportRow]) -> Iterator[str]:
    for full, wide in _pairs(rows, "float32", "int16x8"):
        if wide.latency_ms.p50 > full.latency_ms.p50 and wide.latency_ms.differs_from(full.latency_ms):
            slowdown = times(wide.latency_ms.p50 / full.latency_ms.p50)
            yield (
                f"int16x8 is {slowdown} slower than float32 here ({_both(wide, full)}, {_threads(wide)})."
                f"{_kernels(wide)}"
            )
            return


def _kernels(row: ReportRow) -> str:
    """Return which kernels run a file, if that is known; else nothing."""
    operators, delegated = sum(row.operators.values()), row.surroundings.delegated_operators
    if not operators or delegated is None:
        return ""
    if delegated < operators:
        return (
            f" The delegate runs {delegated} of its {operators} operators; the runtime's own fallback kernels run the "
            "others."
        )
    return f" Its delegate runs all {operators} operators, so fallback kernels are not the cause."


def _profiled(row: ReportRow, operator: str) -> int:
    """Return the number of calls of an operator in an inference."""
    return sum(each.calls for each in row.operator_times or () if each.operator == operator)


def _jitter(files: Sequence[ReportRow]) -> Iterator[str]:
    worst = max(files, key=lambda row: row.latency_ms.p99 / row.latency_ms.p50)
    if worst.latency_ms.p99 > _MOST_JITTER * worst.latency_ms.p50:
        yield (
            f"Latencies vary: for {name(worst)}, one image in a hundred takes {milliseconds(worst.latency_ms.p99)} or "
            f"more; the median is {milliseconds(worst.latency_ms.p50)}. A deadline has to be compared with p99, "
            "not with the median."
        )


def _few_runs(files: Sequence[ReportRow]) -> Iterator[str]:
    runs = min(row.latency_ms.runs for row in files)
    if runs < _FEW_RUNS:
        yield f"Latencies are of {runs} inferences; at least {_FEW_RUNS} are needed to rely on them (evaluation.runs)."


def _no_delegate(files: Sequence[ReportRow]) -> Iterator[str]:
    if all(row.surroundings.delegate is None for row in files):
        yield "No delegate runs any operator (XNNPACK usually does): latencies are those of the reference kernels."


_OF_ONE_FILE: tuple[Rule, ...] = (_clustered, _pruned, _float_operators_in_int8)
_OF_THE_FIGURES: tuple[Rule, ...] = (_few_images, *_OF_ONE_FILE)
_OF_EXPORTS: tuple[Rule, ...] = (_float16, _int8, _int4, _int16x8)
_OF_LATENCIES: tuple[Rule, ...] = (_jitter, _few_runs, _no_delegate)


def _pairs(rows: Sequence[ReportRow], first: ExportKind, second: ExportKind) -> Iterator[tuple[ReportRow, ReportRow]]:
    """Yield two exports of the same pipeline, measured with the same number of threads."""
    for pipeline, threads in dict.fromkeys((row.pipeline, row.threads) for row in rows):
        found = [row for row in rows if (row.pipeline, row.threads) == (pipeline, threads)]
        some = [row for row in found if row.latency_ms.p50 > 0]
        # A pipeline may have several exports of a kind, with different options.
        yield from ((one, other) for one in some if one.export == first for other in some if other.export == second)


def _both(one: ReportRow, other: ReportRow) -> str:
    return f"{milliseconds(one.latency_ms.p50)} against {milliseconds(other.latency_ms.p50)}"


def _threads(row: ReportRow) -> str:
    return f"{row.threads} thread{'' if row.threads == 1 else 's'}"
