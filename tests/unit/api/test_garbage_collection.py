"""Garbage collection: unreferenced artifacts are deleted, referenced and new ones stay, in either kind of store."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from edgepress_api.database import Base, Database, DatasetRow, EventRow, IdentityRow, JobRow, StepInputRow, StepRow
from edgepress_api.database.migrate import migrate
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.devices.leasing import lease_next
from edgepress_api.garbage_collection.collector import GarbageCollector
from edgepress_api.jobs.ending import cancel_job, delete_job
from edgepress_api.jobs.submission import Submission
from edgepress_api.scheduler.dispatch import choose_steps
from edgepress_api.steps.ledger import Ledger, Rules
from edgepress_common.answers.job_list import ACTIVE_STATES
from edgepress_common.artifacts import OWNER, ArtifactRef, ArtifactStore, FolderStore, StoredArtifact
from edgepress_common.artifacts.copies import LocalCopies
from edgepress_common.artifacts.s3 import S3Store
from edgepress_common.messages import RunStep
from fakes.jobs import ANNOUNCEMENT, evaluation_result, made_up, small_spec
from fakes.s3_server import new_bucket, s3_client
from fakes.tables import create_tables

LATER = timedelta(hours=2)
DAY = timedelta(days=1)


@dataclass
class Works:
    """A server whose workers really put what they make.

    Attributes:
        now: What its clock says, from the present moment on: stores go by the machine's own.
        put: Steps whose artifacts are in the store, and whose end has yet to be said.
    """

    database: Database
    store: ArtifactStore
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    retention: timedelta | None = None
    put: list[tuple[RunStep, dict[str, ArtifactRef]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        rules = Rules(lease=timedelta(seconds=60), resend_pause=timedelta(seconds=30), max_attempts=3)
        self.ledger = Ledger(rules)
        self.sent: list[RunStep] = []
        self._ask()
        self.cleaner = GarbageCollector(self.database, self.store, self.retention, clock=lambda: self.now)

    def submit(self, **changes: object) -> str:
        """A small job."""
        submission = Submission(database=self.database, fingerprints=Fingerprints(roots=()), ledger=self.ledger)
        return submission.submit(small_spec(**changes), self.now)

    def put_next(self) -> bool:
        """A worker makes what the next step gives."""
        self.sent += choose_steps(self.database, self.ledger, self.now, ahead=100)
        if not self.sent:
            return False
        step = self.sent.pop(0)
        names, _ = made_up(step.parameters.kind)
        # Seeds and names make no other bytes here: steps of different jobs give the same artifacts, as they may.
        self.put.append(
            (step, {name: self.store.put_bytes(f"{step.parameters.kind} {name}".encode()) for name in names})
        )
        return True

    def finish_next(self) -> bool:
        """The scheduler hears of it."""
        if not self.put:
            return False
        step, outputs = self.put.pop(0)
        _, result = made_up(step.parameters.kind)
        with self.database.write() as session:
            self.ledger.finish(session, step.step_key, step.attempt, outputs=outputs, result=result, now=self.now)
        return True

    def finished_job(self, **changes: object) -> str:
        """A job that is done."""
        job_id = self.submit(**changes)
        while self.put_next() or self.finish_next() or self._evaluate():
            pass
        return job_id

    def delete(self, job_id: str) -> None:
        """Its owner deletes a job."""
        delete_job(self.database, job_id)

    def kept(self) -> set[str]:
        """Return the names of the artifacts in the store."""
        return {each.sha256 for each in self.store.list_artifacts()}

    def needed(self) -> set[str]:
        """Return the names of the outputs of steps and of the data sets."""
        with self.database.read() as session:
            outputs = session.scalars(select(StepRow.outputs).where(StepRow.outputs.is_not(None))).all()
            uploads = session.scalars(select(DatasetRow.sha256)).all()
        return {reference.sha256 for each in outputs if each for reference in each.values()} | set(uploads)

    def count(self, table: type[Base]) -> int:
        """Rows of a table."""
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def _ask(self) -> None:
        assert lease_next(self.database, self.ledger, "pi", ANNOUNCEMENT, self.now) is None

    def _evaluate(self) -> bool:
        lease = lease_next(self.database, self.ledger, "pi", ANNOUNCEMENT, self.now)
        if lease is None:
            return False
        with self.database.write() as session:
            self.ledger.finish(
                session, lease.step_key, lease.attempt, outputs={}, result=evaluation_result(), now=self.now
            )
        return True


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    """A store of each kind."""
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    bucket = new_bucket(request.getfixturevalue("s3_endpoint"))
    return S3Store(bucket, LocalCopies(tmp_path / "copies", 1 << 30), lambda: s3_client(bucket))


@pytest.fixture
def works(database: Database, store: ArtifactStore) -> Works:
    """A server with nothing to do."""
    return Works(database, store)


@pytest.fixture
def folder_works(database: Database, tmp_path: Path) -> Works:
    """A gateway with artifacts in a folder."""
    return Works(database, FolderStore(tmp_path / "folder"))


def test_a_deleted_job_frees_all_that_only_it_needed(works: Works) -> None:
    """Rows and bytes; what was uploaded stays."""
    upload = works.store.put_bytes(b"archive")
    with works.database.write() as session:
        session.add(
            DatasetRow(sha256=upload.sha256, name="u", media_type="application/zip", size_bytes=7, created_at=works.now)
        )
    job_id = works.finished_job()
    works.now += LATER
    works.cleaner.collect()
    assert len(works.kept()) == 8
    works.delete(job_id)
    works.cleaner.collect()
    assert works.kept() == {upload.sha256}
    assert [works.count(table) for table in (JobRow, StepRow, StepInputRow, EventRow)] == [0, 0, 0, 0]


@pytest.mark.slow
def test_what_jobs_share_goes_with_the_last_of_them(works: Works) -> None:
    """Steps, and artifacts that several steps gave."""
    first = works.finished_job()
    second = works.finished_job(name="second", pipelines=[{"name": "base", "exports": ["float16"]}])
    works.now += LATER
    works.delete(first)
    works.cleaner.collect()
    assert works.kept() == works.needed()
    assert works.count(StepRow) == 4  # pack, train, float16, and its evaluation
    third = works.submit(name="third")
    assert works.put_next(), "an export that was forgotten is made again"
    cancel_job(works.database, works.ledger, third, works.now)
    works.delete(third)
    works.delete(second)
    works.cleaner.collect()
    works.now += LATER
    works.cleaner.collect()
    assert works.kept() == set()


@pytest.mark.slow
def test_what_a_running_job_needs_stays(works: Works) -> None:
    """This holds at each moment, also between an artifact and its message, however late that comes."""
    job_id = works.submit()
    for _ in range(20):
        works.put_next()
        works.now += LATER
        works.cleaner.collect()
        assert {reference.sha256 for _, outputs in works.put for reference in outputs.values()} <= works.kept()
        works.finish_next()
        works.cleaner.collect()
        assert works.needed() <= works.kept()
    with works.database.read() as session:
        assert session.scalar(select(StepRow.state).where(StepRow.title == "int8")) == "succeeded"
        assert session.scalar(select(JobRow.state).where(JobRow.id == job_id)) == "running"


def test_garbage_collection_runs_soon_after_a_deletion_and_hourly(folder_works: Works) -> None:
    """Unreferenced artifacts are found by the next run that is due, unless they are new."""
    works = folder_works
    works.cleaner.collect()
    orphan = works.store.put_bytes(b"orphan").sha256
    works.now += timedelta(minutes=59)
    works.cleaner.collect()
    assert works.kept() == {orphan}
    works.now += timedelta(minutes=2)
    works.cleaner.collect()
    assert works.kept() == set()


def test_another_databases_store_is_left_alone(
    folder_works: Works, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A gateway that was given the wrong database references none of the artifacts, and deletes none of them."""
    folder_works.finished_job()
    folder_works.cleaner.collect()
    kept = folder_works.kept()
    database = Database(f"sqlite:///{tmp_path}/wrong.db")
    migrate(database)
    wrong = Works(database, folder_works.store)
    wrong.now += DAY
    wrong.cleaner.collect()
    assert wrong.kept() == kept
    assert "belongs to the database" in caplog.text
    # Nor may it where nothing says whose it is, but things are there from before the database was.
    (tmp_path / "folder" / OWNER).unlink()
    with database.write() as session:
        session.execute(update(IdentityRow).values(created_at=wrong.now))
    wrong.finished_job()
    wrong.now += DAY
    wrong.cleaner.collect()
    assert wrong.kept() >= kept
    assert "has no owner" in caplog.text
    # And as its message says:
    with database.read() as session:
        name = session.scalars(select(IdentityRow.name)).one()
    (tmp_path / "folder" / OWNER).write_text(name)
    wrong.now += DAY
    wrong.cleaner.collect()
    assert wrong.kept() == wrong.needed()


