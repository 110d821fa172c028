"""Only workers of a device's own machine rest while it measures; steps go to idle workers of other machines."""

from datetime import datetime, timedelta

import pytest

from edgepress_api.database import Database, StepRow
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.devices.leasing import lease_next
from edgepress_api.devices.reporting import LeaseName, report_progress
from edgepress_api.devices.resting import Rest
from edgepress_api.jobs.discarding import discard_result
from edgepress_api.jobs.submission import Submission
from edgepress_api.scheduler.loop import Scheduler
from edgepress_api.scheduler.places import Place, Places
from edgepress_api.steps.ledger import Ledger
from edgepress_common.devices import EvaluationLease
from edgepress_common.messages import LiveWorker, Progress, RunStep, StepFinished, StepStarted, queue_name
from fakes.broker import ListBroker
from fakes.jobs import ANNOUNCEMENT, evaluation_result, made_up, small_spec

PIPELINE = {"name": "base", "exports": ["int8"]}


def live(machine_id: str, *queues: str) -> LiveWorker:
    """Return a worker that is live, and processes both kinds of queues unless they are named."""
    names = queues or ("train", "convert")
    return LiveWorker(machine_id=machine_id, queues=(*names, *(f"{name}.{machine_id}" for name in names)))


class Stack:
    """A scheduler, workers on machines, and the device ``pi`` on the machine ``here``, with a clock."""

    def __init__(self, database: Database, ledger: Ledger, now: datetime) -> None:
        self.database, self.ledger, self.now = database, ledger, now
        self.broker = ListBroker()
        self.scheduler = Scheduler(
            database=database,
            ledger=ledger,
            inbox=self.broker,
            sender=self.broker,
            ahead=2,
            clock=lambda: self.now,
            wait=lambda _: None,
        )
        self.announcement = ANNOUNCEMENT.model_copy(update={"shares_cpu": True, "machine_id": "here"})
        self.jobs = 0
        assert self.ask() is None

    def ask(self, name: str = "pi", **changes: object) -> EvaluationLease | None:
        """A device asks for an evaluation."""
        announcement = self.announcement.model_copy(update=changes)
        return lease_next(self.database, self.ledger, name, announcement, self.now)

    def submit(self) -> None:
        """Submit another job, with steps of its own."""
        self.jobs += 1
        training = {"epochs": self.jobs}
        spec = small_spec(training=training, evaluation={"devices": ["pi"]}, pipelines=[PIPELINE])
        Submission(self.database, Fingerprints(roots=()), self.ledger).submit(spec, self.now)

    def round(self) -> list[RunStep]:
        """Run a round; return what was sent in it."""
        before = len(self.broker.sent)
        self.scheduler.round()
        return self.broker.sent[before:]

    def let_pass(self, seconds: int, lease: EvaluationLease | None = None) -> list[RunStep]:
        """Run a round every ten seconds, while a device keeps its lease if it has one; return what was sent."""
        sent = []
        for _ in range(0, seconds, 10):
            if lease is not None:
                name = LeaseName(device="pi", step_key=lease.step_key, attempt=lease.attempt)
                report_progress(self.database, self.ledger, name, Progress(fraction=0.5), self.now)
            sent += self.round()
            self.now += timedelta(seconds=10)
        return sent

    def start(self, step: RunStep, machine_id: str | None) -> None:
        """A worker starts a step; the next round reads it."""
        names = {"step_key": step.step_key, "attempt": step.attempt, "worker": "w", "machine_id": machine_id}
        self.broker.post(StepStarted.model_validate(names))

    def finish(self, step: RunStep) -> None:
        """A worker finishes a step; the next round reads it."""
        outputs, result = made_up(step.parameters.kind)
        names = {"step_key": step.step_key, "attempt": step.attempt, "worker": "w"}
        self.broker.post(StepFinished.model_validate(names | {"outputs": outputs, "result": result}))

    def measured(self, lease: EvaluationLease) -> None:
        """The device finishes its evaluation."""
        names = (lease.step_key, lease.attempt)
        with self.database.write() as session:
            assert self.ledger.finish(session, *names, outputs={}, result=evaluation_result(), now=self.now)

    def measure_again(self, lease: EvaluationLease) -> None:
        """The result of an evaluation is discarded, so that it waits for the device again."""
        discard_result(self.database, self.ledger, lease.step_key, self.now)

    def run_until_evaluation(self) -> None:
        """Workers finish all steps of the jobs so far."""
        while steps := self.round():
            for step in steps:
                self.finish(step)

    def machine_of(self, step: RunStep) -> str | None:
        """Return the machine that is stored with a step."""
        with self.database.read() as session:
            return session.get_one(StepRow, step.step_key).machine_id


