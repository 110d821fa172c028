"""The heartbeat of the worker process, from Celery's own loop that consumes messages from Redis.

While Redis is unavailable the loop stands still and so does the heartbeat; a child that computes for hours does not
delay it.
"""

from typing import Any

from celery import bootsteps

from edgepress_common.heartbeat import Heartbeat

_SECONDS = 5.0


def heartbeat_step(heartbeat: Heartbeat) -> type[bootsteps.StartStopStep]:
    """Return a Celery bootstep that beats at an interval."""

    class HeartbeatStep(bootsteps.StartStopStep):
        """See the module."""

        requires = ("celery.worker.components:Timer",)

        def start(self, parent: Any) -> None:
            """Begins."""
            parent.timer.call_repeatedly(_SECONDS, heartbeat.beat)

    return HeartbeatStep
