"""Pauses between retries while a service is unavailable.

They grow, so that an outage costs its clients little. They are random, so that hundreds of boards that have lost the
gateway in the same instant do not ask for it in the same instants: each returns at a moment of its own.
"""

import random
from collections.abc import Callable, Iterator

_FIRST_SECONDS = 1.0
_LONGEST_SECONDS = 30.0


def growing_pauses(
    total_seconds: float = float("inf"), *, share: Callable[[], float] = random.random
) -> Iterator[float]:
    """Yield pauses in seconds, until they add up to the total.

    Each is between a quarter of a bound and the bound, which is 1 s at first, then twice the one before, and at most
    30 s. So each is at least as long as the last but one. With at least a half, the attempts of many clients after an
    outage of 12 s would come in waves, twice as high.

    Args:
        total_seconds: The total; without end by default.
        share: Returns a random number from 0 to 1.
    """
    bound = _FIRST_SECONDS
    while total_seconds > 0:
        pause = bound * (1 + 3 * share()) / 4
        yield pause
        total_seconds -= pause
        bound = min(2 * bound, _LONGEST_SECONDS)