@pytest.fixture
def stack(database: Database, ledger: Ledger, now: datetime) -> Stack:
    """A stack whose device can lease the evaluation of the first job; the training of the second is ready."""
    stack = Stack(database, ledger, now)
    stack.submit()
    stack.run_until_evaluation()
    stack.submit()
    return stack


def places(step: RunStep | None, *others: RunStep) -> list[tuple[str, str | None]]:
    """Return the kind of each step, and the machine that it was sent to."""
    return [(each.parameters.kind, each.machine_id) for each in (step, *others) if each is not None]


def test_only_workers_of_the_devices_machine_rest(stack: Stack) -> None:
    """While the device measures, an idle worker elsewhere gets the step; afterwards all workers can."""
    stack.broker.live = [live("here"), live("elsewhere")]
    lease = stack.ask()
    assert lease is not None
    (training,) = stack.round()
    assert places(training) == [("stage", "elsewhere")]
    stack.start(training, "elsewhere")
    stack.finish(training)
    (export,) = stack.round()
    assert places(export) == [("export", "elsewhere")]
    stack.measured(lease)
    stack.submit()
    (second,) = stack.round()
    assert places(second) == [("stage", None)]


def test_an_older_evaluation_comes_before_steps_of_a_newer_job_here_only(stack: Stack) -> None:
    """The device has not asked yet: workers elsewhere go on, and their steps do not delay its evaluation."""
    assert stack.round() == []
    stack.broker.live = [live("here"), live("elsewhere")]
    (training,) = stack.round()
    assert training.machine_id == "elsewhere"
    stack.start(training, "elsewhere")
    stack.round()
    assert stack.machine_of(training) == "elsewhere"
    assert stack.ask() is not None


@pytest.mark.parametrize(("machine_id", "delays"), [("here", True), (None, True), ("elsewhere", False)])
def test_a_step_delays_evaluations_of_its_machine(stack: Stack, machine_id: str | None, *, delays: bool) -> None:
    """While it is in the queue of all workers, of every machine; so does one of a worker that names no machine."""
    lease = stack.ask()
    assert lease is not None
    stack.measured(lease)
    (training,) = stack.round()
    stack.measure_again(lease)
    assert stack.ask() is None
    stack.start(training, machine_id)
    stack.round()
    assert (stack.ask() is None) == delays


def test_a_device_that_does_not_name_its_machine_rests_all_workers(stack: Stack) -> None:
    """An evaluator of an earlier release: nothing is sent while it measures, and it waits for every worker."""
    stack.broker.live = [live("here"), live("elsewhere")]
    lease = stack.ask(machine_id=None)
    assert lease is not None
    assert stack.round() == []
    stack.measured(lease)
    (training,) = stack.round()
    assert training.machine_id is None


def test_without_a_worker_elsewhere_steps_wait_as_before(stack: Stack) -> None:
    """On one machine nothing is sent while the device measures, and the step goes to all workers afterwards."""
    stack.broker.live = [live("here")]
    lease = stack.ask()
    assert lease is not None
    assert stack.round() == []
    stack.measured(lease)
    assert places(*stack.round()) == [("stage", None)]


def test_a_step_whose_worker_has_ended_goes_to_another_machine(stack: Stack) -> None:
    """After the time of a step that was not begun; until it begins, any machine may have it, so the device waits."""
    stack.broker.live = [live("elsewhere")]
    lease = stack.ask()
    assert lease is not None
    assert places(*stack.round()) == [("stage", "elsewhere")]
    stack.broker.live = [live("third")]
    assert stack.round() == []
    stack.now += timedelta(seconds=31)
    (again,) = stack.round()
    assert (again.machine_id, again.attempt, stack.machine_of(again)) == ("third", 1, None)
    stack.start(again, "third")
    stack.round()
    assert stack.machine_of(again) == "third"


def test_a_step_of_the_last_worker_elsewhere_goes_to_all_once_the_device_has_measured(stack: Stack) -> None:
    """Nothing is stuck: it waits for the device, but not for the worker."""
    stack.broker.live = [live("elsewhere")]
    lease = stack.ask()
    assert lease is not None
    (training,) = stack.round()
    stack.broker.live = []
    stack.now += timedelta(seconds=50)
    assert stack.round() == []
    stack.measured(lease)
    assert [(step.step_key, step.machine_id) for step in stack.round()] == [(training.step_key, None)]


def test_a_step_that_no_machine_begins_disturbs_no_measurement_and_is_not_stuck(stack: Stack) -> None:
    """Two workers elsewhere end, one after the other: the step waits for the measurement, and then comes first."""
    stack.broker.live = [live("elsewhere")]
    lease = stack.ask()
    assert lease is not None
    sent = stack.let_pass(20, lease)
    stack.broker.live = [live("third")]
    sent += stack.let_pass(20, lease)
    stack.broker.live = []
    sent += stack.let_pass(400, lease)
    assert [(step.machine_id, step.attempt) for step in sent] == [("elsewhere", 1), ("third", 1)]
    stack.measured(lease)
    stack.measure_again(lease)
    assert stack.ask() is None, "any machine may have the step"
    (again,) = stack.let_pass(1)
    assert (again.machine_id, again.attempt) == (None, 1)
    stack.start(again, "here")
    stack.finish(again)
    stack.round()
    assert stack.ask() is not None


