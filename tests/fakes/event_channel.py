"""An event channel that ends in a list."""

from __future__ import annotations

from edgepress_common.messages import AttemptName, RunStep, StepStarted, WorkerEvent


class ListEventChannel:
    """See `edgepress_worker.runtime.event_channel.EventChannel`; passes the same contract tests as Redis."""

    def __init__(self) -> None:
        self.events: list[WorkerEvent] = []
        self._claims: dict[str, int] = {}
        self._stopped: set[tuple[str, int]] = set()

    def claim(self, event: StepStarted) -> bool:
        """True once per attempt, and never for an earlier one."""
        if self._claims.get(event.step_key, 0) >= event.attempt:
            return False
        self._claims[event.step_key] = event.attempt
        self.events.append(event)
        return True

    def hold(self, step: RunStep) -> None:
        """Claims it, if the claim was lost."""
        self._claims[step.step_key] = max(step.attempt, self._claims.get(step.step_key, 0))

    def lose(self) -> None:
        """Lose all data, as when Redis is killed."""
        self._claims.clear()
        self.events.clear()

    def post(self, event: WorkerEvent) -> None:
        """Keeps the event."""
        self.events.append(event)

    def post_if_possible(self, event: WorkerEvent) -> None:
        """Keeps the event."""
        self.events.append(event)

    def is_stopped(self, step: AttemptName) -> bool:
        """Whether `stop` was called for this attempt."""
        return (step.step_key, step.attempt) in self._stopped

    def stop(self, step_key: str, attempt: int) -> None:
        """Ask the worker on an attempt to stop, as the scheduler does."""
        self._stopped.add((step_key, attempt))
