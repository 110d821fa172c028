"""Cautions of a recommendation: each is given where it applies, and nowhere else."""

import pytest

from edgepress_api.recommendation.recommending import recommend
from edgepress_common.answers.report import ReportRow
from edgepress_common.promises import KeptPromise
from edgepress_common.results import Latency, OperatorTime, Surroundings
from edgepress_common.spec import ExportKind, Goals
from fakes.reports import make_report, make_row

PI4 = Surroundings(
    board="Raspberry Pi 4 Model B Rev 1.4",
    cpu="Cortex-A72",
    machine="aarch64",
    cores=4,
    memory_bytes=2**32,
    kernel="Linux 6.6",
    runtime="LiteRT 2.3.0",
    delegate="XNNPACK",
)


def cautions(*rows: ReportRow, **goals: object) -> str:
    """All that is said of a device."""
    (device,) = recommend(rows, make_report().baselines, Goals.model_validate(goals)).devices
    return "\n".join(device.cautions).replace("\N{MULTIPLICATION SIGN}", "x")


def test_float16_on_a_pi_4_is_not_faster_and_why() -> None:
    """The caution has both times, and a cause only if processor or profile show one; one that gains has no caution."""
    rows = [make_row("float32", p50=71.3, surroundings=PI4), make_row("float16", p50=72.9, surroundings=PI4)]
    assert (
        "float16 is half the size and not faster here (72.9 ms against 71.3 ms, base, 1 thread). This processor has no "
        "float16 arithmetic (ARMv8.2 has)."
    ) in cautions(*rows)
    elsewhere = [make_row("float32", p50=5), make_row("float16", p50=11.9)]
    plain = cautions(*elsewhere)
    assert "(11.9 ms against 5.00 ms, base, 1 thread). The file is computed in float32 on every processor" in plain
    allowed = (KeptPromise(kind="float16_arithmetic", promised=1, found=1),)
    with_option = make_row("float16", p50=11.9, promises=allowed)
    assert cautions(elsewhere[0], with_option).endswith("(11.9 ms against 5.00 ms, base, 1 thread).")
    both = cautions(elsewhere[0], with_option, make_row("float16", p50=2, model_sha256="b" * 64))
    assert "float16 is half the size and not faster here (11.9 ms" in both
    widened = (OperatorTime(operator="DEQUANTIZE", calls=3, mean_ms=1),)
    assert "Its profile has 3 DEQUANTIZE operators" in cautions(
        elsewhere[0], make_row("float16", p50=11.9, operator_times=widened)
    )
    assert "float16" not in cautions(make_row("float32", p50=10), make_row("float16", p50=5))


def test_four_bits_bring_size_or_speed() -> None:
    """Which of the two is decided by the pair of files with the largest gain on the device."""
    rows = [make_row("int8", p50=20), make_row("int4", p50=26)]
    assert "int4 brings size here and no speed (26.0 ms against 20.0 ms, base, 1 thread)." in cautions(*rows)
    dense = [make_row("int8", pipeline="dense", p50=20), make_row("int4", pipeline="dense", p50=10)]
    said = cautions(*rows, *dense)
    assert "int4 brings speed here as well as size: 2.00x (10.0 ms against 20.0 ms, dense, 1 thread)." in said
    assert "no speed" not in said
    assert "int4" not in cautions(*rows[:1])


def test_another_board_under_the_same_name_is_told() -> None:
    """With both; a device that stayed the same is not warned of."""
    pi5 = PI4.model_copy(update={"board": "Raspberry Pi 5", "cpu": "Cortex-A76"})
    mixed = cautions(make_row("float32", surroundings=PI4), make_row("int8", surroundings=pi5))
    assert "different hardware" in mixed
    assert "Raspberry Pi 4 Model B Rev 1.4 and Raspberry Pi 5" in mixed
    assert "different hardware" not in cautions(
        make_row("float32", surroundings=PI4), make_row("int8", surroundings=PI4)
    )


def delegated(count: int) -> Surroundings:
    """A Raspberry Pi 4 whose delegate runs so many operators."""
    return PI4.model_copy(update={"delegated_operators": count})


