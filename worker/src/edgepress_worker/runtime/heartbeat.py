"""The heartbeats of the worker process, from Celery's own loop that consumes messages from Redis.

While Redis is unavailable the loop stands still and so do the heartbeats; a child that computes for hours does not
delay them.
"""

from collections.abc import Callable
from typing import Any

from celery import bootsteps

_SECONDS = 5.0


def heartbeat_step(*beats: Callable[[], object]) -> type[bootsteps.StartStopStep]:
    """Return a Celery bootstep that calls functions at an interval."""

    class HeartbeatStep(bootsteps.StartStopStep):
        """See the module."""

        requires = ("celery.worker.components:Timer",)

        def start(self, parent: Any) -> None:
            """Begins."""
            for beat in beats:
                parent.timer.call_repeatedly(_SECONDS, beat)

    return HeartbeatStep
