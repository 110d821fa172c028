"""Going on when the gateway or the network is away for a while."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from edgepress_common.errors import UnavailableError

Answer = TypeVar("Answer")

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0

_log = logging.getLogger(__name__)


def growing_pauses(total_seconds: float = float("inf")) -> Iterator[float]:
    """Seconds to wait between attempts: doubled each time up to half a minute, until they add up to the total."""
    pause = _FIRST_PAUSE_SECONDS
    while total_seconds > 0:
        yield pause
        total_seconds -= pause
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def until_available(act: Callable[[], Answer], *, pauses: Iterable[float], wait: Callable[[float], None]) -> Answer:
    """Acts until what it needs is there.

    Args:
        act: Raises `UnavailableError` when something outside is away.
        pauses: Seconds to wait after each attempt that failed; when they are used up, a last one is made.
        wait: Waits; whatever it raises ends the attempts.

    Raises:
        UnavailableError: By the last attempt.
    """
    for pause in pauses:
        try:
            return act()
        except UnavailableError as error:
            _log.warning("%s; trying again in %.0f s", error, pause)
            wait(pause)
    return act()