def test_fallback_kernels_are_named_only_if_they_run_something() -> None:
    """The limit of int8's gain is a factor of one and a half; the delegate's share of the operators shows the cause."""
    said = cautions(make_row("float32", p50=30), make_row("int8", p50=25))
    assert "int8 is hardly faster than float32 here: 1.20x for base (25.0 ms against 30.0 ms, 1 thread)" in said
    assert "fallback" not in said
    operators = {"CONV_2D": 20, "SOFTMAX": 1}
    for count, cause in (
        (18, "The delegate runs 18 of its 21 operators; the runtime's own fallback kernels run the others."),
        (21, "Its delegate runs all 21 operators, so fallback kernels are not the cause."),
    ):
        slow = make_row("int8", p50=25, surroundings=delegated(count), operators=operators)
        assert cause in cautions(make_row("float32", p50=30), slow)
    assert "int8" not in cautions(make_row("float32", p50=30), make_row("int8", p50=20))


def test_only_equal_numbers_of_threads_are_compared() -> None:
    """Float32 with two threads is as fast as int8 with one: that says nothing about int8."""
    rows = [
        make_row("float32", p50=30, threads=1), make_row("float32", p50=15, threads=2),
        make_row("int8", p50=15, threads=1), make_row("int8", p50=8, threads=2),
    ]  # fmt: skip
    assert "int8" not in cautions(*rows)
    assert "int8" not in cautions(*rows[1:3])


def test_a_slow_int16x8_is_told() -> None:
    """The caution is given where it is slower than float32, with the kernels if they are known."""
    assert "int16x8 is 17.2x slower than float32 here (86.0 ms against 5.00 ms, 1 thread)." in cautions(
        make_row("float32", p50=5), make_row("int16x8", p50=86)
    )
    slow = make_row("int16x8", p50=86, surroundings=delegated(0), operators={"CONV_2D": 20})
    assert "The delegate runs 0 of its 20 operators" in cautions(make_row("float32", p50=5), slow)
    assert "int16x8" not in cautions(make_row("float32", p50=5), make_row("int16x8", p50=4))
    assert "int16x8" not in cautions(make_row("float32", p50=5), make_row("int16x8", p50=5.1))


EXPORTED: tuple[ExportKind, ...] = ("float32", "int8")


def test_a_busy_device_is_told() -> None:
    """The load that the measurements cause themselves is not; an unknown load neither."""
    loads = {load: PI4.model_copy(update={"load_average": load}) for load in (1.4, 3.2)}
    quiet = make_row("float32", surroundings=loads[1.4])
    assert "Other programs" not in cautions(quiet, make_row("int8", surroundings=PI4))
    said = cautions(quiet, make_row("int8", surroundings=loads[3.2]))
    assert (
        "Other programs used up to 2.2 processors while base int8 was measured. The device has 4: those latencies are "
        "higher and less certain."
    ) in said
    both = [make_row(export, surroundings=loads[3.2]) for export in EXPORTED]
    assert "while 2 of 2 files were measured" in cautions(*both)


def test_equal_work_in_unequal_times_is_told() -> None:
    """Two files with equal operators and shapes show how much other programs disturbed the measurements."""
    said = cautions(make_row("int8", p50=30, work="a"), make_row("int8", pipeline="pruned", p50=81, work="a"))
    assert "pruned int8 and base int8 compute the same, and differ by 2.70x (81.0 ms against 30.0 ms, 1 thread)" in said
    assert "disturbed" not in cautions(make_row("int8", work="a"), make_row("int8", pipeline="pruned", work="b", p50=9))
    assert "disturbed" not in cautions(make_row("int8", work="a"), make_row("int8", p50=5.1, work="a"))


def test_shared_values_shrink_only_the_zip() -> None:
    """Said of the smallest that has them."""
    row = make_row("int8", pipeline="CQAT", size_bytes=11_200_000, zip_bytes=4_000_000, method="cluster")
    said = cautions(make_row("int8"), row)
    assert (
        "Shared weights only reduce the zipped size: CQAT int8 is 4.00 MB to send and 11.2 MB on the device's disk."
    ) in said
    assert "Shared weights" not in cautions(make_row("int8"))


def test_zeros_left_out_bring_no_speed() -> None:
    """Said where a file has them left out."""
    assert "not faster" in cautions(make_row("float32", encoding="sparse"))
    assert "not faster" not in cautions(make_row("float32"))


