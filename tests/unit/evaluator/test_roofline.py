"""The shortest time of a file, worked out by hand."""

import pytest

from edgepress_evaluator.measure.calibration import Ceilings
from edgepress_evaluator.measure.operators import FileOperator
from edgepress_evaluator.measure.roofline import roofline

CEILINGS = Ceilings(macs_per_ms={"int8": 1e6, "float32": 2e5}, bytes_per_ms={1 << 20: 1e5, 1 << 22: 5e4, 1 << 25: 1e4})


def _layer(weights: str, macs: int, weight_bytes: int, activation_bytes: int = 0) -> FileOperator:
    return FileOperator("CONV_2D", "int8", weights, (1,), True, macs, weight_bytes, activation_bytes)


def test_each_operator_takes_the_longer_of_arithmetic_and_memory() -> None:
    """One is bound by its million multiplications, the other by 3 MB of weights; they add up."""
    found = roofline([_layer("int8", 2_000_000, 50_000), _layer("int8", 500_000, 3_000_000)], CEILINGS)

    # All weights have 3.05 MB, so that the bandwidth is that of 1 MiB and more.
    assert found.arithmetic_ms == pytest.approx(2.5)
    assert found.memory_ms == pytest.approx(0.5 + 30)
    assert found.floor_ms == pytest.approx(2 + 30)
    assert found.memory_bound_ms == pytest.approx(30)
    assert (found.int8_gmacs, found.float32_gmacs, found.gigabytes_per_second) == pytest.approx((1, 0.2, 0.1))


def test_float_arithmetic_has_a_ceiling_of_its_own() -> None:
    """Weights in float32 multiply in float32, also with few bytes."""
    assert roofline([_layer("float32", 1_000_000, 4)], CEILINGS).floor_ms == pytest.approx(5)


def test_operators_without_weights_are_left_out() -> None:
    """An addition adds nothing to the shortest time."""
    addition = FileOperator("ADD", "int8", None, (), True, 0, 0, 10**9)

    assert roofline([addition], CEILINGS).floor_ms == 0


@pytest.mark.parametrize(
    ("size", "expected"), [(0, 1e5), (1 << 20, 1e5), (1 << 23, 5e4), (1 << 25, 1e4), (1 << 30, 1e4)]
)
def test_bandwidth_is_that_of_data_of_the_size(size: int, expected: float) -> None:
    """That of the largest measured size up to it; of the smallest for less."""
    assert CEILINGS.bandwidth(size) == expected
