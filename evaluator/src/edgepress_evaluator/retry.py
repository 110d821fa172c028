"""Retries while the gateway or the network is unavailable."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from edgepress_common.errors import UnavailableError

Answer = TypeVar("Answer")

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0

_log = logging.getLogger(__name__)


def growing_pauses(total_seconds: float = float("inf")) -> Iterator[float]:
    """Yield pauses in seconds: each is twice the one before, at most 30, until they add up to the total."""
    pause = _FIRST_PAUSE_SECONDS
    while total_seconds > 0:
        yield pause
        total_seconds -= pause
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def until_available(act: Callable[[], Answer], *, pauses: Iterable[float], wait: Callable[[float], None]) -> Answer:
    """Call a function until the services that it needs are available.

    Args:
        act: Function that raises `UnavailableError` while a service is unavailable.
        pauses: Seconds to wait after each failed attempt. After the last pause, there is one more attempt.
        wait: Function that waits; if it raises, the retries end.

    Raises:
        UnavailableError: The last attempt failed.
    """
    for pause in pauses:
        try:
            return act()
        except UnavailableError as error:
            _log.warning("%s; retrying in %.0f s", error, pause)
            wait(pause)
    return act()
