"""What an evaluator does all day: ask for an evaluation, fetch its inputs, measure, report.

Nothing but being told to stop ends the loop. While gateway or network are away, it tries again after growing pauses.

- A lease that is lost ends the measurement before its next inference, and nothing is reported.
- Being told to stop ends it likewise, and is reported as a failure that can be retried: the evaluation then goes to the
  next device at once, rather than when the lease has run out.
- Whatever else goes wrong is reported as a failure.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from edgepress_common.alive import SignOfLife
from edgepress_common.artifacts import ArtifactRef
from edgepress_common.devices import Announcement, EvaluationLease
from edgepress_common.errors import EdgepressError, LeaseLostError, StepCancelledError
from edgepress_common.results import EvaluationResult
from edgepress_evaluator.cache import ArtifactCache
from edgepress_evaluator.callbacks import ShouldStop
from edgepress_evaluator.client import GatewayClient
from edgepress_evaluator.evaluate import Files
from edgepress_evaluator.failures import failure_of
from edgepress_evaluator.progress import Report
from edgepress_evaluator.renewal import LeaseRenewal
from edgepress_evaluator.retry import growing_pauses, until_available
from edgepress_evaluator.stop import StopRequest

# How long a report is offered to a gateway that is away. By then the lease is most likely with somebody else.
_REPORT_PATIENCE_SECONDS = 600

_log = logging.getLogger(__name__)


class Evaluate(Protocol):
    """Measures; see `edgepress_evaluator.evaluate.evaluate`."""

    def __call__(
        self, lease: EvaluationLease, files: Files, *, report: Report, should_stop: ShouldStop
    ) -> EvaluationResult:
        """See there."""
        ...


@dataclass(frozen=True)
class Evaluator:
    """The loop and what it works with.

    Attributes:
        client: The gateway.
        cache: Keeps what was fetched.
        evaluate: Measures.
        announcement: What the device says of itself.
        wait_seconds: How long one question for work may stand.
        stop: Whether the process was told to stop.
        pauses: Seconds between attempts while something is away, without end.
        alive: Given a sign whenever the gateway has answered.
        temperature_c: Of the processor at the moment, told with each question; None where nothing tells it.
    """

    client: GatewayClient
    cache: ArtifactCache
    evaluate: Evaluate
    announcement: Announcement
    wait_seconds: float
    stop: StopRequest
    pauses: Callable[[], Iterable[float]] = growing_pauses
    alive: SignOfLife = field(default_factory=lambda: SignOfLife(None))
    temperature_c: Callable[[], float | None] = lambda: None

    def run(self) -> None:
        """Goes on until it is told to stop."""
        while not self.stop.requested:
            try:
                lease = self._next_lease()
            except StepCancelledError:
                break
            if lease is not None:
                self.carry_out(lease)
        _log.info("stopped")

    def carry_out(self, lease: EvaluationLease) -> None:
        """Fetches, measures and reports one evaluation, keeping its lease meanwhile."""
        _log.info("evaluation %s, attempt %d: begun", lease.step_key, lease.attempt)
        with LeaseRenewal(self.client, lease, self.alive) as renewal:

            def should_stop() -> bool:
                return self.stop.requested or renewal.lost

            try:
                files = self._fetch(lease, should_stop)
                result = self.evaluate(lease, files, report=renewal.report, should_stop=should_stop)
                hand_in = partial(self.client.finish, lease, result)
            except Exception as error:  # noqa: BLE001 - whatever it is, the gateway is told
                _log.warning("evaluation %s: %s", lease.step_key, error, exc_info=not isinstance(error, EdgepressError))
                if renewal.lost:
                    return
                hand_in = partial(self.client.fail, lease, failure_of(error))
            self._report(hand_in)
        _log.info("evaluation %s, attempt %d: over", lease.step_key, lease.attempt)

    def _next_lease(self) -> EvaluationLease | None:
        for pause in self.pauses():
            try:
                warm = self.announcement.model_copy(update={"temperature_c": self.temperature_c()})
                with self.stop.interruptible():
                    lease = self.client.lease(warm, self.wait_seconds)
            except StepCancelledError:
                raise
            except EdgepressError as error:
                _log.warning("can't ask for work: %s; trying again in %.0f s", error, pause)
            else:
                self.alive.give()
                return lease
            self.stop.wait(pause)
        return None

    def _fetch(self, lease: EvaluationLease, should_stop: ShouldStop) -> Files:
        def wait(seconds: float) -> None:
            self.stop.wait(seconds)
            if should_stop():
                raise StepCancelledError("the lease was lost")

        def download(reference: ArtifactRef, target: Path) -> None:
            attempt = partial(self.client.download, reference, target, should_stop)
            until_available(attempt, pauses=self.pauses(), wait=wait)

        with self.stop.interruptible():
            model, images, labels = self.cache.fetch([lease.model, lease.images, lease.labels], download)
        return Files(model=model, images=images, labels=labels)

    def _report(self, hand_in: Callable[[], None]) -> None:
        try:
            until_available(hand_in, pauses=growing_pauses(_REPORT_PATIENCE_SECONDS), wait=self.stop.wait)
        except LeaseLostError as error:
            _log.warning("the lease was lost before the report: %s", error)
        except EdgepressError as error:
            _log.error("the report was not taken: %s", error)
