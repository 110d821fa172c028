"""A step whose artifact is missing or damaged is done again by itself; its readers wait."""

from datetime import datetime

import pytest
from sqlalchemy import select

from edgepress_api.database import Database, EventRow, JobRow, StepRow
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.jobs.submission import Submission
from edgepress_api.scheduler.loop import Scheduler
from edgepress_api.steps.ledger import Ledger
from edgepress_common.failures import FailureCode
from edgepress_common.messages import RunStep, StepFailed, StepFailure, StepFinished, StepStarted
from fakes.broker import ListBroker
from fakes.jobs import Workforce, made_up, small_spec

MODEL, IMAGES = "e" * 64, "a" * 64


class Bench:
    """A scheduler at work on one job, whose steps are done up to one."""

    def __init__(self, database: Database, ledger: Ledger, now: datetime) -> None:
        self.database, self.broker = database, ListBroker()
        self.scheduler = Scheduler(
            database=database,
            ledger=ledger,
            inbox=self.broker,
            sender=self.broker,
            ahead=2,
            clock=lambda: now,
            wait=lambda _: None,
        )
        Workforce(database, ledger, now).announce()
        submission = Submission(database=database, fingerprints=Fingerprints(roots=()), ledger=ledger)
        self.job_id = submission.submit(small_spec(), now)

    def sent(self) -> list[RunStep]:
        """Steps that were sent since the last look."""
        self.broker.sent.clear()
        self.scheduler.round()
        return list(self.broker.sent)

    def finish(self, step: RunStep) -> None:
        """Report that a step is done."""
        outputs, result = made_up(step.parameters.kind)
        self.broker.post(
            StepStarted(step_key=step.step_key, attempt=step.attempt, worker="w1"),
            StepFinished(step_key=step.step_key, attempt=step.attempt, worker="w1", outputs=outputs, result=result),
        )

    def lack(self, step: RunStep, artifact: str, code: FailureCode = "artifact_corrupt") -> None:
        """Report that a step can't read an artifact."""
        failure = StepFailure.of(code, f"artifact {artifact} is damaged", artifact=artifact)
        self.broker.post(StepFailed(step_key=step.step_key, attempt=step.attempt, worker="w1", failure=failure))

    def states(self) -> dict[str, tuple[str, int]]:
        """State and failed attempts of each worker's step, by title."""
        with self.database.read() as session:
            rows = session.scalars(select(StepRow).where(StepRow.kind != "evaluation")).all()
            return {row.title: (row.state, row.failures) for row in rows}


@pytest.fixture
def bench(database: Database, ledger: Ledger, now: datetime) -> Bench:
    """A scheduler with a job."""
    return Bench(database, ledger, now)


@pytest.mark.parametrize("code", ["artifact_corrupt", "artifact_missing"])
def test_the_step_that_gave_it_is_done_again_and_its_readers_wait(bench: Bench, code: FailureCode) -> None:
    """Noticed by one of two exports; the other has not begun. Neither has failed, and the job succeeds."""
    (pack,) = bench.sent()
    bench.finish(pack)
    (training,) = bench.sent()
    bench.finish(training)
    float32, int8 = bench.sent()

    bench.lack(float32, MODEL, code)
    (again,) = bench.sent()

    assert (again.step_key, again.attempt) == (training.step_key, training.attempt + 1)
    assert bench.states()["train"] == ("sent", 1)
    bench.lack(int8, MODEL, code)  # it was in the queue
    assert bench.sent() == []
    assert sorted(bench.states().values()) == [("sent", 1), ("succeeded", 0), ("waiting", 0), ("waiting", 0)]
    bench.finish(again)
    assert {step.step_key for step in bench.sent()} == {float32.step_key, int8.step_key}
    for step in list(bench.broker.sent):
        assert step.inputs["model"]["model"].sha256 == MODEL
        bench.finish(step)
    bench.scheduler.round()
    assert {state for state, _ in bench.states().values()} == {"succeeded"}


def test_an_event_says_so(bench: Bench) -> None:
    """The event is of the step that is done again, and names the artifact."""
    (pack,) = bench.sent()
    bench.finish(pack)
    (training,) = bench.sent()

    bench.lack(training, IMAGES)
    bench.sent()

    with bench.database.read() as session:
        events = session.scalars(select(EventRow).where(EventRow.type == "step").order_by(EventRow.id)).all()
        told = [event.data for event in events if event.data["step"] == pack.step_key and "reason" in event.data]
    assert [event["state"] for event in told][:2] == ["waiting", "ready"]
    assert IMAGES in str(told[0]["reason"])


def test_it_is_not_done_again_for_ever(bench: Bench) -> None:
    """On a disk that damages all data that is written, the reader fails in the end, and the job with it."""
    (pack,) = bench.sent()
    bench.finish(pack)
    made = 1
    for _ in range(30):
        for step in bench.sent():
            if step.parameters.kind == "pack":
                made += 1
                bench.finish(step)
            else:
                bench.lack(step, IMAGES)
    assert made == 3
    with bench.database.read() as session:
        job = session.scalars(select(JobRow)).one()
        assert job.state == "failed"
        assert IMAGES in (job.error or "")


def test_an_artifact_that_no_step_gave_fails_the_step(bench: Bench) -> None:
    """An upload can't be made again."""
    (pack,) = bench.sent()
    for _ in range(3):
        bench.lack(pack, "9" * 64)
        pack = (bench.sent() or [pack])[0]
    assert bench.states()["pack"] == ("failed", 3)
