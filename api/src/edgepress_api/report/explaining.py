"""Explains why a file is not faster on a device, and what would make it faster.

Each rule is a function of one row of the report: of its profile by operator, of how the device runs its operators, and
of the shortest time that the device's ceilings allow. Which operators are delegated, all times and all ceilings are
measured; which instructions the kernels use is inferred from the features of the processor
(`edgepress_evaluator.measure.kernels`).
"""

from collections.abc import Callable, Iterator

from edgepress_common.answers.report import ReportRow
from edgepress_common.figures.formats import milliseconds, percent, significant, times
from edgepress_common.results import OperatorGroup

_NEAR_THE_ROOF = 0.8
_MOSTLY = 0.5
_CONSIDERABLE = 0.15  # of the time
_NOTICEABLE = 0.05  # of the time
_MOST_ROUNDED_UP = 0.1
_LEAST_INT8_GAIN = 1.5
_WITHOUT = "without dot products"  # as the kernel's name has it
_MULTIPLYING = ("conv", "fully", "gemm", "dwconv")  # in the names of profiled operators, in lower case
_DEPTHWISE = ("dwconv", "depthwise")
_NAMED = 2
_SCALING = 1  # the multiplication that scales the pixels, which does not normalize
_LESS_WORK = "prune_channels, a smaller width or smaller images"

Rule = Callable[[ReportRow], Iterator[str]]


def explain(row: ReportRow) -> tuple[str, ...]:
    """Return the explanation in sentences; none for an emulated device, and for results of earlier evaluators."""
    if row.emulated or not row.operator_groups or row.latency_ms.p50 <= 0:
        return ()
    return tuple(sentence for rule in _RULES for sentence in rule(row))


def _predicted(row: ReportRow) -> Iterator[str]:
    found = row.predicted_latency
    if found is None:
        return
    low, high = milliseconds(found.low_ms), milliseconds(found.high_ms)
    measured = row.latency_ms.p50
    outside = "" if found.low_ms <= measured <= found.high_ms else ", which is outside of this interval"
    yield (
        f"prune_channels was to reach {milliseconds(found.target_ms)}: the latency model of {found.device} predicted "
        f"{milliseconds(found.ms)} ({low} to {high} for {percent(found.confidence, 0)} of networks; the whole network "
        f"{milliseconds(found.source_ms)}), and {milliseconds(measured)} were measured{outside}."
    )


def _roofline(row: ReportRow) -> Iterator[str]:
    if row.roofline is None or row.roofline_share is None:
        return
    threads = f"{row.threads} thread{'' if row.threads == 1 else 's'}"
    end = (
        f" Little is left to gain on this device: only less work makes it faster ({_LESS_WORK})."
        if row.roofline_share >= _NEAR_THE_ROOF
        else ""
    )
    yield (
        f"It reaches {percent(row.roofline_share, 0)} of what the device can do with {threads}: its convolutions and "
        f"dense layers need {milliseconds(row.roofline.floor_ms)} at the ceilings of the device, and an image takes "
        f"{milliseconds(row.latency_ms.p50)}.{end}"
    )


def _not_delegated(row: ReportRow) -> Iterator[str]:
    for group in row.operator_groups:
        if group.delegated == group.count:
            continue
        share = _time_share(row, group.operator.__eq__)
        if share is not None and share < _NOTICEABLE:
            continue
        took = "" if share is None else f" and take {percent(share, 0)} of the profiled time"
        left = group.count - group.delegated
        yield (
            f"{left} of {group.count} {group.operator} ({group.types}) are not delegated to XNNPACK: they run in the "
            f"runtime's own kernels{took}. {_cure(group)}"
        )


def _cure(group: OperatorGroup) -> str:
    activations, _, weights = group.types.partition(" x ")
    if activations == "int16":
        return "XNNPACK has no kernels for 16-bit activations: export int8 instead of int16x8."
    if "int4" in weights:
        return "XNNPACK has no kernels for them with weights of four bits: export int8 for speed."
    if not group.macs:
        return "A network without this operator would be faster."
    return "Another export may be delegated: compare int8 and float32."


def _dot_products(row: ReportRow) -> Iterator[str]:
    slow = sum(each.macs for each in row.operator_groups if each.kernel and _WITHOUT in each.kernel)
    if slow > _MOSTLY * _macs(row):
        is_arm = row.surroundings.machine == "aarch64"
        where = "Cortex-A76 of a Raspberry Pi 5" if is_arm else "processors with VNNI"
        yield (
            f"The processor has no dot-product instructions ({'asimddp' if is_arm else 'VNNI'}), so that int8 kernels "
            f"need several instructions for what the {where} {'does' if is_arm else 'do'} in one. No export changes "
            f"this; less arithmetic does: {_LESS_WORK}."
        )


