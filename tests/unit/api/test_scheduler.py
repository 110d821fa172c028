"""The scheduler's round, with a list for Redis."""

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
            mailbox=self.broker,
            sender=self.broker,
            ahead=2,
            clock=lambda: self.now,
            wait=self.waited.append,
        )
        Workforce(database, ledger, now).announce()
        submission = Submission(database=database, fingerprints=Fingerprints(roots=()), ledger=ledger)
        self.job_id = submission.submit(small_spec(), now)

    def states(self) -> dict[str, str]:
        """Each worker's step by title."""
        with self.database.read() as session:
            rows = session.scalars(select(StepRow).where(StepRow.kind != "evaluation")).all()
            return {row.title: row.state for row in rows}


@pytest.fixture
def bench(database: Database, ledger: Ledger, now: datetime) -> Bench:
    """A scheduler with a job."""
    return Bench(database, ledger, now)


def names(step: RunStep) -> dict[str, object]:
    """What every event of a step says."""
    return {"step_key": step.step_key, "attempt": step.attempt, "worker": "w1"}


def finished(step: RunStep) -> StepFinished:
    """That a step is done."""
    outputs, result = made_up(step.parameters.kind)
    return StepFinished.model_validate(names(step) | {"outputs": outputs, "result": result})


def test_a_round_sends_what_is_ready_and_takes_in_what_is_done(bench: Bench) -> None:
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
    """Everything said twice, in the wrong order, gives what saying it once gives."""
    bench.scheduler.round()
    (pack,) = bench.broker.sent
    start, finish = StepStarted.model_validate(names(pack)), finished(pack)
    bench.broker.post(finish, start, finish, start)
    bench.scheduler.round()
    assert bench.states()["pack"] == "succeeded"
    assert len(bench.broker.sent) == 2


def test_what_is_no_event_is_dropped(bench: Bench) -> None:
    """Rubbish in the stream stops nothing, and does not stay there."""
    bench.scheduler.round()
    bench.broker.mail = {"0": b"rubbish", "1": b"", "2": b'{"type": "finished"}'}
    bench.broker.post(finished(bench.broker.sent[0]))
    bench.scheduler.round()
    assert bench.states()["pack"] == "succeeded"
    assert bench.broker.mail == {}


def test_a_worker_on_a_cancelled_step_is_told_to_stop(bench: Bench) -> None:
    """At its next sign of life."""
    bench.scheduler.round()
    (pack,) = bench.broker.sent
    cancel_job(bench.database, bench.ledger, bench.job_id, bench.now)
    bench.broker.post(StepProgress.model_validate(names(pack) | {"progress": Progress(fraction=0.5)}))
    bench.scheduler.round()
    assert bench.broker.stopped == [(pack.step_key, 1)]
    assert bench.states()["pack"] == "cancelled"


def test_a_step_given_back_goes_out_again_at_once(bench: Bench) -> None:
    """As a new attempt."""
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


def test_nobody_is_taken_for_dead_whose_word_is_waiting(bench: Bench) -> None:
    """What was said while no scheduler was there to hear it is taken in before leases are looked at."""
    bench.scheduler.round()
    (pack,) = bench.broker.sent
    bench.broker.post(StepStarted.model_validate(names(pack)))
    bench.scheduler.round()
    bench.now += timedelta(hours=1)
    bench.broker.post(finished(pack))
    bench.scheduler.round()
    assert bench.states()["pack"] == "succeeded"


def test_who_could_not_be_heard_has_a_lease_to_speak_in(bench: Bench) -> None:
    """After Redis was away, and likewise where the scheduler was: a worker that holds its result may hand it in."""
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


def test_a_device_is_noticed_while_redis_is_away(bench: Bench) -> None:
    """It speaks through the gateway."""
    workforce = Workforce(bench.database, bench.ledger, bench.now)
    while steps := workforce.take():
        for step in steps:
            workforce.finish(step)
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


def test_a_broker_that_is_away_is_waited_for(bench: Bench) -> None:
    """The scheduler neither stops nor spins, and goes on once it is back."""
    bench.broker.away = 3
    rounds = iter([False] * 5 + [True])
    bench.scheduler.run(lambda: next(rounds))
    assert bench.waited == [1.0, 1.0, 1.0]
    assert len(bench.broker.sent) == 1
