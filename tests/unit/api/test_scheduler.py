"""The scheduler's round, with a list for Redis."""

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from edgepress_api.database import Database, StepRow
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.devices.leasing import lease_next
from edgepress_api.jobs.ending import cancel_job
from edgepress_api.jobs.submission import Submission
from edgepress_api.scheduler.loop import Scheduler
from edgepress_api.steps.ledger import Ledger
from edgepress_common.messages import (
    Progress,
    RunStep,
    StepFinished,
    StepProgress,
    StepReturned,
    StepStarted,
)
from fakes.broker import ListBroker
from fakes.jobs import ANNOUNCEMENT, Workforce, made_up, small_spec


class Bench:
    """A scheduler at work on one job, and a clock."""

    def __init__(self, database: Database, ledger: Ledger, now: datetime) -> None:
        self.now = now
        self.database = database
        self.ledger = ledger
        self.broker = ListBroker()
        self.waited: list[float] = []
        self.scheduler = Scheduler(
            database=database,
            ledger=ledger,
            inbox=self.broker,
            sender=self.broker,
            ahead=2,
            clock=lambda: self.now,
            wait=self.waited.append,
        )
        Workforce(database, ledger, now).announce()
        submission = Submission(database=database, fingerprints=Fingerprints(roots=()), ledger=ledger)
        self.job_id = submission.submit(small_spec(), now)

    def states(self) -> dict[str, str]:
        """Return the state of each step by title."""
        with self.database.read() as session:
            rows = session.scalars(select(StepRow).where(StepRow.kind != "evaluation")).all()
            return {row.title: row.state for row in rows}


@pytest.fixture
def bench(database: Database, ledger: Ledger, now: datetime) -> Bench:
    """A scheduler with a job."""
    return Bench(database, ledger, now)


def names(step: RunStep) -> dict[str, object]:
    """Return the fields of every event of a step."""
    return {"step_key": step.step_key, "attempt": step.attempt, "worker": "w1"}


def finished(step: RunStep) -> StepFinished:
    """That a step is done."""
    outputs, result = made_up(step.parameters.kind)
    return StepFinished.model_validate(names(step) | {"outputs": outputs, "result": result})


def test_a_round_sends_what_is_ready_and_consumes_what_is_done(bench: Bench) -> None:
    """The next step's message brings its inputs' artifacts and results."""
    bench.scheduler.round()
    (pack,) = bench.broker.sent
    bench.broker.post(StepStarted.model_validate(names(pack)), finished(pack))
    bench.scheduler.round()
    training = bench.broker.sent[1]
    assert training.parameters.kind == "stage"
    assert set(training.inputs["pack"]) == {"train_images", "train_labels", "validation_images", "validation_labels"}
    assert training.input_results["pack"].kind == "pack"
    assert bench.broker.mail == {}


def test_doubled_and_late_events_change_nothing(bench: Bench) -> None:
    """Events that come twice and in the wrong order have the same effect as events that come once."""
    bench.scheduler.round()
    (pack,) = bench.broker.sent
    start, finish = StepStarted.model_validate(names(pack)), finished(pack)
    bench.broker.post(finish, start, finish, start)
    bench.scheduler.round()
    assert bench.states()["pack"] == "succeeded"
    assert len(bench.broker.sent) == 2


def test_what_is_not_an_event_is_dropped(bench: Bench) -> None:
    """Rubbish in the stream stops nothing, and does not stay there."""
    bench.scheduler.round()
    bench.broker.mail = {"0": b"rubbish", "1": b"", "2": b'{"type": "finished"}'}
    bench.broker.post(finished(bench.broker.sent[0]))
    bench.scheduler.round()
    assert bench.states()["pack"] == "succeeded"
    assert bench.broker.mail == {}


def test_a_worker_on_a_cancelled_step_is_told_to_stop(bench: Bench) -> None:
    """The answer to its next heartbeat says so."""
    bench.scheduler.round()
    (pack,) = bench.broker.sent
    cancel_job(bench.database, bench.ledger, bench.job_id, bench.now)
    bench.broker.post(StepProgress.model_validate(names(pack) | {"progress": Progress(fraction=0.5)}))
    bench.scheduler.round()
    assert bench.broker.stopped == [(pack.step_key, 1)]
    assert bench.states()["pack"] == "cancelled"


