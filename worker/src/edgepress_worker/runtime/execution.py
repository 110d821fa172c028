"""Execution of a message: claims the step, runs it, and reports the result."""

import collections
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass

from pydantic import ValidationError

from edgepress_common import __version__
from edgepress_common.artifacts import ArtifactStore
from edgepress_common.errors import StoreUnavailableError
from edgepress_common.failure_reports import failure_of, is_disk_full
from edgepress_common.failures import FAILURES
from edgepress_common.messages import (
    AttemptName,
    Outputs,
    RunStep,
    StepFailed,
    StepFailure,
    StepFinished,
    StepReturned,
    StepStarted,
    WorkerEvent,
)
from edgepress_common.results import StepResult
from edgepress_worker.context import StepContext
from edgepress_worker.runtime.attempt import Attempt, WorkerStoppingError
from edgepress_worker.runtime.event_channel import EventChannel
from edgepress_worker.runtime.scratch import Scratch

logger = logging.getLogger(__name__)

_PAUSES = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)  # about ten minutes in total, for each attempt
_OWN_FAULT = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL")  # SIGKILL comes from the system instead
_LOG_LINES = 200
_MESSAGE_CHARACTERS = 2000  # pydantic lists every field that it does not understand

Work = Callable[[RunStep, StepContext], tuple[Outputs, StepResult]]


