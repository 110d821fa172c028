"""Retries while the gateway or the network is unavailable."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from edgepress_common.errors import UnavailableError

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


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