def test_a_step_that_redis_lost_is_sent_to_the_same_machine_again(stack: Stack) -> None:
    """Its worker is live and idle, so the queue was lost; the step still counts for that machine alone."""
    stack.broker.live = [live("elsewhere")]
    assert stack.ask() is not None
    (training,) = stack.round()
    stack.now += timedelta(seconds=31)
    assert [(step.machine_id, step.attempt) for step in stack.round()] == [("elsewhere", 1)]
    assert stack.machine_of(training) == "elsewhere"


def test_a_step_that_failed_elsewhere_can_run_anywhere_again(stack: Stack) -> None:
    """The lease of a worker that was killed expires; the next attempt forgets its machine."""
    stack.broker.live = [live("elsewhere")]
    lease = stack.ask()
    assert lease is not None
    (training,) = stack.round()
    stack.start(training, "elsewhere")
    stack.round()
    stack.measured(lease)
    stack.now += timedelta(seconds=61)
    (again,) = stack.round()
    assert (again.attempt, again.machine_id, stack.machine_of(again)) == (2, None, None)


def test_a_device_that_went_offline_rests_no_workers(stack: Stack) -> None:
    """Its lease expires, and two minutes after its last request workers of its machine get steps."""
    assert stack.ask() is not None
    assert stack.round() == []
    stack.now += timedelta(minutes=3)
    assert places(*stack.round()) == [("stage", None)]


REST = Rest({"a": 5, "b": 0})


@pytest.mark.parametrize(
    ("job_number", "machine_id", "allowed"),
    [(4, "a", True), (5, "a", False), (0, "b", False), (9, "c", True), (4, None, False), (9, None, False)],
)
def test_each_machine_has_its_own_limit(job_number: int, machine_id: str | None, *, allowed: bool) -> None:
    """The queue of all workers is open to a job that every machine may take; a third machine takes all."""
    assert REST.allows(job_number, machine_id) == allowed


def test_an_unknown_machine_stands_for_all() -> None:
    """A device that may be on any machine limits each."""
    rest = Rest({None: 3, "a": 5})
    assert [rest.allows(number, machine) for number, machine in ((2, "b"), (3, "b"), (4, "a"))] == [True, False, False]


@pytest.mark.parametrize(
    ("workers", "begun", "queue", "expected"),
    [
        ([live("n")], [], "train", "n"),
        ([live("n")], [("train", "n")], "train", None),
        ([live("n")], [("convert", "n")], "train", None),  # one worker does one step, of either kind
        ([live("n"), live("n")], [("convert", "n")], "train", "n"),
        ([live("n", "convert"), live("n", "train")], [("train", "n")], "train", None),
        ([live("n", "convert"), live("n", "train")], [("train", "n")], "convert", "n"),
        ([live("n"), live("p")], [("train", "n")], "train", "p"),
        ([live("n"), live("p"), live("p")], [], "train", "p"),  # the machine with more idle workers
        ([live("here")], [], "train", None),
        ([live("n")], [("train", None)], "train", "n"),
    ],
)
def test_a_step_goes_to_a_machine_with_an_idle_worker(
    workers: list[LiveWorker], begun: list[tuple[str, str | None]], queue: str, expected: str | None
) -> None:
    """One that processes the queue; what was sent counts like what has begun."""
    for has_begun in (True, False):
        found = Places(Rest({"here": 0}), workers, ahead=2)
        for queue_begun, machine_id in begun:
            found.note(Place(queue_begun, machine_id), has_begun=has_begun)  # type: ignore[arg-type]
        chosen = found.choose(queue, 7)  # type: ignore[arg-type]
        assert (chosen and chosen.machine_id) == expected


def test_the_queue_of_all_workers_is_filled_ahead() -> None:
    """Up to the limit, without steps that have begun; the queues of machines are then not filled in addition."""
    found = Places(Rest({"here": 5}), [live("n")], ahead=1)
    shared = Place("train", None)
    found.note(shared, has_begun=True)
    assert found.choose("train", 4) == shared
    found.note(shared, has_begun=False)
    assert found.choose("train", 4) is None
    assert found.choose("train", 5) == Place("train", "n")


def test_queues_of_machines_have_names_of_their_own() -> None:
    """The queue of all workers keeps its name, which workers of earlier releases know."""
    assert queue_name("train", None) == "train"
    assert queue_name("train", "n") == "train.n"