def test_a_step_given_back_goes_out_again_at_once(bench: Bench) -> None:
    """It is sent as a new attempt."""
    bench.scheduler.round()
    bench.broker.post(StepReturned.model_validate(names(bench.broker.sent[0])))
    bench.scheduler.round()
    assert [step.attempt for step in bench.broker.sent] == [1, 2]


def test_a_silent_worker_is_noticed(bench: Bench) -> None:
    """Once its lease is over, the step goes to another."""
    bench.scheduler.round()
    bench.broker.post(StepStarted.model_validate(names(bench.broker.sent[0])))
    bench.scheduler.round()
    bench.now += timedelta(seconds=59)
    bench.scheduler.round()
    assert len(bench.broker.sent) == 1
    bench.now += timedelta(seconds=2)
    bench.scheduler.round()
    assert [step.attempt for step in bench.broker.sent] == [1, 2]


def test_a_worker_with_a_message_in_the_inbox_is_not_considered_dead(bench: Bench) -> None:
    """Messages posted while the scheduler was stopped are consumed before leases are checked."""
    bench.scheduler.round()
    (pack,) = bench.broker.sent
    bench.broker.post(StepStarted.model_validate(names(pack)))
    bench.scheduler.round()
    bench.now += timedelta(hours=1)
    bench.broker.post(finished(pack))
    bench.scheduler.round()
    assert bench.states()["pack"] == "succeeded"


def test_workers_have_one_lease_to_answer_after_an_outage(bench: Bench) -> None:
    """After an outage of Redis or the scheduler, a worker has one lease to submit its result."""
    bench.scheduler.round()
    (pack,) = bench.broker.sent
    bench.broker.post(StepStarted.model_validate(names(pack)))
    bench.scheduler.round()
    bench.now += timedelta(minutes=10)
    bench.broker.away = 1
    rounds = iter([False] * 2 + [True])
    bench.scheduler.run(lambda: next(rounds))
    bench.now += timedelta(seconds=59)
    bench.scheduler.round()
    assert bench.states()["pack"] == "running"

    bench.now += timedelta(seconds=2)
    bench.scheduler.round()
    assert [step.attempt for step in bench.broker.sent] == [1, 2]


def test_a_device_is_noticed_while_redis_is_unavailable(bench: Bench) -> None:
    """It speaks through the gateway."""
    workforce = Workforce(bench.database, bench.ledger, bench.now)
    workforce.finish_all_steps()
    assert lease_next(bench.database, bench.ledger, "pi", ANNOUNCEMENT, bench.now) is not None
    bench.now += timedelta(seconds=61)
    bench.broker.away = 1
    rounds = iter([False, True])
    bench.scheduler.run(lambda: next(rounds))
    with bench.database.read() as session:
        states = session.scalars(select(StepRow.state).where(StepRow.kind == "evaluation")).all()
    assert set(states) == {"ready"}


def test_what_a_queue_lost_is_sent_again(bench: Bench) -> None:
    """The same attempt, so that a worker that has the first message after all drops the second."""
    bench.scheduler.round()
    bench.now += timedelta(seconds=31)
    bench.scheduler.round()
    assert [step.attempt for step in bench.broker.sent] == [1, 1]


def test_a_broker_that_is_unavailable_is_waited_for(bench: Bench) -> None:
    """The scheduler neither stops nor spins, and continues once the broker is available."""
    bench.broker.away = 3
    rounds = iter([False] * 5 + [True])
    bench.scheduler.run(lambda: next(rounds))
    assert bench.waited == [1.0, 1.0, 1.0]
    assert len(bench.broker.sent) == 1


def test_a_result_of_a_later_version_fails_the_step_with_words(bench: Bench) -> None:
    """The step fails before its lease expires; other unknown messages change nothing."""
    bench.scheduler.round()
    (pack,) = bench.broker.sent
    sent = finished(pack).model_dump(mode="json")
    of_a_later_version = [
        sent | {"type": "of_a_later_version"},
        sent | {"step_key": "no key"},
        sent | {"result": {"kind": "of_a_later_version"}},
    ]
    bench.broker.leave(*(json.dumps(message).encode() for message in of_a_later_version))
    bench.scheduler.round()
    with bench.database.read() as session:
        row = session.get_one(StepRow, pack.step_key)
        assert row.failure is not None
        assert (row.failure.code, row.state, row.attempt) == ("unsupported", "sent", 2)  # perhaps to a newer worker
        assert "of_a_later_version" in row.failure.message
