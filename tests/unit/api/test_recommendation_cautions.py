"""What to be careful about: each said where it is so, and not where it is not."""

import pytest

from edgepress_api.recommendation.recommending import recommend
from edgepress_api.report.document import ReportRow
from edgepress_common.results import Latency, Surroundings
from edgepress_common.spec import Goals
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


def test_float16_on_a_pi_4_is_no_faster_and_why() -> None:
    """With both times; a processor that does gain is not warned of."""
    rows = [make_row("float32", p50=71.3, surroundings=PI4), make_row("float16", p50=72.9, surroundings=PI4)]
    assert (
        "float16 is half the size and no faster here (72.9 ms against 71.3 ms, base): this processor has no arithmetic "
        "in float16 (ARMv8.2 has)."
    ) in cautions(*rows)
    elsewhere = [make_row("float32", p50=5), make_row("float16", p50=11.9)]
    assert "weights are widened to float32 first" in cautions(*elsewhere)
    assert "float16" not in cautions(make_row("float32", p50=10), make_row("float16", p50=5))


def test_int8_without_gain_means_fallback_kernels() -> None:
    """Under one and a half."""
    said = cautions(make_row("float32", p50=30), make_row("int8", p50=25))
    assert "int8 gains little in time here: 1.20x for base (25.0 ms against 30.0 ms)" in said
    assert "fallback kernels" in said
    assert "int8" not in cautions(make_row("float32", p50=30), make_row("int8", p50=20))


def test_int16x8_without_kernels_is_told() -> None:
    """Where it is slower than float32."""
    assert "int16x8 has no optimised kernels here: 17.2x slower than float32 (86.0 ms against 5.00 ms)" in cautions(
        make_row("float32", p50=5), make_row("int16x8", p50=86)
    )
    assert "int16x8" not in cautions(make_row("float32", p50=5), make_row("int16x8", p50=4))


def test_shared_values_shrink_only_the_zip() -> None:
    """Said of the smallest that has them."""
    row = make_row("int8", pipeline="CQAT", size_bytes=11_200_000, zip_bytes=4_000_000, method="cluster")
    said = cautions(make_row("int8"), row)
    assert "Shared values shrink only the zip: CQAT int8 is 4.00 MB to send, and 11.2 MB on the device's disk." in said
    assert "Shared values" not in cautions(make_row("int8"))


def test_zeros_left_out_bring_no_speed() -> None:
    """Said where a file has them left out."""
    assert "not faster" in cautions(make_row("float32", encoding="sparse"))
    assert "not faster" not in cautions(make_row("float32"))


def test_float_operators_in_an_int8_file_are_told() -> None:
    """It does not run on an accelerator for integers."""
    assert "base int8 has 3 operators that compute on floats" in cautions(make_row("int8", float_ops=3))


def test_a_throttled_board_is_told() -> None:
    """With what held it back."""
    said = cautions(make_row("int8", throttled=("under-voltage", "hot")), make_row("float32"))
    assert "Something held the processor back (under-voltage, hot) while base int8 was measured" in said


def test_times_that_vary_are_told() -> None:
    """A deadline is met by the slow ones."""
    unsteady = Latency(runs=50, mean=11, std=5, min=9, p50=10, p90=12, p99=31, max=40)
    assert "Times vary: of base int8 one image in a hundred takes 31.0 ms or more, where the median is 10.0 ms" in (
        cautions(make_row("int8", latency_ms=unsteady))
    )
    assert "Times vary" not in cautions(make_row("int8"))


def test_few_runs_and_no_delegate_are_told() -> None:
    """Both make times that are not to be trusted."""
    few = Latency(runs=7, mean=10, std=0, min=10, p50=10, p90=10, p99=10, max=10)
    said = cautions(make_row("int8", latency_ms=few, surroundings=PI4.model_copy(update={"delegate": None})))
    assert "Times are of 7 inferences" in said
    assert "No delegate took any operator" in said


@pytest.mark.parametrize(("right_images", "test"), [(None, "Newcombe's interval"), ("AA==", "McNemar's exact test")])
def test_it_is_said_how_noise_was_told(right_images: str | None, test: str) -> None:
    """And of how many images, and how far the best accuracy can be trusted."""
    said = cautions(make_row("int8", right_images=right_images))
    assert test in said
    assert "Accuracies are of 360 images: the best, 98.33 %, could be 96.4 to 99.2 %." in said


def test_preferences_that_contradict_each_other_are_told() -> None:
    """With the ratio."""
    circle = [("accuracy", "latency"), ("latency", "size"), ("size", "accuracy")]
    preferences = [{"more": more, "than": than, "times": 9} for more, than in circle]
    assert "their consistency ratio is " in cautions(make_row("int8"), preferences=preferences)
    assert "consistency" not in cautions(make_row("int8"), preferences=[{**preferences[0], "times": 2}])


def test_an_emulators_times_are_not_looked_at() -> None:
    """Whatever they are."""
    rows = [make_row("float32", p50=1, emulated=True), make_row("int16x8", p50=500, emulated=True)]
    assert "int16x8" not in cautions(*rows)
