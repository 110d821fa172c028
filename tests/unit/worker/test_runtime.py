"""Execution of a step by a worker."""

import errno
import itertools
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgepress_common.artifacts import FolderStore
from edgepress_common.errors import (
    BrokenPromiseError,
    ConversionError,
    DivergedError,
    EdgepressError,
    StepCancelledError,
    StoreUnavailableError,
    UnavailableError,
    UnreadableDatasetError,
)
from edgepress_common.messages import (
    Outputs,
    Progress,
    RunStep,
    StepFailed,
    StepFinished,
    StepProgress,
    StepStarted,
    WorkerEvent,
)
from edgepress_common.results import StepResult
from edgepress_common.spec import BuiltinDataset
from edgepress_common.steps import PackStep
from edgepress_worker.context import StepContext
from edgepress_worker.runtime.attempt import Attempt
from edgepress_worker.runtime.execution import Executor
from edgepress_worker.runtime.scratch import Scratch
from fakes.event_channel import ListEventChannel
from fakes.jobs import made_up

STEP = RunStep(
    step_key="a" * 64, attempt=1, parameters=PackStep(dataset=BuiltinDataset(image_size=32), fingerprint="digits")
)


Work = Callable[[RunStep, StepContext], tuple[Outputs, StepResult]]


class Worker:
    """An executor on a list, whose work is a function given by the test."""

    def __init__(self, folder: Path) -> None:
        self.line = ListEventChannel()
        self.folder = folder
        self.stopping = False
        self.pauses: tuple[float, ...] = ()

    def run(self, work: Work, step: RunStep = STEP) -> list[str]:
        """Executes the step and answers the types of the events since."""
        before = len(self.line.events)
        self.executor(work).execute(step)
        return [event.type for event in self.line.events[before:]]

    def executor(self, work: Work) -> Executor:
        """Return an executor of steps that does the given work."""
        return Executor(
            events=self.line,
            store=FolderStore(self.folder / "store"),
            scratch=Scratch(self.folder / "scratch"),
            worker="w1",
            run=work,
            worker_is_stopping=lambda: self.stopping,
            pauses=self.pauses,
        )


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    """A worker."""
    return Worker(tmp_path)


