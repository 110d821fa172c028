"""State after a run: the ledger, the logs of worker and evaluator, and every byte of the store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select

from chaos.lies import Told
from chaos.stack import BreakableStack
from edgepress_api.database import Database, EventRow, JobRow, StepRow
from edgepress_api.garbage_collection.collector import GarbageCollector
from edgepress_common.artifacts import FolderStore
from edgepress_common.results import EvaluationResult, StageResult
from edgepress_worker.runtime.scratch import Scratch

# As `edgepress_worker.runtime.execution` and `edgepress_evaluator.loop` write it.
_BEGUN = re.compile(
    r"^(?P<at>\S+ \S+) INFO \S+: (?:begins \w+ (?P<step>[0-9a-f]+), attempt (?P<attempt>\d+)"
    r"|evaluation (?P<evaluation>[0-9a-f]+), attempt (?P<again>\d+): started)$",
    re.MULTILINE,
)
_SHORT = 12  # characters of a step's key that the worker writes
_AFTER_COLLECTION = timedelta(days=2)  # incomplete artifacts of killed processes are deleted after one
_AFTER_CLEARING = timedelta(days=15)  # what was being trained, after two weeks


class Job(NamedTuple):
    """A job, as the ledger has it in the end."""

    id: str
    name: str
    state: str
    error: str | None


class Planned(NamedTuple):
    """A pipeline of a job, as its planner has proposed it.

    Attributes:
        name: Its name.
        trial: The record of the search, as JSON; empty for a pipeline of the spec.
        steps: Keys of its steps.
    """

    name: str
    trial: str
    steps: tuple[str, ...]


Plans = dict[str, tuple[Planned, ...]]
"""The pipelines of jobs, in the order of their plans, by the jobs' names."""


class Output(NamedTuple):
    """An artifact that a step gave."""

    name: str
    sha256: str
    size_bytes: int


class Step(NamedTuple):
    """A step, as the ledger has it in the end."""

    key: str
    kind: str
    title: str
    state: str
    attempt: int
    outputs: tuple[Output, ...]
    accuracy: float | None = None
    resumed_after_epochs: int = 0
    failures: int = 0


class Event(NamedTuple):
    """A change of a step: a state at an attempt, or the end of an epoch."""

    at: datetime
    step: str
    attempt: int
    state: str | None
    epoch: int = 0


class Begun(NamedTuple):
    """A log line of a worker or an evaluator that begins an attempt."""

    at: datetime
    step: str
    attempt: int


@dataclass(frozen=True)
class Evidence:
    """All of it.

    Attributes:
        posted: Ids of the jobs that were accepted, by their names.
        jobs: The ledger's jobs.
        steps: The ledger's steps, by their keys.
        events: What became of steps, in order, each once.
        begun: What worker and evaluator wrote.
        stored: Each artifact in the store with its actual digest and size, before garbage collection.
        kept: Names of the artifacts after garbage collection.
        unfinished: What else lies in the store after garbage collection.
        scratch: Folders that are left where the worker saves unfinished steps.
        damaged: Names of the artifacts that were damaged, and keys of steps that did not give what was said: these
            steps are done again.
        told: Lies, and the answers to them.
        plans: The pipelines of the jobs.
        went_back: Whether the database was put back to an older state, so that attempts were made twice.
    """

    posted: dict[str, str]
    jobs: tuple[Job, ...]
    steps: dict[str, Step]
    events: tuple[Event, ...]
    begun: tuple[Begun, ...]
    stored: dict[str, tuple[str, int]]
    kept: frozenset[str]
    unfinished: tuple[str, ...]
    scratch: tuple[str, ...]
    damaged: frozenset[str] = frozenset()
    told: tuple[Told, ...] = ()
    plans: Plans = field(default_factory=dict)
    went_back: bool = False


def gather(stack: BreakableStack, posted: dict[str, str]) -> Evidence:
    """Looks at everything, and has the store cleaned as it would be two days later."""
    folder = (stack.disk or stack.home) / "artifacts"
    stored = {path.name: _weighed(path) for path in folder.glob("??/*")}
    store, later = FolderStore(folder), datetime.now(UTC) + _AFTER_COLLECTION
    GarbageCollector(stack.database, store, retention=None, clock=lambda: later).collect()
    Scratch(stack.stack.folder.scratch).clear((datetime.now(UTC) + _AFTER_CLEARING).timestamp())
    jobs, steps, events = ledger_of(stack.database)
    return Evidence(
        posted=posted,
        jobs=jobs,
        steps=steps,
        events=events,
        plans=plans_of(stack.database),
        begun=tuple(begun_in(stack.stack.folder.log(name).read_text() for name in ("worker", "evaluator"))),
        stored=stored,
        kept=frozenset(path.name for path in folder.glob("??/*")),
        unfinished=tuple(path.name for path in folder.glob("incoming/*")),
        scratch=tuple(path.name for path in stack.stack.folder.scratch.glob("*")),
    )


def begun_in(logs: Iterable[str]) -> list[Begun]:
    """Return the attempts that logs report as begun."""
    return [
        Begun(
            at=datetime.strptime(found["at"], "%Y-%m-%d %H:%M:%S,%f").astimezone(UTC),
            step=(found["step"] or found["evaluation"])[:_SHORT],
            attempt=int(found["attempt"] or found["again"]),
        )
        for log in logs
        for found in _BEGUN.finditer(log)
    ]


def ledger_of(database: Database) -> tuple[tuple[Job, ...], dict[str, Step], tuple[Event, ...]]:
    """Jobs, steps by their keys, and what became of steps."""
    with database.read() as session:
        jobs = tuple(Job(row.id, row.name, row.state, row.error) for row in session.scalars(select(JobRow)))
        steps = {row.key: _step(row) for row in session.scalars(select(StepRow))}
        noted = select(EventRow).where(EventRow.type.in_(["step", "epoch"])).order_by(EventRow.id)
        found = [_event(row) for row in session.scalars(noted)]
    # A step is noted for each job that wants it, and again for one that is posted later.
    once: dict[tuple[str, int, str | datetime], Event] = {}
    for event in found:
        once.setdefault((event.step, event.attempt, event.state or event.at), event)
    return jobs, steps, tuple(once.values())


def plans_of(database: Database) -> Plans:
    """Return the pipelines of the jobs."""
    with database.read() as session:
        return {
            job.name: tuple(
                Planned(
                    pipeline.name,
                    "" if pipeline.trial is None else pipeline.trial.model_dump_json(),
                    tuple(step.step_key for step in pipeline.steps),
                )
                for pipeline in job.pipelines
            )
            for job in session.scalars(select(JobRow))
        }


def _step(row: StepRow) -> Step:
    outputs = {} if row.outputs is None else row.outputs
    return Step(
        failures=row.failures,
        key=row.key,
        kind=row.kind,
        title=row.title,
        state=row.state,
        attempt=row.attempt,
        outputs=tuple(Output(name, given.sha256, given.size_bytes) for name, given in sorted(outputs.items())),
        accuracy=row.result.accuracy if isinstance(row.result, EvaluationResult) else None,
        resumed_after_epochs=row.result.resumed_after_epochs if isinstance(row.result, StageResult) else 0,
    )


def _event(row: EventRow) -> Event:
    state, attempt, epoch = row.data.get("state"), row.data.get("attempt", 0), row.data.get("epoch", 0)
    assert isinstance(attempt, int)
    assert isinstance(epoch, int)
    return Event(row.created_at, str(row.data["step"]), attempt, None if state is None else str(state), epoch)


def _weighed(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
