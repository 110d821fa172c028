"""A line to the scheduler that ends in a list."""

from __future__ import annotations

from edgepress_common.messages import RunStep, WorkerEvent


class ListLine:
    """See `edgepress_worker.runtime.line.Line`; passes the same contract tests as Redis."""

    def __init__(self) -> None:
        self.events: list[WorkerEvent] = []
        self._claims: dict[str, int] = {}
        self._stopped: set[tuple[str, int]] = set()

    def claim(self, step: RunStep) -> bool:
        """True once per attempt, and never for an earlier one."""
        if self._claims.get(step.step_key, 0) >= step.attempt:
            return False
        self._claims[step.step_key] = step.attempt
        return True

    def post(self, event: WorkerEvent) -> None:
        """Keeps the event."""
        self.events.append(event)

    def post_if_possible(self, event: WorkerEvent) -> None:
        """Keeps the event."""
        self.events.append(event)

    def is_stopped(self, step: RunStep) -> bool:
        """Whether `stop` was called for this attempt."""
        return (step.step_key, step.attempt) in self._stopped

    def stop(self, step_key: str, attempt: int) -> None:
        """What the scheduler does."""
        self._stopped.add((step_key, attempt))
