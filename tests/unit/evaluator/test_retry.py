"""Retries while a service is unavailable."""

import pytest

from edgepress_common.errors import InvalidInputError, UnavailableError
from edgepress_evaluator.retry import until_available


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