def test_float_operators_in_an_int8_file_are_told() -> None:
    """It does not run on an accelerator for integers."""
    assert "base int8 has 3 operators that compute on floats" in cautions(make_row("int8", float_ops=3))


def test_a_throttled_board_is_told() -> None:
    """The caution names the causes."""
    said = cautions(make_row("int8", throttled=("under-voltage", "hot")), make_row("float32"))
    assert "The processor was throttled (under-voltage, hot) while base int8 was measured" in said


def test_times_that_vary_are_told() -> None:
    """A deadline is met by the slow ones."""
    unsteady = Latency(runs=50, mean=11, std=5, min=9, p50=10, p90=12, p99=31, max=40)
    assert "Latencies vary: for base int8, one image in a hundred takes 31.0 ms or more; the median is 10.0 ms" in (
        cautions(make_row("int8", latency_ms=unsteady))
    )
    assert "Latencies vary" not in cautions(make_row("int8"))


def test_few_runs_and_no_delegate_are_told() -> None:
    """Both make times less reliable."""
    few = Latency(runs=7, mean=10, std=0, min=10, p50=10, p90=10, p99=10, max=10)
    said = cautions(make_row("int8", latency_ms=few, surroundings=PI4.model_copy(update={"delegate": None})))
    assert "Latencies are of 7 inferences" in said
    assert "No delegate runs any operator" in said


@pytest.mark.parametrize(("right_images", "test"), [(None, "Newcombe's interval"), ("AA==", "McNemar's exact test")])
def test_it_is_said_how_noise_was_told(right_images: str | None, test: str) -> None:
    """The number of images and the uncertainty of the best accuracy are given too."""
    said = cautions(make_row("int8", right_images=right_images))
    assert test in said
    assert "measured on 360 validation images: the 95 % interval of the best, 98.33 %, is 96.4 to 99.2 %." in said


def test_preferences_that_contradict_each_other_are_told() -> None:
    """The caution contains the ratio."""
    circle = [("accuracy", "latency"), ("latency", "size"), ("size", "accuracy")]
    preferences = [{"more": more, "than": than, "times": 9} for more, than in circle]
    assert "their consistency ratio is " in cautions(make_row("int8"), preferences=preferences)
    assert "consistency" not in cautions(make_row("int8"), preferences=[{**preferences[0], "times": 2}])


def test_an_emulators_times_are_not_looked_at() -> None:
    """An emulator's times cause no caution, at any value."""
    rows = [make_row("float32", p50=1, emulated=True), make_row("int16x8", p50=500, emulated=True)]
    assert "int16x8" not in cautions(*rows)


def test_a_load_that_was_measured_counts_instead_of_the_average_before() -> None:
    """The load average includes the measurement before; what other programs used meanwhile does not."""
    busy, quiet = (PI4.model_copy(update={"load_average": 9.0, "other_load": load}) for load in (1.25, 0.1))
    said = cautions(make_row("float32", surroundings=quiet), make_row("int8", surroundings=busy))
    assert "Other programs used up to 1.2 processors while base int8 was measured." in said
    assert "load average" not in said
    assert "Other programs" not in cautions(make_row("float32", surroundings=quiet))


def test_a_device_that_was_slower_meanwhile_is_told_with_the_causes() -> None:
    """The reference file shows it, from 3 % on; reports of the device are named."""
    loaded = PI4.model_copy(update={"other_load": 0.7, "governor": "ondemand"})
    rows = [
        make_row("float32", surroundings=PI4, reference_ms=0.40),
        make_row("int8", surroundings=loaded, reference_ms=0.46),
    ]
    said = cautions(*rows)
    assert "The device was slower while base int8 was measured, by up to 15 %" in said
    assert "took 0.460 ms next to base int8, and 0.400 ms next to base float32." in said
    assert (
        "Possible causes: other programs used 0.7 processors; the frequency governor is ondemand, not performance."
    ) in said
    assert "The device reported no cause." in cautions(rows[0], make_row("int8", surroundings=PI4, reference_ms=0.46))
    assert "slower while" not in cautions(rows[0], make_row("int8", surroundings=PI4, reference_ms=0.41))
    assert "slower while" not in cautions(make_row("float32"), make_row("int8"))