@dataclass(frozen=True)
class Executor:
    """Runs steps.

    Attributes:
        events: Event channel to the scheduler.
        store: Store of artifacts.
        scratch: Folders in which attempts save files for the next attempt.
        worker: Name of this worker.
        run: Function that does the work of a step; see `edgepress_worker.run`.
        worker_is_stopping: Function that returns whether the worker has been told to stop.
        working_on: Function that returns a context manager, entered while a step runs; see `Standby`.
        pauses: Pauses before each further try while a disk is full or the artifact store does not answer, in seconds.
        machine_id: The machine that the worker runs on, if known; see `edgepress_common.machine`.
    """

    events: EventChannel
    store: ArtifactStore
    scratch: Scratch
    worker: str
    run: Work
    worker_is_stopping: Callable[[], bool]
    working_on: Callable[[RunStep], AbstractContextManager[None]] = lambda _: nullcontext()
    pauses: Sequence[float] = _PAUSES
    machine_id: str | None = None

    def execute(self, step: RunStep) -> None:
        """Run a step, unless a worker has already claimed it; an error in the step is reported, not raised."""
        # Entered before the claim: a worker that is stopped just after the claim must know which step it has claimed.
        with self.working_on(step):
            self._execute(step)

    def _execute(self, step: RunStep) -> None:
        label = f"{step.parameters.kind} {step.step_key[:12]}, attempt {step.attempt}"
        names = {"step_key": step.step_key, "attempt": step.attempt, "worker": self.worker}
        if not self.events.claim(StepStarted.model_validate(names | {"machine_id": self.machine_id})):
            logger.info("dropped %s: it has been taken", label)
            return
        logger.info("begins %s", label)
        answer = self._answer(step, names)
        if isinstance(answer, StepFinished):
            with suppress(OSError):  # an answer that can't be saved can still be sent
                self.scratch.end(step.step_key, answer.model_dump_json())
        self.events.post(answer)
        self.events.hold(step)  # a duplicate of the message may be next in the queue
        logger.info("%s %s", answer.type, label)

    def refuse(self, step: AttemptName, reason: str) -> None:
        """Report a step that this version of the worker does not understand; a newer worker may get its next attempt.

        Args:
            step: Step and number of the attempt.
            reason: Part of the message that is not understood.
        """
        names = {"step_key": step.step_key, "attempt": step.attempt, "worker": self.worker}
        if self.events.claim(StepStarted.model_validate(names)):
            message = f"worker {self.worker!r} (version {__version__}) does not understand the step: {reason}"
            failure = StepFailure.of("unsupported", message[:_MESSAGE_CHARACTERS])
            logger.warning("%s", failure.message)
            self.events.post(StepFailed.model_validate(names | {"failure": failure}))

    def child_was_lost(self, step: AttemptName, how: str) -> None:
        """Report that the process that ran a step has died; its parent calls this at once, before the lease expires."""
        names = {"step_key": step.step_key, "attempt": step.attempt, "worker": self.worker}
        answer: WorkerEvent = (
            StepReturned.model_validate(names)
            if self.worker_is_stopping()
            else StepFailed.model_validate(names | {"failure": _killed(how)})
        )
        logger.warning("%s %s, attempt %d: %s", answer.type, step.step_key[:12], step.attempt, how)
        self.events.post_if_possible(answer)

    def _answered_before(self, step: RunStep, names: dict[str, object]) -> StepFinished | None:
        """Return the answer of an earlier attempt that was not received; None if no valid answer is saved."""
        saved = self.scratch.answer(step.step_key)
        if saved is None:
            return None
        with suppress(ValidationError):  # the answer was saved by another version
            answer = StepFinished.model_validate_json(saved)
            if all(self.store.has(output.sha256) for output in answer.outputs.values()):
                return answer.model_copy(update=names)
        self.scratch.forget(step.step_key)  # the new attempt uses the same folder
        return None

    def _answer(self, step: RunStep, names: dict[str, object]) -> WorkerEvent:
        attempt = Attempt(
            step,
            events=self.events,
            store=self.store,
            scratch=self.scratch.of(step.step_key),
            worker=self.worker,
            worker_is_stopping=self.worker_is_stopping,
        )
        with _last_lines() as log, attempt:
            try:
                self.scratch.clear(time.time())
                return self._patiently(attempt, lambda: self._finished(step, names, attempt))
            except WorkerStoppingError:
                return StepReturned.model_validate(names)
            except Exception as error:  # noqa: BLE001 - the job's owner must read any error
                logger.warning("failed: %s", error)
                return StepFailed.model_validate(names | {"failure": failure_of(error, log())})

    def _finished(self, step: RunStep, names: dict[str, object], attempt: Attempt) -> StepFinished:
        if answered := self._answered_before(step, names):
            return answered
        outputs, result = self.run(step, attempt)
        return StepFinished.model_validate(names | {"outputs": outputs, "result": result})

    def _patiently(self, attempt: Attempt, work: Callable[[], StepFinished]) -> StepFinished:
        """Do the work; while a disk is full or the artifact store does not answer, do it again after growing pauses."""
        for seconds in self.pauses:
            try:
                return work()
            except Exception as error:
                if is_disk_full(error):
                    awaited = "free space"
                elif isinstance(error, StoreUnavailableError):
                    awaited = "the artifact store"
                else:
                    raise
                why = failure_of(error).message
            logger.warning("%s; trying again in %g s", why, seconds)
            attempt.pause(seconds, f"waits for {awaited}: {why}")
        return work()


def _killed(how: str) -> StepFailure:
    """Return the failure of a step whose process died without a report.

    Args:
        how: Message from billiard, such as ``Worker exited prematurely: signal 9 (SIGKILL) Job: 3.``
    """
    if any(signal in how for signal in _OWN_FAULT):
        message = f"the process that ran the step crashed in a library ({how.removesuffix('.')})"
        return StepFailure.of("crashed", f"{message}. {FAILURES['crashed'].advice}", log=how)
    message = (
        f"the process that ran the step died ({how.removesuffix('.')}). If it was not stopped on purpose, the system "
        f"most likely ran out of memory. {FAILURES['killed'].advice}"
    )
    return StepFailure.of("killed", message, log=how)


@contextmanager
def _last_lines() -> Iterator[Callable[[], str]]:
    """Collect the last lines that are logged in this context, and return a function that joins them to one text."""
    lines: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
    handler = _Keeping(lines)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield lambda: "\n".join(lines)
    finally:
        root.removeHandler(handler)


class _Keeping(logging.Handler):
    def __init__(self, lines: collections.deque[str]) -> None:
        super().__init__()
        self._lines = lines
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))