def _rounded_up(row: ReportRow) -> Iterator[str]:
    tiled = [each for each in row.operator_groups if each.tile_macs is not None]
    needed, computed = sum(each.macs for each in tiled), sum(each.tile_macs or 0 for each in tiled)
    if needed and computed / needed - 1 >= _MOST_ROUNDED_UP:
        worst = max(tiled, key=lambda each: (each.tile_macs or 0) - each.macs)
        yield (
            f"Kernels compute {percent(computed / needed - 1, 0)} more than the network needs, because they round "
            f"channels up to their tile ({worst.operator}: {worst.kernel}). Use channels in multiples of 16: the "
            "width of the network, or multiple_of of prune_channels."
        )


def _memory(row: ReportRow) -> Iterator[str]:
    found = row.roofline
    if found is None or found.memory_bound_ms <= _MOSTLY * found.floor_ms:
        return
    smaller = "" if row.export in {"int8", "int4"} else "the export int8, "
    yield (
        f"Memory limits it, not arithmetic: {percent(found.memory_bound_ms / found.floor_ms, 0)} of its shortest time "
        f"is of operators that wait for weights and activations ({significant(found.gigabytes_per_second)} GB/s, "
        f"measured). More threads hardly help; fewer bytes do: {smaller}prune_channels or a smaller width."
    )


def _float32(row: ReportRow) -> Iterator[str]:
    found = row.roofline
    in_float = sum(each.macs for each in row.operator_groups if each.types.endswith(("x float32", "x float16")))
    if found is None or in_float <= _MOSTLY * _macs(row):
        return
    gain = found.int8_gmacs / found.float32_gmacs
    if gain >= _LEAST_INT8_GAIN:
        yield (
            f"It multiplies in float32. int8 arithmetic is {times(gain)} as fast on this device "
            f"({significant(found.int8_gmacs)} against {significant(found.float32_gmacs)} billion multiplications per "
            "second, measured): export int8, after quantize_aware if that costs accuracy."
        )


def _float16(row: ReportRow) -> Iterator[str]:
    features = row.surroundings.instructions
    if row.export == "float16" and features is not None and not {"asimdhp", "avx512_fp16"} & set(features):
        yield (
            "The processor has no float16 arithmetic (ARMv8.2 has it as asimdhp): the weights are converted to float32 "
            "when the file is loaded. float16 makes this file smaller and not faster."
        )


def _depthwise(row: ReportRow) -> Iterator[str]:
    share = _time_share(row, lambda name: any(word in name.lower() for word in _DEPTHWISE))
    macs = sum(each.macs for each in row.operator_groups if each.operator == "DEPTHWISE_CONV_2D") / max(_macs(row), 1)
    if share is not None and share >= _CONSIDERABLE and share > 2 * macs:
        yield (
            f"Depthwise convolutions take {percent(share, 0)} of the profiled time for {percent(macs, 0)} of the "
            "multiplications, because they use each value that they load only a few times. A network of plain "
            "convolutions with as many multiplications is faster."
        )


def _others(row: ReportRow) -> Iterator[str]:
    share = _time_share(row, _is_other)
    if share is None or share < _CONSIDERABLE:
        return
    named = [each.operator for each in row.operator_times or () if _is_other(each.operator)][:_NAMED]
    unfolded = sum(each.count for each in row.operator_groups if each.operator == "MUL") > _SCALING
    cure = (
        " Some of them are normalizations that stand alone: a network in which a convolution comes before each, such "
        "as resnet18_postactivation, has none."
        if unfolded
        else ""
    )
    yield (
        f"Operators without weights take {percent(share, 0)} of the profiled time, most of it in "
        f"{' and '.join(named)}.{cure}"
    )


def _is_other(name: str) -> bool:
    return not any(word in name.lower() for word in _MULTIPLYING)


def _time_share(row: ReportRow, counts: Callable[[str], bool]) -> float | None:
    """Return the share of the profiled time of the operators whose names count; None without a profile."""
    total = sum(each.mean_ms for each in row.operator_times or ())
    return sum(each.mean_ms for each in row.operator_times or () if counts(each.operator)) / total if total else None


def _macs(row: ReportRow) -> int:
    return sum(each.macs for each in row.operator_groups)


_RULES: tuple[Rule, ...] = (
    _predicted,
    _roofline,
    _not_delegated,
    _dot_products,
    _rounded_up,
    _memory,
    _float32,
    _float16,
    _depthwise,
    _others,
)