def test_jobs_are_deleted_after_their_time(database: Database, tmp_path: Path) -> None:
    """The time counts from their end; running jobs, and jobs that ended recently, stay."""
    works = Works(database, FolderStore(tmp_path / "folder"), retention=30 * DAY)
    old = works.finished_job(name="old")
    works.now += 20 * DAY
    recent = works.finished_job(name="recent", training={"epochs": 3})
    active = works.submit(name="running", training={"epochs": 4})
    works.now += 10 * DAY + LATER
    works.cleaner.collect()
    with works.database.read() as session:
        assert set(session.scalars(select(JobRow.id))) == {recent, active}
    assert works.kept() == works.needed() != set()
    works.now += 3650 * DAY
    works.cleaner.collect()
    with works.database.read() as session:
        assert set(session.scalars(select(JobRow.id))) == {active}
    assert old != recent


class Interrupted(FolderStore):
    """A folder whose user is killed after a number of deletions, the first time."""

    removals_left = 10_000

    def remove(self, sha256: str, *, stored_before: datetime) -> bool:
        if self.removals_left == 0:
            self.removals_left = 10_000
            raise KeyboardInterrupt
        self.removals_left -= 1
        return super().remove(sha256, stored_before=stored_before)


@pytest.mark.slow
@pytest.mark.parametrize("removals", range(6))
def test_being_killed_in_between_leaks_nothing(database: Database, tmp_path: Path, removals: int) -> None:
    """The next garbage collection finds the artifacts, though the rows that named them are deleted."""
    store = Interrupted(tmp_path / "folder")
    works = Works(database, store)
    job_id = works.finished_job()
    works.now += LATER
    works.delete(job_id)
    store.removals_left = removals
    with pytest.raises(KeyboardInterrupt):
        works.cleaner.collect()
    assert len(works.kept()) == 7 - removals
    Works(database, store, now=works.now).cleaner.collect()
    assert works.kept() == set()


