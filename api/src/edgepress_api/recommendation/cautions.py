"""What to be careful about on a device: looked up in what was measured there, and said with the figures.

Each rule is a function over the device's rows; what it can't see it says nothing of. Their grounds are section 4.5 of
Predic et al. 2022 (doi:10.3390/axioms11050229) and what is known of LiteRT's kernels.
"""

from collections.abc import Callable, Iterator, Sequence

from edgepress_api.recommendation.candidates import name
from edgepress_api.recommendation.judgements import ACCEPTABLE_RATIO
from edgepress_api.recommendation.noise import wilson
from edgepress_api.report.document.rows import ReportRow
from edgepress_api.report.words import milliseconds, percent, size, times
from edgepress_common.spec import ExportKind, Goals

# A gain of int8 over float32 under this points to kernels that are not made for the processor: of a MobileNetV2 on a
# Raspberry Pi 4 it is 2.7 with XNNPACK.
_LEAST_INT8_GAIN = 1.5
_NO_GAIN = 1.1  # a tenth is what measurements of the same file differ by on a board that does other things too
_MOST_JITTER = 1.5  # of p99 over p50
# Processors of ARMv8.0, as boards and kernels name them: no arithmetic in float16.
_WITHOUT_FLOAT16 = ("raspberry pi 3", "raspberry pi 4", "raspberry pi zero 2", "cortex-a53", "cortex-a57", "cortex-a72")
_FEW_RUNS = 50

Rule = Callable[[Sequence[ReportRow]], Iterator[str]]


def find_cautions(
    rows: Sequence[ReportRow], files: Sequence[ReportRow], goals: Goals, consistency_ratio: float
) -> Iterator[str]:
    """Everything there is to say.

    Args:
        rows: All that was measured on the device.
        files: Of them, each file at its best number of threads.
        goals: What was looked for.
        consistency_ratio: Of the goals' preferences.
    """
    if consistency_ratio > ACCEPTABLE_RATIO:
        yield (
            f"The preferences contradict each other: their consistency ratio is {consistency_ratio:.2f}, above "
            f"{ACCEPTABLE_RATIO:g}. Compare the pairs again before trusting the weights that follow from them."
        )
    if rows[0].emulated and (goals.max_latency_ms is not None or goals.weights.latency):
        yield "The device is emulated: its times mean nothing, so time counts in nothing here. Measure on a board."
    for rule in _OF_THE_FIGURES:
        yield from rule(files)
    if not rows[0].emulated:
        yield from _throttled(rows)
        for rule in _OF_TIMES:
            yield from rule(files)


def _few_images(files: Sequence[ReportRow]) -> Iterator[str]:
    best = max(files, key=lambda row: row.accuracy)
    interval = wilson(best.accuracy, best.images)
    paired = all(row.right_images is not None for row in files)
    how = (
        "by McNemar's exact test on the same images"
        if paired
        else "by Newcombe's interval, since it is not known of every file which images it gets right"
    )
    yield (
        f"Accuracies are of {best.images} images: the best, {percent(best.accuracy)}, could be "
        f"{100 * interval.low:.1f} to {percent(interval.high, 1)}. Which differences are none was found {how}, each at "
        "5 %: of twenty files that are alike, one will seem to differ. Training again with another seed may move an "
        "accuracy by more."
    )


def _clustered(files: Sequence[ReportRow]) -> Iterator[str]:
    clustered = [row for row in files if "cluster" in row.method and row.zip_bytes < row.size_bytes]
    if clustered:
        row = min(clustered, key=lambda row: row.zip_bytes)
        yield (
            f"Shared values shrink only the zip: {name(row)} is {size(row.zip_bytes)} to send, and "
            f"{size(row.size_bytes)} on the device's disk. They bring no speed."
        )


def _pruned(files: Sequence[ReportRow]) -> Iterator[str]:
    if any(row.encoding == "sparse" for row in files):
        yield (
            "Zeros left out of a file (“sparse”) make it smaller, not faster: only float 1x1 convolutions with two "
            "thirds of zeros have sparse kernels. The first layers are the first to suffer from pruning."
        )


def _float_operators_in_int8(files: Sequence[ReportRow]) -> Iterator[str]:
    for row in files:
        if row.export == "int8" and row.float_ops:
            yield (
                f"{name(row)} has {row.float_ops} operators that compute on floats: it does not run on an "
                "integer-only accelerator."
            )


