"""Why a file is not faster: each cause is told where the figures show it, and nowhere else."""

import pytest

from edgepress_api.report.explaining import explain
from edgepress_common.answers.report import ReportRow
from edgepress_common.results import OperatorGroup, OperatorTime, PredictedLatency, Roofline, Surroundings
from edgepress_common.spec import ExportKind
from fakes.reports import make_row

NO_DOT_PRODUCTS = "int8 without dot products (SMLAL), tile of 8 outputs and 8 inputs"
DOT_PRODUCTS = "int8 dot products (SDOT), tile of 16 outputs and 4 inputs"


def group(operator: str = "CONV_2D", types: str = "int8 x int8", **changes: object) -> OperatorGroup:
    """Twenty delegated operators with 100 million multiplications."""
    given = {"count": 20, "delegated": 20, "macs": 100_000_000, "kernel": DOT_PRODUCTS} | changes
    return OperatorGroup.model_validate({"operator": operator, "types": types} | given)


def roofline(*, floor: float = 4.0, memory_bound: float = 0.0, float32: float = 10.0) -> Roofline:
    """The shortest time on a device with 40 billion multiplications per second in int8."""
    return Roofline(
        int8_gmacs=40,
        float32_gmacs=float32,
        gigabytes_per_second=5,
        arithmetic_ms=floor - memory_bound,
        memory_ms=memory_bound,
        floor_ms=floor,
        memory_bound_ms=memory_bound,
    )


def explained(
    *groups: OperatorGroup,
    export: ExportKind = "int8",
    times: dict[str, float] | None = None,
    instructions: tuple[str, ...] = ("asimd",),
    **changes: object,
) -> str:
    """Return the explanation of a file that takes 5 ms on a Raspberry Pi."""
    surroundings = Surroundings(
        machine="aarch64",
        cores=4,
        memory_bytes=2**32,
        kernel="Linux 6",
        runtime="LiteRT 2.3.0",
        instructions=instructions,
    )
    profile = tuple(OperatorTime(operator=name, calls=1, mean_ms=each) for name, each in (times or {}).items())
    row = make_row(export, p50=5, surroundings=surroundings, operator_groups=groups or (group(),))
    row = row.model_copy(update={"operator_times": profile or None} | changes)
    return "\n".join(explain(row)).replace("\N{MULTIPLICATION SIGN}", "x")


def test_a_file_that_runs_as_it_should_has_no_cause() -> None:
    """Delegated, dot products, channels that fit, and a profile of convolutions."""
    assert explained(group(tile_macs=101_000_000), times={"Convolution (NHWC, QC8) IGEMM": 4.8, "Add": 0.2}) == ""


@pytest.mark.parametrize("changes", [{"emulated": True}, {"operator_groups": ()}])
def test_nothing_is_said_without_figures(changes: dict[str, object]) -> None:
    """Times of an emulated device mean nothing; an earlier evaluator has not described the operators."""
    row: ReportRow = make_row("int8", operator_groups=(group(kernel=NO_DOT_PRODUCTS),))
    assert explain(row)
    assert explain(row.model_copy(update=changes)) == ()


def test_the_share_of_the_roofline_says_whether_there_is_more_to_gain() -> None:
    """Below 80 % there may be; above, only less work helps."""
    half = explained(roofline=roofline(floor=2.0), roofline_share=0.4)
    assert half == (
        "It reaches 40 % of what the device can do with 1 thread: its convolutions and dense layers need 2.00 ms at "
        "the ceilings of the device, and an image takes 5.00 ms."
    )
    near = explained(roofline=roofline(floor=4.5), roofline_share=0.9)
    assert "only less work makes it faster (prune_channels, a smaller width or smaller images)." in near


def test_operators_that_are_not_delegated_are_named_with_their_time_and_a_cure() -> None:
    """16-bit activations, weights of four bits, and an operator without weights; not those that take no time."""
    said = explained(
        group(types="int16 x int8", delegated=0, kernel=None), times={"CONV_2D": 95, "Softmax (NC, F32)": 5}
    )
    assert said == (
        "20 of 20 CONV_2D (int16 x int8) are not delegated to XNNPACK: they run in the runtime's own kernels and take "
        "95 % of the profiled time. XNNPACK has no kernels for 16-bit activations: export int8 instead of int16x8."
    )
    said = explained(group(types="int8 x int4", delegated=18))
    assert "2 of 20 CONV_2D (int8 x int4) are not delegated" in said
    assert "weights of four bits: export int8 for speed." in said
    swish = group("HARD_SWISH", "int8", count=18, delegated=0, macs=0, kernel=None)
    assert "A network without this operator would be faster." in explained(
        group(), swish, times={"Convolution IGEMM": 9, "HARD_SWISH": 1}
    )
    assert explained(group(), swish, times={"Convolution IGEMM": 99, "HARD_SWISH": 1}) == ""