def succeed(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
    """Does nothing, well."""
    return made_up("pack")


def test_a_step_is_started_and_finished(worker: Worker) -> None:
    """Both events name the step, the attempt and the worker."""
    assert worker.run(succeed) == ["started", "finished"]
    assert {(event.step_key, event.attempt, event.worker) for event in worker.line.events} == {("a" * 64, 1, "w1")}


def test_a_step_of_a_later_version_is_refused_with_words(worker: Worker) -> None:
    """Rather than sent again and again; once per attempt, as any step."""
    executor = worker.executor(succeed)
    executor.refuse(STEP, "parameters.stage.of_a_later_version: Extra inputs are not permitted")
    executor.refuse(STEP, "once more")
    started, failed = worker.line.events
    assert isinstance(started, StepStarted)
    assert isinstance(failed, StepFailed)
    assert (failed.failure.code, failed.failure.retryable) == ("unsupported", True)
    assert "of_a_later_version" in failed.failure.message


def test_a_doubled_message_is_dropped(worker: Worker) -> None:
    """The same attempt is made once; an earlier one never again; a later one is."""
    assert worker.run(succeed, STEP.model_copy(update={"attempt": 2})) == ["started", "finished"]
    assert worker.run(succeed, STEP.model_copy(update={"attempt": 2})) == []
    assert worker.run(succeed, STEP) == []
    assert worker.run(succeed, STEP.model_copy(update={"attempt": 3})) == ["started", "finished"]


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (UnreadableDatasetError("30 of 100 images"), "unreadable_dataset", False),
        (BrokenPromiseError("a float operator is left"), "broken_promise", False),
        (DivergedError("the loss became nan in epoch 2"), "diverged", False),
        (ConversionError("can't write this network as int8"), "conversion_failed", False),
        (UnavailableError("no internet"), "unavailable", True),
        (EdgepressError("something of ours"), "internal", True),
        (MemoryError(), "out_of_memory", True),
        (type("ResourceExhaustedError", (Exception,), {})("OOM when allocating"), "out_of_memory", True),
        (type("ResourceExhaustedError", (Exception,), {})("/x; No space left on device"), "disk_full", True),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "disk_full", True),
        (ZeroDivisionError("division by zero"), "internal", True),
    ],
)
def test_an_error_becomes_a_failure(worker: Worker, error: Exception, code: str, *, retryable: bool) -> None:
    """Each error becomes a failed step with a code, and with whether another attempt could help."""

    def work(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
        raise error

    assert worker.run(work) == ["started", "failed"]
    event = worker.line.events[-1]
    assert isinstance(event, StepFailed)
    assert (event.failure.code, event.failure.retryable) == (code, retryable)
    assert event.failure.message


def test_a_failure_includes_the_end_of_the_log(worker: Worker) -> None:
    """Log lines of the step are in its failure; earlier ones are not."""
    logging.getLogger("edgepress").warning("before")

    def work(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
        logging.getLogger("edgepress").warning("the learning rate is very high")
        raise BrokenPromiseError("no")

    worker.run(work)
    event = worker.line.events[-1]
    assert isinstance(event, StepFailed)
    assert "the learning rate is very high" in event.failure.log
    assert "before" not in event.failure.log


def test_a_repeated_message_is_dropped_though_redis_was_killed_meanwhile(worker: Worker) -> None:
    """Its claims are lost, and the step was sent again before the scheduler received its begin."""

    def lose(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
        worker.line.lose()
        return made_up("pack")

    assert worker.run(lose) == ["finished"]
    assert worker.run(succeed) == []


def test_what_was_saved_is_there_for_the_next_attempt(worker: Worker) -> None:
    """After a failure; once the step is done, its answer alone is kept."""
    saved = worker.folder / "scratch" / STEP.step_key

    def save_and_break(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
        (context.scratch / "training").mkdir()
        (context.scratch / "training" / "epoch").write_text("1")
        (context.scratch / "model.h5").write_text("half")
        raise UnavailableError("away")

    def read(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
        assert (context.scratch / "training" / "epoch").read_text() == "1"
        return made_up("pack")

    assert worker.run(save_and_break) == ["started", "failed"]
    assert worker.run(read, STEP.model_copy(update={"attempt": 2})) == ["started", "finished"]
    assert [path.name for path in saved.iterdir()] == ["answer.json"]


def put_something(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
    """Does a step, with an artifact that is really there."""
    _, result = made_up("pack")
    return {"train_images": context.store.put_bytes(b"images")}, result


def never(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
    """Is not to be called."""
    raise AssertionError(step)


def test_what_is_done_is_answered_again_and_not_done_again(worker: Worker) -> None:
    """Redis has lost the word of it, and the step is given out again; the answer names the new attempt."""
    assert worker.run(put_something) == ["started", "finished"]
    first = worker.line.events[-1]

    assert worker.run(never, STEP.model_copy(update={"attempt": 2})) == ["started", "finished"]

    assert worker.line.events[-1] == first.model_copy(update={"attempt": 2})


def test_a_worker_killed_before_its_result_is_posted_loses_nothing(worker: Worker) -> None:
    """While Redis is unavailable it keeps the result, and may be killed; the next attempt has the result."""

    class Killed(ListEventChannel):
        def post(self, _: WorkerEvent) -> None:
            raise KeyboardInterrupt

    worker.line = Killed()
    with pytest.raises(KeyboardInterrupt):
        worker.run(put_something)
    worker.line = ListEventChannel()
    assert worker.run(never, STEP.model_copy(update={"attempt": 2})) == ["started", "finished"]


def test_a_result_without_its_artifacts_is_not_used(worker: Worker) -> None:
    """The step is done again in a new folder: garbage collection has removed the artifacts."""

    def put_again(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
        assert list(context.scratch.iterdir()) == []
        return put_something(step, context)

    assert worker.run(put_something) == ["started", "finished"]
    shutil.rmtree(worker.folder / "store")
    assert worker.run(put_again, STEP.model_copy(update={"attempt": 2})) == ["started", "finished"]
    event = worker.line.events[-1]
    assert isinstance(event, StepFinished)
    assert FolderStore(worker.folder / "store").has(event.outputs["train_images"].sha256)


def test_a_store_that_cannot_be_asked_is_said(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that can't be looked into fails the attempt, which is tried again; nothing is left unsaid."""

    def away(_store: FolderStore, _sha256: str) -> bool:
        raise UnavailableError("the store does not answer")

    assert worker.run(put_something) == ["started", "finished"]
    monkeypatch.setattr(FolderStore, "has", away)
    assert worker.run(never, STEP.model_copy(update={"attempt": 2})) == ["started", "failed"]
    event = worker.line.events[-1]
    assert isinstance(event, StepFailed)
    assert (event.failure.code, event.failure.retryable) == ("unavailable", True)
    monkeypatch.undo()
    assert worker.run(never, STEP.model_copy(update={"attempt": 3})) == ["started", "finished"]


def test_an_answer_is_kept_for_an_hour(worker: Worker) -> None:
    """It goes when another step is begun."""
    saved = worker.folder / "scratch" / STEP.step_key
    assert worker.run(succeed) == ["started", "finished"]
    for minutes, is_there in ((59, True), (61, False)):
        for path in (saved, *saved.iterdir()):
            os.utime(path, (then := time.time() - 60 * minutes, then))
        worker.run(succeed, STEP.model_copy(update={"step_key": "b" * 64, "attempt": minutes}))
        assert saved.exists() == is_there


def test_unused_scratch_folders_are_removed_after_two_weeks(tmp_path: Path) -> None:
    """New folders stay, and so do folders that do not belong to a step."""
    day = 24 * 3600
    for name in ("a" * 64, "b" * 64, "gpus"):
        (tmp_path / name / "training").mkdir(parents=True)
    (tmp_path / ("a" * 64) / "training" / "epoch").write_text("1")
    scratch, now = Scratch(tmp_path), time.time()

    scratch.clear(now + 13 * day)
    assert len(list(tmp_path.iterdir())) == 3
    os.utime(tmp_path / ("a" * 64) / "training" / "epoch", (now + 2 * day, now + 2 * day))
    scratch.clear(now + 15 * day)
    assert {path.name for path in tmp_path.iterdir()} == {"a" * 64, "gpus"}
    scratch.clear(now + 17 * day)
    assert {path.name for path in tmp_path.iterdir()} == {"gpus"}


def test_a_worker_that_is_stopped_gives_its_step_back(worker: Worker) -> None:
    """The step notices between two pieces of work; it has not failed."""

    def work(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
        worker.stopping = True
        context.raise_if_cancelled()
        pytest.fail("went on")

    assert worker.run(work) == ["started", "returned"]


def attempt_on(line: ListEventChannel, folder: Path) -> Attempt:
    """Return an attempt that sends a heartbeat every hundredth of a second."""
    return Attempt(
        STEP,
        events=line,
        store=FolderStore(folder),
        scratch=folder / "scratch",
        worker="w1",
        worker_is_stopping=lambda: False,
        beat_seconds=0.01,
    )


class WaitingLine(ListEventChannel):
    """Signals when the given number of progress messages has been posted."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.enough = threading.Event()
        self._count = count

    def post_if_possible(self, event: WorkerEvent) -> None:
        super().post_if_possible(event)
        if len(self.events) >= self._count:
            self.enough.set()


def test_heartbeats_come_while_the_step_computes(tmp_path: Path) -> None:
    """They carry the latest progress, whether or not it has changed, and end with the step."""
    line = WaitingLine(3)
    with attempt_on(line, tmp_path) as attempt:
        attempt.report(Progress(fraction=0.5, message="half"))
        assert line.enough.wait(10)
    count = len(line.events)
    event = line.events[-1]
    assert isinstance(event, StepProgress)
    assert event.progress.message == "half"
    assert not threading.Event().wait(0.05)
    assert len(line.events) == count


def test_the_end_of_an_epoch_is_said_at_once(tmp_path: Path) -> None:
    """Curves have every epoch, however short it is."""
    line = ListEventChannel()
    attempt = attempt_on(line, tmp_path)
    for epoch in (1, 1, 2, 3, 3):
        attempt.report(Progress(fraction=0, epoch=epoch))
    epochs = [event.progress.epoch for event in line.events if isinstance(event, StepProgress)]
    assert epochs == [1, 2, 3]


def test_a_stopped_attempt_notices(tmp_path: Path) -> None:
    """Once the scheduler has said stop, the next look raises."""
    line = WaitingLine(2)
    with attempt_on(line, tmp_path) as attempt:
        attempt.raise_if_cancelled()
        line.stop(STEP.step_key, STEP.attempt)
        assert line.enough.wait(10)
        with pytest.raises(StepCancelledError):
            look_for_ten_seconds(attempt)


def look_for_ten_seconds(attempt: Attempt) -> None:
    """Check for a stop, as a step does between its pieces of work."""
    for _ in range(1000):
        attempt.raise_if_cancelled()
        time.sleep(0.01)


def full(folder: Path) -> OSError:
    """Check for a stop, as a step does between its pieces of work."""
    return OSError(errno.ENOSPC, "No space left on device", str(folder / "weights.h5"))


def test_a_step_waits_for_free_space_before_it_fails(worker: Worker) -> None:
    """With growing pauses, within one attempt; its progress says what it waits for."""
    tries: list[float] = []
    worker.pauses = (0.01, 0.02, 0.04)

    def work(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
        tries.append(time.monotonic())
        if len(tries) <= 3:
            raise full(worker.folder)
        return made_up("pack")

    assert [kind for kind in worker.run(work) if kind != "progress"] == ["started", "finished"]
    pauses = [after - before for before, after in itertools.pairwise(tries)]
    assert len(pauses) == 3
    assert all(pause >= least for pause, least in zip(pauses, worker.pauses, strict=True))
    told = [event.progress.message for event in worker.line.events if isinstance(event, StepProgress)]
    assert told
    assert all(str(worker.folder / "weights.h5") in message for message in told)
    assert all(message.startswith("waits for free space: no space left on the disk mounted at /") for message in told)


def test_a_step_waits_for_the_artifact_store(worker: Worker) -> None:
    """An outage costs no attempt."""
    worker.pauses = (0.01, 0.01)
    errors: list[Exception] = [StoreUnavailableError("the artifact store s3://lab is unavailable: timed out")]

    def work(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
        if errors:
            raise errors.pop()
        return made_up("pack")

    assert [kind for kind in worker.run(work) if kind != "progress"] == ["started", "finished"]
    told = [event.progress.message for event in worker.line.events if isinstance(event, StepProgress)]
    assert "waits for the artifact store: the artifact store s3://lab is unavailable: timed out" in told


def test_a_saved_answer_waits_for_the_artifact_store_too(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that does not answer when a finished step is assigned again costs no attempt, and no work."""
    assert worker.run(put_something) == ["started", "finished"]
    has, errors = FolderStore.has, [StoreUnavailableError("the artifact store s3://lab is unavailable")]

    def away_once(store: FolderStore, sha256: str) -> bool:
        if errors:
            raise errors.pop()
        return has(store, sha256)

    monkeypatch.setattr(FolderStore, "has", away_once)
    worker.pauses = (0.01,)
    events = worker.run(never, STEP.model_copy(update={"attempt": 2}))
    assert [kind for kind in events if kind != "progress"] == ["started", "finished"]
    assert not errors


def test_a_disk_that_stays_full_fails_the_attempt_once(worker: Worker) -> None:
    """After all pauses, with the disk and the file named."""
    worker.pauses = (0.01, 0.01)

    def work(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
        raise full(worker.folder)

    assert worker.run(work)[-1] == "failed"
    event = worker.line.events[-1]
    assert isinstance(event, StepFailed)
    assert (event.failure.code, event.failure.retryable) == ("disk_full", True)
    assert str(worker.folder / "weights.h5") in event.failure.message


def test_a_step_that_waits_for_free_space_can_be_stopped(worker: Worker) -> None:
    """At once, however long the pause is."""
    worker.pauses = (3600,)

    def work(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
        worker.stopping = True
        raise full(worker.folder)

    assert worker.run(work)[-1] == "returned"


@pytest.mark.parametrize(("signal", "code"), [("9 (SIGKILL)", "killed"), ("11 (SIGSEGV)", "crashed")])
def test_a_crash_is_not_called_a_lack_of_memory(worker: Worker, signal: str, code: str) -> None:
    """The kernel kills by SIGKILL when memory runs out; a library that crashes does so by itself."""
    worker.executor(succeed).child_was_lost(STEP, f"Worker exited prematurely: signal {signal} Job: 3.")
    event = worker.line.events[-1]
    assert isinstance(event, StepFailed)
    assert (event.failure.code, "out of memory" in event.failure.message) == (code, code == "killed")
