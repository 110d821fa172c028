"""From a message to its answer: claims a step, does it, says how it went."""

import collections
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass

from pydantic import ValidationError

from edgepress_common.artifacts import ArtifactStore
from edgepress_common.messages import (
    Outputs,
    RunStep,
    StepFailed,
    StepFinished,
    StepReturned,
    StepStarted,
    WorkerEvent,
)
from edgepress_common.results import StepResult
from edgepress_worker.context import StepContext
from edgepress_worker.runtime.attempt import Attempt, WorkerStoppingError
from edgepress_worker.runtime.failures import describe, describe_loss
from edgepress_worker.runtime.line import Line
from edgepress_worker.runtime.scratch import Scratch

logger = logging.getLogger(__name__)

_LOG_LINES = 200

Work = Callable[[RunStep, StepContext], tuple[Outputs, StepResult]]


@dataclass(frozen=True)
class Executor:
    """Does steps.

    Attributes:
        line: To the scheduler.
        store: Where artifacts are.
        scratch: What attempts save for the next.
        worker: This worker's name.
        run: Does the work of a step; see `edgepress_worker.run`.
        worker_is_stopping: Whether the worker has been told to end.
        working_on: Entered for as long as a step is worked on; see `Standby`.
    """

    line: Line
    store: ArtifactStore
    scratch: Scratch
    worker: str
    run: Work
    worker_is_stopping: Callable[[], bool]
    working_on: Callable[[RunStep], AbstractContextManager[None]] = lambda _: nullcontext()

    def execute(self, step: RunStep) -> None:
        """Does a step, unless somebody else does or has done; whatever happens in it is answered, never raised."""
        label = f"{step.parameters.kind} {step.step_key[:12]}, attempt {step.attempt}"
        names = {"step_key": step.step_key, "attempt": step.attempt, "worker": self.worker}
        if not self.line.claim(StepStarted.model_validate(names)):
            logger.info("dropped %s: it has been taken", label)
            return
        logger.info("begins %s", label)
        answer = self._answer(step, names)
        if isinstance(answer, StepFinished):
            with suppress(OSError):  # what can't be kept can still be said
                self.scratch.end(step.step_key, answer.model_dump_json())
        self.line.post(answer)
        self.line.hold(step)  # a double of the message may be next in the queue
        logger.info("%s %s", answer.type, label)

    def child_was_lost(self, step: RunStep, how: str) -> None:
        """The process that did a step has died in the middle of it; said by its parent, rather than by silence."""
        names = {"step_key": step.step_key, "attempt": step.attempt, "worker": self.worker}
        answer: WorkerEvent = (
            StepReturned.model_validate(names)
            if self.worker_is_stopping()
            else StepFailed.model_validate(names | {"failure": describe_loss(how)})
        )
        logger.warning("%s %s, attempt %d: %s", answer.type, step.step_key[:12], step.attempt, how)
        self.line.post_if_possible(answer)

    def _answered_before(self, step: RunStep, names: dict[str, object]) -> StepFinished | None:
        """The answer of an earlier attempt that was done and of which nobody has heard; None if there is none."""
        saved = self.scratch.answer(step.step_key)
        if saved is None:
            return None
        with suppress(ValidationError):  # of another version
            answer = StepFinished.model_validate_json(saved)
            if all(self.store.has(output.sha256) for output in answer.outputs.values()):
                return answer.model_copy(update=names)
        self.scratch.forget(step.step_key)  # its folder is that of a step under way again
        return None

    def _answer(self, step: RunStep, names: dict[str, object]) -> WorkerEvent:
        attempt = Attempt(
            step,
            line=self.line,
            store=self.store,
            scratch=self.scratch.of(step.step_key),
            worker=self.worker,
            worker_is_stopping=self.worker_is_stopping,
        )
        with _last_lines() as log, attempt, self.working_on(step):
            try:
                self.scratch.clear(time.time())
                if answered := self._answered_before(step, names):
                    return answered
                outputs, result = self.run(step, attempt)
            except WorkerStoppingError:
                return StepReturned.model_validate(names)
            except Exception as error:  # noqa: BLE001 - whatever it is, the job's owner must read it
                logger.warning("failed: %s", error)
                return StepFailed.model_validate(names | {"failure": describe(error, log)})
        return StepFinished.model_validate(names | {"outputs": outputs, "result": result})


@contextmanager
def _last_lines() -> Iterator[Callable[[], str]]:
    """Keeps the last lines that are logged meanwhile, and hands out what gives them as one text."""
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
