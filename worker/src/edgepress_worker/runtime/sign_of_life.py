"""The worker's sign of life: given by Celery's own loop, which takes messages from Redis.

While Redis is away the loop stands, and so do the signs; a child that computes for hours does not hold them up.
"""

from typing import Any

from celery import bootsteps

from edgepress_common.alive import SignOfLife

_SECONDS = 5.0


def alive_step(alive: SignOfLife) -> type[bootsteps.StartStopStep]:
    """A part of a Celery worker that gives the signs."""

    class AliveStep(bootsteps.StartStopStep):
        """See the module."""

        requires = ("celery.worker.components:Timer",)

        def start(self, parent: Any) -> None:
            """Begins."""
            parent.timer.call_repeatedly(_SECONDS, alive.give)

    return AliveStep
