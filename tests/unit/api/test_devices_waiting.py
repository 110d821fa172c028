"""Evaluations on named devices, and their state while a device is offline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from edgepress_api.database import Database, DeviceRow
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.devices.leasing import ONLINE_FOR, lease_next
from edgepress_api.devices.waiting import look_after_waiting
from edgepress_api.jobs.ending import retry_job
from edgepress_api.jobs.submission import Submission
from edgepress_api.jobs.views import show_job
from edgepress_api.steps.ledger import Ledger
from edgepress_common.answers.jobs import JobView, StepView
from edgepress_common.devices import Announcement, EvaluationLease
from fakes.jobs import Workforce, evaluation_result, small_spec

LABELS = {"pi4": ("rpi4", "arm64"), "pi5": ("rpi5", "arm64"), "box": ("x86_64",)}
DAY = timedelta(days=1)


@dataclass
class Lab:
    """Three devices, a clock, and a job whose models are ready to be measured."""

    database: Database
    ledger: Ledger
    now: datetime

    def __post_init__(self) -> None:
        self.began = self.now
        for device in LABELS:
            self.ask(device)

    def ask(self, device: str, problem: str | None = None) -> EvaluationLease | None:
        """The device asks for work."""
        announcement = Announcement(
            machine="m", cores=4, memory_bytes=1, runtime="LiteRT", labels=LABELS[device], problem=problem
        )
        return lease_next(self.database, self.ledger, device, announcement, self.now)

    def submit(self, devices: Sequence[str], exports: Sequence[str] = ("int8",)) -> str:
        """A job for these devices, with everything but its evaluations done."""
        submission = Submission(database=self.database, fingerprints=Fingerprints(roots=()), ledger=self.ledger)
        spec = small_spec(evaluation={"devices": list(devices)}, pipelines=[{"name": "base", "exports": list(exports)}])
        job_id = submission.submit(spec, self.now)
        workforce = Workforce(self.database, self.ledger, self.now)
        workforce.finish_all_steps()
        return job_id

    def finish(self, lease: EvaluationLease | None) -> None:
        """The device is done."""
        assert lease is not None
        with self.database.write() as session:
            assert self.ledger.finish(
                session, lease.step_key, lease.attempt, outputs={}, result=evaluation_result(), now=self.now
            )

    def look(self) -> None:
        """The scheduler looks."""
        look_after_waiting(self.database, self.ledger, self.now, began=self.began)

    def job(self, job_id: str) -> JobView:
        """The job as the outside sees it."""
        with self.database.read() as session:
            return show_job(session, job_id)

    def evaluations(self, job_id: str) -> dict[str, StepView]:
        """The job's evaluations, by title."""
        (pipeline,) = self.job(job_id).pipelines
        return {step.title: step for step in pipeline.steps if step.kind == "evaluation"}


@pytest.fixture
def lab(database: Database, ledger: Ledger, now: datetime) -> Lab:
    """A lab."""
    return Lab(database, ledger, now)


@pytest.mark.parametrize(
    ("selectors", "devices"),
    [
        (["pi4"], {"pi4"}),
        (["rpi5"], {"pi5"}),
        (["arm64"], {"pi4", "pi5"}),
        (["arm64", "pi4", "box"], {"pi4", "pi5", "box"}),
        (["any"], {"any"}),
        (["any", "rpi4"], {"any", "pi4"}),
    ],
)
def test_a_job_has_one_evaluation_for_each_device_it_names(
    lab: Lab, selectors: Sequence[str], devices: set[str]
) -> None:
    """Devices are selected by name or label, each once however often it is selected; any is the first that asks."""
    evaluations = lab.evaluations(lab.submit(selectors)).values()
    assert sorted(str(step.device) for step in evaluations) == sorted(devices)


def test_a_device_gets_only_what_is_for_it(lab: Lab) -> None:
    """Its own, and what is for any."""
    lab.submit(["pi4", "any"])
    taken = [lab.ask("box"), lab.ask("box"), lab.ask("pi4")]
    assert [None if lease is None else lease.parameters.device for lease in taken] == ["any", None, "pi4"]


def test_an_evaluation_waits_without_a_deadline_for_a_device_that_is_there(lab: Lab) -> None:
    """However long the device is busy with another."""
    job_id = lab.submit(["pi4"], exports=["int8", "float32"])
    assert lab.ask("pi4") is not None
    for _ in range(30):
        lab.now += timedelta(hours=1)
        with lab.database.write() as session:
            device = session.get(DeviceRow, "pi4")
            assert device is not None
            device.last_seen_at = lab.now  # as renewing does
        lab.look()
        assert {(step.state, step.due_at) for step in lab.evaluations(job_id).values() if step.holder is None} == {
            ("ready", None)
        }


