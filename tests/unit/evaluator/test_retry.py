"""Retries while a service is unavailable."""

import itertools

import pytest

from edgepress_common.errors import InvalidInputError, UnavailableError
from edgepress_evaluator.retry import growing_pauses, until_available


class Flaky:
    """A service that is unavailable a number of times, then answers."""

    def __init__(self, absences: int) -> None:
        self.absences = absences
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.absences:
            raise UnavailableError("away")
        return "here"


def test_pauses_double_up_to_half_a_minute() -> None:
    """Further pauses have the same length."""
    assert list(itertools.islice(growing_pauses(), 8)) == [1, 2, 4, 8, 16, 30, 30, 30]


def test_pauses_end_when_they_add_up() -> None:
    """Their sum is at least the total."""
    assert list(growing_pauses(10)) == [1, 2, 4, 8]


def test_attempts_go_on_until_it_is_there() -> None:
    """Each failed attempt is followed by a pause."""
    flaky, waited = Flaky(3), list[float]()

    assert until_available(flaky, pauses=[1, 2, 4, 8], wait=waited.append) == "here"
    assert waited == [1, 2, 4]


def test_last_attempts_error_is_told() -> None:
    """It is raised when the pauses are used up."""
    flaky = Flaky(10)

    with pytest.raises(UnavailableError, match="away"):
        until_available(flaky, pauses=[1, 2], wait=lambda _: None)
    assert flaky.calls == 3


def test_other_errors_end_the_attempts() -> None:
    """An error that is permanent is not retried."""

    def refuse() -> None:
        raise InvalidInputError("never")

    with pytest.raises(InvalidInputError):
        until_available(refuse, pauses=[1], wait=lambda _: pytest.fail("it waited"))
