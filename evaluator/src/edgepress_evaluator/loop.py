"""The main loop of an evaluator: lease an evaluation, download its inputs, measure, report.

Only a stop request ends the loop. While the gateway or the network is unavailable, the loop retries after increasing
pauses.

- If the lease is lost, the measurement stops before its next inference, and nothing is reported.
- After a stop request, the measurement stops as well and is reported as a retryable failure, so that another device can
  take over the evaluation at once instead of after the lease has expired.
- If the disk is full or can't be written, the evaluation is given back without a failed attempt. The next requests name
  the problem, and the gateway leases nothing until it is gone.
- At the end, the last lease request is withdrawn: its answer may have been lost in the instant of the stop.
- All other errors are reported as failures.
"""

import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from edgepress_common.artifacts import ArtifactRef
from edgepress_common.bundle_files.decode import CodedFileError, decode_file
from edgepress_common.devices import Announcement, EvaluationLease
from edgepress_common.errors import EdgepressError, InvalidInputError, LeaseLostError, NotFoundError, StepCancelledError
from edgepress_common.failure_reports import failure_of
from edgepress_common.heartbeat import Heartbeat
from edgepress_common.messages import StepFailure
from edgepress_common.pauses import growing_pauses
from edgepress_common.results import EvaluationResult
from edgepress_evaluator.cache import ArtifactCache, DeviceProblemError
from edgepress_evaluator.callbacks import ShouldStop
from edgepress_evaluator.client import GatewayClient
from edgepress_evaluator.evaluate import Files
from edgepress_evaluator.progress import Report
from edgepress_evaluator.renewal import LeaseRenewal
from edgepress_evaluator.retry import until_available
from edgepress_evaluator.stop import StopRequest

_PROBLEM_CHARACTERS = 200  # as many as the gateway accepts

# How long a report is retried while the gateway is unavailable. After that, the lease has most likely expired.
_REPORT_PATIENCE_SECONDS = 600

_log = logging.getLogger(__name__)


class Evaluate(Protocol):
    """A function that measures; see `edgepress_evaluator.evaluate.evaluate`."""

    def __call__(
        self, lease: EvaluationLease, files: Files, *, report: Report, should_stop: ShouldStop
    ) -> EvaluationResult:
        """Measure a model; see `edgepress_evaluator.evaluate.evaluate`."""
        ...