def test_a_device_that_is_gone_leaves_its_evaluations_waiting_with_a_deadline(lab: Lab) -> None:
    """A day from when it was noticed, which does not move; the others' evaluations have none."""
    job_id = lab.submit(["pi4", "pi5"])
    lab.now += ONLINE_FOR
    lab.ask("pi5")
    noticed = lab.now
    for _ in range(3):
        lab.look()
        lab.now += timedelta(seconds=1)
    assert {title: step.due_at for title, step in lab.evaluations(job_id).items() if step.state == "ready"} == {
        "int8 on pi4": noticed + DAY
    }


def test_a_device_that_is_back_in_time_takes_what_waited(lab: Lab) -> None:
    """The evaluation runs normally; the deadline is also removed where the device is busy at first."""
    job_id = lab.submit(["pi4"], exports=["int8", "float32"])
    lab.now += ONLINE_FOR
    lab.look()
    lab.now += timedelta(hours=23)
    lab.look()
    first = lab.ask("pi4")
    lab.look()
    assert [step.due_at for step in lab.evaluations(job_id).values() if step.state == "ready"] == [None]
    lab.finish(first)
    lab.finish(lab.ask("pi4"))
    assert lab.job(job_id).state == "succeeded"


def test_a_device_that_stays_away_fails_its_evaluations_alone(lab: Lab) -> None:
    """The error names the device and since when it is offline; other results stay, and a retry waits again."""
    job_id = lab.submit(["pi4", "box"])
    lab.finish(lab.ask("box"))
    lab.now += ONLINE_FOR
    lab.look()
    lab.now += DAY
    lab.look()
    evaluations = lab.evaluations(job_id)
    failure = evaluations["int8 on pi4"].failure
    assert failure is not None
    assert failure.code == "device_offline"
    assert "device 'pi4' has not been heard of since 2026-01-01 00:00 UTC" in failure.message
    assert "waited 24 h" in failure.message
    job = lab.job(job_id)
    assert job.state == "partly_succeeded"
    assert job.error == f"int8 on pi4: {failure.message}"
    retry_job(lab.database, lab.ledger, job_id, lab.now)
    lab.look()
    assert lab.evaluations(job_id)["int8 on pi4"].due_at == lab.now + DAY
    lab.finish(lab.ask("pi4"))
    assert lab.job(job_id).state == "succeeded"


def test_a_device_with_a_problem_is_waited_for_like_one_that_is_gone(lab: Lab) -> None:
    """It sends requests all the time. After a day its evaluations fail, with its words; ``any`` waits for others."""
    job_id = lab.submit(["pi4", "any"])
    lab.ask("pi4", problem="the disk is full")
    lab.look()
    due = {step.title: step.due_at for step in lab.evaluations(job_id).values()}
    assert due == {"int8 on pi4": lab.now + DAY, "int8 on any": None}
    lab.now += DAY
    lab.ask("pi4", problem="the disk is full")
    lab.ask("pi5")
    lab.look()
    failed = lab.evaluations(job_id)["int8 on pi4"].failure
    assert failed is not None
    assert failed.code == "device_offline"
    assert failed.message.startswith("device 'pi4' can't measure; it reported: the disk is full; the evaluation has")


def test_any_waits_only_when_no_device_is_there(lab: Lab) -> None:
    """It fails when no device has come online."""
    job_id = lab.submit(["any"])
    lab.now += ONLINE_FOR
    lab.look()
    assert lab.evaluations(job_id)["int8 on any"].due_at == lab.now + DAY
    lab.now += DAY
    lab.look()
    failure = lab.evaluations(job_id)["int8 on any"].failure
    assert failure is not None
    assert failure.message.startswith("no device has been heard of since 2026-01-01 00:00 UTC")


def test_devices_are_not_given_up_before_they_could_speak(lab: Lab) -> None:
    """After Edgepress was off for a weekend, deadlines have passed before any device could send a heartbeat."""
    job_id = lab.submit(["pi4"])
    lab.now += ONLINE_FOR
    lab.look()
    lab.now += 3 * DAY
    lab.began = lab.now
    lab.look()
    assert lab.evaluations(job_id)["int8 on pi4"].state == "ready"
    lab.now += ONLINE_FOR
    lab.look()
    assert lab.evaluations(job_id)["int8 on pi4"].state == "failed"


def test_a_device_that_dies_while_it_measures_leaves_its_evaluation_waiting(lab: Lab) -> None:
    """When its lease has expired, the evaluation waits as for any other offline device."""
    job_id = lab.submit(["pi4"])
    assert lab.ask("pi4") is not None
    lab.now += ONLINE_FOR
    with lab.database.write() as session:
        assert lab.ledger.expire(session, lab.now) == 1
    lab.look()
    step = lab.evaluations(job_id)["int8 on pi4"]
    assert (step.state, step.due_at) == ("ready", lab.now + DAY)
