"""Throttling of the processor during a measurement."""

from collections.abc import Callable

import pytest

from edgepress_evaluator.measure.throttling import conditions_between, repeated_if_throttled


def _readings(*flags: int | None) -> Callable[[], int | None]:
    remaining = list(flags)
    return lambda: remaining.pop(0)


@pytest.mark.parametrize(
    ("before", "after", "conditions"),
    [
        (0, 0, ()),
        (0x50000, 0x50000, ()),  # long past
        (0x0, 0x1, ("under-voltage",)),
        (0x4, 0x0, ("throttled",)),
        (0x0, 0x20000, ("frequency capped",)),  # came and went in between
        (0x80000, 0xC0000, ("throttled",)),
        (0x0, 0x50005, ("under-voltage", "throttled")),
        (0x8, 0x8, ("soft temperature limit",)),
        (None, 0x1, None),
        (0x1, None, None),
    ],
)
def test_conditions_between_two_readings(
    before: int | None, after: int | None, conditions: tuple[str, ...] | None
) -> None:
    """Included are causes at the start, at the end and in between; not those of before."""
    assert conditions_between(before, after) == conditions


def test_undisturbed_measurement_is_kept() -> None:
    """Nothing held the processor back: one measurement."""
    measurements = iter(["first", "second"])

    kept = repeated_if_throttled(lambda: next(measurements), _readings(0, 0), on_repeat=pytest.fail)

    assert kept == ("first", ())


def test_throttled_measurement_is_repeated_once() -> None:
    """The second measurement is kept with its own throttling, even if it is throttled too."""
    measurements, repeats = iter(["first", "second", "third"]), []

    kept = repeated_if_throttled(
        lambda: next(measurements), _readings(0, 0x4, 0x4, 0xC), on_repeat=lambda: repeats.append(1)
    )

    assert kept == ("second", ("throttled", "soft temperature limit"))
    assert len(repeats) == 1


def test_repetition_that_is_undisturbed_is_unmarked() -> None:
    """Throttling of the discarded measurement is not reported for the kept one."""
    measurements = iter(["first", "second"])

    kept = repeated_if_throttled(
        lambda: next(measurements), _readings(0, 0x10000, 0x10000, 0x10000), on_repeat=lambda: None
    )

    assert kept == ("second", ())


def test_board_that_tells_nothing_is_measured_once() -> None:
    """No flags, no repetition, and no claim that nothing happened."""
    kept = repeated_if_throttled(lambda: "only", _readings(None, None), on_repeat=pytest.fail)

    assert kept == ("only", None)