def _throttled(rows: Sequence[ReportRow]) -> Iterator[str]:
    held_back = [row for row in rows if row.throttled]
    if held_back:
        causes = ", ".join(dict.fromkeys(cause for row in held_back for cause in row.throttled or ()))
        names = ", ".join(dict.fromkeys(map(name, held_back)))
        yield f"Something held the processor back ({causes}) while {names} was measured: those times are too long."


def _float16(files: Sequence[ReportRow]) -> Iterator[str]:
    where = " ".join(part for part in (files[0].surroundings.board, files[0].surroundings.cpu) if part).lower()
    for full, half in _pairs(files, "float32", "float16"):
        gain = full.latency_ms.p50 / half.latency_ms.p50
        if gain < _NO_GAIN:
            reason = (
                "this processor has no arithmetic in float16 (ARMv8.2 has)"
                if any(board in where for board in _WITHOUT_FLOAT16)
                else "weights are widened to float32 first"
            )
            yield (f"float16 is half the size and no faster here ({_both(half, full)}, {half.pipeline}): {reason}.")
            return  # one example says it


def _int8(files: Sequence[ReportRow]) -> Iterator[str]:
    slow = [
        (f, i) for f, i in _pairs(files, "float32", "int8") if f.latency_ms.p50 < _LEAST_INT8_GAIN * i.latency_ms.p50
    ]
    if slow:
        full, integer = min(slow, key=lambda pair: pair[0].latency_ms.p50 / pair[1].latency_ms.p50)
        gain = full.latency_ms.p50 / integer.latency_ms.p50
        yield (
            f"int8 gains little in time here: {times(gain)} for {integer.pipeline} ({_both(integer, full)}), where "
            f"{_LEAST_INT8_GAIN:g} or more is usual. That points to fallback kernels: look at the delegate and at the "
            "profile by operator."
        )


def _int16x8(files: Sequence[ReportRow]) -> Iterator[str]:
    for full, wide in _pairs(files, "float32", "int16x8"):
        if wide.latency_ms.p50 > full.latency_ms.p50:
            slowdown = times(wide.latency_ms.p50 / full.latency_ms.p50)
            yield f"int16x8 has no optimised kernels here: {slowdown} slower than float32 ({_both(wide, full)})."
            return


def _jitter(files: Sequence[ReportRow]) -> Iterator[str]:
    worst = max(files, key=lambda row: row.latency_ms.p99 / row.latency_ms.p50)
    if worst.latency_ms.p99 > _MOST_JITTER * worst.latency_ms.p50:
        yield (
            f"Times vary: of {name(worst)} one image in a hundred takes {milliseconds(worst.latency_ms.p99)} ms or "
            f"more, where the median is {milliseconds(worst.latency_ms.p50)} ms. Something else ran on the device, or "
            "its frequency moved; a deadline has to be met by p99, not by the median."
        )


def _few_runs(files: Sequence[ReportRow]) -> Iterator[str]:
    runs = min(row.latency_ms.runs for row in files)
    if runs < _FEW_RUNS:
        yield f"Times are of {runs} inferences; {_FEW_RUNS} or more are needed to trust them (evaluation.runs)."


def _no_delegate(files: Sequence[ReportRow]) -> Iterator[str]:
    if all(row.surroundings.delegate is None for row in files):
        yield "No delegate took any operator (XNNPACK usually does): times are of the plain kernels."


_OF_THE_FIGURES: tuple[Rule, ...] = (_few_images, _clustered, _pruned, _float_operators_in_int8)
_OF_TIMES: tuple[Rule, ...] = (_float16, _int8, _int16x8, _jitter, _few_runs, _no_delegate)


def _pairs(files: Sequence[ReportRow], first: ExportKind, second: ExportKind) -> Iterator[tuple[ReportRow, ReportRow]]:
    """Two exports of the same pipeline."""
    for pipeline in dict.fromkeys(row.pipeline for row in files):
        found = {row.export: row for row in files if row.pipeline == pipeline}
        if first in found and second in found and found[second].latency_ms.p50 > 0:
            yield found[first], found[second]


def _both(one: ReportRow, other: ReportRow) -> str:
    return f"{milliseconds(one.latency_ms.p50)} ms against {milliseconds(other.latency_ms.p50)} ms"