def test_a_put_that_was_killed_is_cleared_away_after_a_day(folder_works: Works, tmp_path: Path) -> None:
    """A process really killed in the middle of writing."""
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from edgepress_common.artifacts import FolderStore\n"
        "def chunks():\n"
        "    yield b'x' * 1_000_000\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "FolderStore(Path(sys.argv[1])).put_chunks(chunks())\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, tmp_path / "folder"], check=False)
    assert killed.returncode == -9
    works = folder_works
    assert works.kept() == set()
    works.now += LATER
    works.cleaner.collect()
    assert len(list((tmp_path / "folder" / "incoming").iterdir())) == 1
    works.now += DAY
    works.cleaner.collect()
    assert list((tmp_path / "folder" / "incoming").iterdir()) == []


class PutMeanwhile(FolderStore):
    """A folder into which another process puts an artifact just when it has been listed."""

    works: Works | None = None

    def list_artifacts(self) -> Iterator[StoredArtifact]:
        yield from super().list_artifacts()
        if self.works is not None:
            works, self.works = self.works, None
            works.put_next()
            works.finish_next()


def test_an_artifact_that_is_referenced_meanwhile_stays(database: Database, tmp_path: Path) -> None:
    """An old unreferenced artifact is made again by a step of a new job during garbage collection."""
    store = PutMeanwhile(tmp_path / "folder")
    works = Works(database, store)
    works.cleaner.collect()  # the store is this database's from now on
    works.delete(works.finished_job())
    for path in (tmp_path / "folder").rglob("*"):
        os.utime(path, (0, 0))
    works.submit(name="second", training={"epochs": 3})
    store.works = works
    works.cleaner.collect()
    assert works.needed() == works.kept() != set()


class Aged(FolderStore):
    """A folder that goes by a test's clock."""

    works: Works | None = None

    def put_bytes(self, content: bytes, media_type: str = "application/octet-stream") -> ArtifactRef:
        reference = super().put_bytes(content, media_type)
        if self.works is not None:
            os.utime(self._place(reference.sha256), (self.works.now.timestamp(),) * 2)
        return reference


ACTIONS = st.sampled_from(["submit", "put", "finish", "cancel", "delete", "clean", "hours", "lose", "evaluate"])


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happenings=st.lists(st.tuples(ACTIONS, st.integers(0, 5)), min_size=10, max_size=60))
def test_no_order_of_things_loses_what_is_needed(
    happenings: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Jobs are posted and deleted, workers are slow or lost, garbage collection runs between; nothing is left over."""
    folder = tmp_path_factory.mktemp("works")
    database = Database(f"sqlite:///{folder}/edgepress.db")
    create_tables(database)
    store = Aged(folder / "store")
    works = store.works = Works(database, store, now=datetime(2026, 1, 1, tzinfo=UTC))
    jobs: list[str] = []
    for action, number in [*happenings, ("cancel all", 0)]:
        works.now += timedelta(seconds=1)
        _happen(works, jobs, action, number)
        assert works.needed() <= works.kept(), f"lost by {action}"
    for job_id in jobs:
        works.delete(job_id)
    works.cleaner.collect()
    works.now += LATER
    works.cleaner.collect()
    assert works.kept() == set()
    assert works.count(StepRow) == 0
    database.close()


def _happen(works: Works, jobs: list[str], action: str, number: int) -> None:
    match action:
        case "submit":
            jobs.append(works.submit(training={"epochs": number + 1}))
        case "put":
            works.put_next()
        case "finish":
            works.finish_next()
        case "evaluate":
            works._evaluate()
        case "clean":
            works.cleaner.collect()
        case "hours":
            works.now += timedelta(hours=number)
        case "lose":  # a worker dies: what it put is there, and its step goes to another
            works.put[:1] = []
            with works.database.write() as session:
                works.ledger.expire(session, works.now)
        case _:
            for job_id in jobs if action == "cancel all" else jobs[number : number + 1]:
                _end(works, jobs, job_id, delete=action == "delete")


def _end(works: Works, jobs: list[str], job_id: str, *, delete: bool) -> None:
    with works.database.read() as session:
        active = session.scalar(select(JobRow.state).where(JobRow.id == job_id)) in ACTIVE_STATES
    if active and not delete:
        cancel_job(works.database, works.ledger, job_id, works.now)
    elif delete and not active:
        works.delete(job_id)
        jobs.remove(job_id)