def test_missing_dot_products_are_told_for_int8() -> None:
    """If most of the arithmetic runs without them."""
    said = explained(group(kernel=NO_DOT_PRODUCTS))
    assert "The processor has no dot-product instructions (asimddp)" in said
    assert "Cortex-A76 of a Raspberry Pi 5 does in one. No export changes this; less arithmetic does" in said
    assert explained(group(kernel=NO_DOT_PRODUCTS, macs=1), group()) == ""


def test_channels_that_do_not_fit_the_tile_are_told_from_ten_percent_on() -> None:
    """With the kernel, and what to choose instead."""
    said = explained(group(tile_macs=130_000_000))
    assert said.startswith("Kernels compute 30 % more than the network needs")
    assert "(CONV_2D: int8 dot products (SDOT), tile of 16 outputs and 4 inputs). Use channels in" in said
    assert explained(group(tile_macs=109_000_000)) == ""


def test_a_file_that_waits_for_memory_is_told_to_get_smaller() -> None:
    """In int8 by fewer weights; in float32 by int8 as well."""
    found = roofline(memory_bound=3.0)
    said = explained(roofline=found)
    assert "Memory limits it, not arithmetic: 75 % of its shortest time is of operators that wait" in said
    assert "(5.00 GB/s, measured). More threads hardly help; fewer bytes do: prune_channels or a smaller width." in said
    assert "fewer bytes do: the export int8, prune_channels" in explained(export="float32", roofline=found)
    assert explained(roofline=roofline(memory_bound=1.0)) == ""


def test_float_arithmetic_is_told_by_how_much_int8_is_faster_here() -> None:
    """Measured on this device; where it is not, nothing is said."""
    in_float = group(types="float32 x float32", kernel="float32, tile of 8 outputs")
    said = explained(in_float, export="float32", roofline=roofline())
    assert "int8 arithmetic is 4.00x as fast on this device (40.0 against 10.0 billion multiplications" in said
    assert explained(in_float, export="float32", roofline=roofline(float32=30)) == ""


def test_float16_without_float16_arithmetic_is_told() -> None:
    """A Pi 4 has none, a Pi 5 has."""
    in_float = group(types="float32 x float32", kernel="float32, tile of 8 outputs")
    assert "no float16 arithmetic" in explained(in_float, export="float16")
    assert explained(in_float, export="float16", instructions=("asimd", "asimdhp")) == ""


def test_depthwise_convolutions_are_told_if_they_take_more_than_their_arithmetic() -> None:
    """40 % of the time for 5 % of the multiplications."""
    depthwise = group("DEPTHWISE_CONV_2D", macs=5_263_158)
    said = explained(group(), depthwise, times={"Convolution (NHWC, QC8) DWConv": 4, "Convolution (NHWC, QC8) GEMM": 6})
    assert "Depthwise convolutions take 40 % of the profiled time for 5 % of the multiplications" in said


def test_operators_without_weights_are_told_with_a_cure_for_normalizations() -> None:
    """The two that take longest; a network without multiplications has no normalization that stands alone."""
    times = {"Convolution IGEMM": 6, "Multiply (ND, QS8)": 2, "Add (ND, QS8)": 1.5, "Softmax": 0.5}
    said = explained(times=times)
    assert said == (
        "Operators without weights take 40 % of the profiled time, most of it in Multiply (ND, QS8) and Add (ND, QS8)."
    )
    multiplications = group("MUL", "int8", macs=0, count=10, delegated=10)
    assert "such as resnet18_postactivation, has none." in explained(group(), multiplications, times=times)
    scaling = group("MUL", "int8", macs=0, count=1, delegated=1)
    assert explained(group(), scaling, times=times) == said


@pytest.mark.parametrize(("measured", "end"), [(5.0, "."), (9.0, ", which is outside of this interval.")])
def test_a_predicted_latency_is_told_next_to_the_measured_one(measured: float, end: str) -> None:
    """The target, the prediction with its interval, and what was measured."""
    found = PredictedLatency(
        device="pi", export="int8", threads=1, target_ms=5.5, source_ms=12, ms=5.2, low_ms=4.2, high_ms=6.5,
        confidence=0.9,
    )  # fmt: skip
    latency = make_row("int8", p50=measured).latency_ms
    assert explained(predicted_latency=found, latency_ms=latency) == (
        "prune_channels was to reach 5.50 ms: the latency model of pi predicted 5.20 ms (4.20 ms to 6.50 ms for "
        f"90 % of networks; the whole network 12.0 ms), and {measured:.2f} ms were measured{end}"
    )