@dataclass(frozen=True)
class Evaluator:
    """The main loop and its dependencies.

    Attributes:
        client: Client of the gateway.
        cache: Cache of downloaded artifacts.
        evaluate: Function that measures.
        announcement: What the device reports about itself.
        wait_seconds: Time that a lease request may wait for an evaluation.
        stop: The stop request of the process.
        pauses: Function that returns the pauses between retries in seconds, without end.
        heartbeat: Heartbeat, which beats while the loop makes progress.
        temperature_c: Function that returns the processor's temperature in degrees Celsius, which is sent with each
            lease request; None without a sensor.
    """

    client: GatewayClient
    cache: ArtifactCache
    evaluate: Evaluate
    announcement: Announcement
    wait_seconds: float
    stop: StopRequest
    pauses: Callable[[], Iterable[float]] = growing_pauses
    heartbeat: Heartbeat = field(default_factory=lambda: Heartbeat(None))
    temperature_c: Callable[[], float | None] = lambda: None

    def run(self) -> None:
        """Run until the process is asked to stop."""
        request, problem = uuid.uuid4().hex, self.cache.problem()
        while not self.stop.requested:
            try:
                lease = self._next_lease(request, problem)
            except StepCancelledError:
                break
            problem = self.cache.problem()
            if lease is not None:
                try:
                    self.carry_out(lease)
                except DeviceProblemError as error:
                    problem = str(error)
                    self._give_back(request, lease, problem)
                if not self.stop.requested:
                    request = uuid.uuid4().hex
        self._withdraw(request)
        _log.info("stopped")

    def carry_out(self, lease: EvaluationLease) -> None:
        """Download, measure and report one evaluation, and renew its lease meanwhile.

        Raises:
            DeviceProblemError: The inputs can't be stored; nothing has been reported.
        """
        _log.info("evaluation %s, attempt %d: started", lease.step_key, lease.attempt)
        with LeaseRenewal(self.client, lease, self.heartbeat) as renewal:

            def should_stop() -> bool:
                return self.stop.requested or renewal.lost

            try:
                files = self._fetch(lease, should_stop)
                result = self.evaluate(lease, files, report=renewal.report, should_stop=should_stop)
                hand_in = partial(self.client.finish, lease, result)
            except DeviceProblemError:
                raise
            except Exception as error:  # noqa: BLE001 - all other errors are reported to the gateway
                _log.warning("evaluation %s: %s", lease.step_key, error, exc_info=not isinstance(error, EdgepressError))
                if renewal.lost:
                    return
                hand_in = partial(self.client.fail, lease, failure_of(error))
            if not self._report(hand_in):
                message = "the gateway refused the result; the log of the evaluator has its reason"
                self._report(partial(self.client.fail, lease, StepFailure.of("implausible_result", message)))
        _log.info("evaluation %s, attempt %d: over", lease.step_key, lease.attempt)

    def _withdraw(self, request: str) -> bool:
        """Have the gateway give back what it has leased for a request, also if the answer was never received.

        Returns:
            Whether it has.
        """
        try:
            self.client.withdraw(request)
        except NotFoundError:
            _log.debug("the gateway is of an earlier release: a lease that it may just have given has to expire")
            return False
        except EdgepressError as error:
            _log.warning("the lease request could not be withdrawn: %s", error)
            return False
        return True

    def _give_back(self, request: str, lease: EvaluationLease, problem: str) -> None:
        _log.error("evaluation %s is given back: %s", lease.step_key, problem)
        if not self._withdraw(request):
            self._report(partial(self.client.fail, lease, StepFailure.of("disk_full", problem)))

    def _next_lease(self, request: str, problem: str | None = None) -> EvaluationLease | None:
        problem = None if problem is None else problem[:_PROBLEM_CHARACTERS]
        for pause in self.pauses():
            try:
                warm = self.announcement.model_copy(update={"temperature_c": self.temperature_c(), "problem": problem})
                with self.stop.interruptible():
                    lease = self.client.lease(warm, self.wait_seconds, request)
            except StepCancelledError:
                raise
            except EdgepressError as error:
                _log.warning("the lease request failed: %s; retrying in %.0f s", error, pause)
            else:
                self.heartbeat.beat()
                return lease
            self.stop.wait(pause)
        return None

    def _fetch(self, lease: EvaluationLease, should_stop: ShouldStop) -> Files:
        def wait(seconds: float) -> None:
            self.stop.wait(seconds)
            if should_stop():
                raise StepCancelledError("the lease was lost")

        def download(reference: ArtifactRef, target: Path) -> None:
            # What a coded file restores to is verified as a download is: the cache compares the SHA-256.
            coded = lease.coded.get(reference.sha256)
            if coded is not None and self._restore(coded, reference, target):
                return
            attempt = partial(self.client.download, reference, target, should_stop)
            until_available(attempt, pauses=self.pauses(), wait=wait)

        with self.stop.interruptible():
            wanted = {each.sha256 for each in lease.artifacts}
            coded = [each for sha256, each in lease.coded.items() if sha256 in wanted]
            fetched = self.cache.fetch((*coded, *lease.artifacts), download)
            of_model = lease.coded.get(lease.model.sha256)
            return replace(
                Files(*fetched[len(coded) :]), coded=None if of_model is None else self.cache.path_of(of_model)
            )

    def _restore(self, coded: ArtifactRef, restored: ArtifactRef, target: Path) -> bool:
        """Restore a file from its coded file, which has been fetched; return False if it can't be."""
        try:
            header = decode_file(self.cache.path_of(coded), target, most_bytes=restored.size_bytes)
        except CodedFileError as error:
            _log.warning("the coded file %s can't be decoded, the file itself is downloaded: %s", coded.sha256, error)
            return False
        if header.sha256 != restored.sha256:
            target.unlink()
        return header.sha256 == restored.sha256

    def _report(self, hand_in: Callable[[], None]) -> bool:
        """Hand in a report; return False if the gateway refuses its content."""
        try:
            until_available(hand_in, pauses=growing_pauses(_REPORT_PATIENCE_SECONDS), wait=self.stop.wait)
        except LeaseLostError as error:
            _log.warning("the lease was lost before the report: %s", error)
        except InvalidInputError as error:
            _log.error("the report was refused: %s", error)
            return False
        except EdgepressError as error:
            _log.error("the report was not taken: %s", error)
        return True
