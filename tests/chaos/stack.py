"""A complete Edgepress with faults: its processes, its database, its disk, its connection to the evaluator."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import httpx
import psutil
from sqlalchemy import select

from edgepress_api.access.tokens import create_token
from edgepress_api.database import Database, StepRow
from edgepress_api.one_machine.ports import free_port
from edgepress_api.one_machine.settings import OneMachineSettings
from edgepress_api.one_machine.stack import Stack, running_stack
from fakes.cuttable_line import CuttableLine
from fakes.postgres_server import PostgresServer, postgres_programs

Victim = Literal["worker", "worker's child", "evaluator", "scheduler", "gateway", "redis"]

_DISK_BYTES = 1 << 30
_RESERVE_BYTES = 64 << 20
_MOST_SECONDS_TO_NEXT_START = 1.0


@dataclass
class BreakableStack:
    """See the module.

    Attributes:
        stack: A stack as `edgepress up` runs it, except for a few settings.
        database: Database of the stack.
        line: Connection from the evaluator to the gateway.
        http: Client of the gateway that does not use that connection.
        postgres: The database server; None where SQLite is used.
        disk: The artifact store's own disk; None where none could be mounted.
        stranger: Token of another user.
        said: Messages of the supervisor.
    """

    stack: Stack
    database: Database
    line: CuttableLine
    http: httpx.Client
    postgres: PostgresServer | None
    disk: Path | None
    stranger: str
    said: list[str] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """Where everything is."""
        return self.stack.folder.root

    def process(self, victim: Victim) -> psutil.Process | None:
        """Return the process to kill; None while it does not run."""
        parent = self._service("worker" if victim == "worker's child" else victim)
        if parent is None or victim != "worker's child":
            return parent
        try:
            return next(iter(parent.children()), None)
        except psutil.NoSuchProcess:
            return None

    def refuse_database(self, seconds: float) -> None:
        """Takes the database away for a while: a server stops in the middle of everything, a file is locked."""
        if self.postgres is not None:
            self.postgres.stop(signal.SIGQUIT)
            time.sleep(seconds)
            self.postgres.start()
            return
        with self.locked_database():
            time.sleep(seconds)

    @contextmanager
    def locked_database(self) -> Iterator[None]:
        """Keep the file of SQLite locked."""
        with sqlite3.connect(self.stack.folder.database, timeout=60) as locking:
            locking.execute("BEGIN EXCLUSIVE")
            yield

    def back_up(self) -> Path:
        """Copy the database's folder while its server is stopped; returns the copy."""
        assert self.postgres is not None
        copy = self.postgres.folder / "backup"
        self.postgres.stop()
        shutil.copytree(self.postgres.folder / "data", copy)
        self.postgres.start()
        return copy

    def go_back(self, backup: Path) -> None:
        """Put the database back to a copy, with a Redis that is empty."""
        assert self.postgres is not None
        self.postgres.stop(signal.SIGQUIT)
        data = self.postgres.folder / "data"
        owner = data.stat()
        shutil.rmtree(data)
        backup.rename(data)
        for path in (data, *data.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
        redis = self.process("redis")
        if redis is not None:
            redis.kill()
        self.postgres.start()

    def cut_line(self, seconds: float, *, silently: bool) -> None:
        """Cut the evaluator's network for a while; if silently, without notice to either end."""
        if silently:
            self.line.state = "silent"
        else:
            self.line.cut()
        time.sleep(seconds)
        self.line.mend()

    def fill_disk(self, seconds: float) -> None:
        """Fills the artifact store's disk to the last byte for a while."""
        assert self.disk is not None
        ballast = self.disk / "ballast"
        try:
            with ballast.open("wb", buffering=0) as file:
                try:
                    while file.write(b"\0" * (1 << 20)):
                        pass
                except OSError:  # full
                    time.sleep(seconds)
        finally:
            ballast.unlink()

    def cancel_and_retry(self) -> None:
        """Cancels the jobs that run, and retries them: the attempts active are told to stop."""
        for job in self.http.get("/v1/jobs").raise_for_status().json()["jobs"]:
            if job["state"] == "running":
                self.http.post(f"/v1/jobs/{job['id']}/cancel").raise_for_status()
                self.http.post(f"/v1/jobs/{job['id']}/retry").raise_for_status()

    def damage_pack(self) -> set[str]:
        """Replaces a packed data set's images by others, for those who read them from now on; returns their name."""
        with self.database.read() as session:
            rows = session.scalars(select(StepRow).where(StepRow.kind == "pack", StepRow.state == "succeeded")).all()
            names = {row.outputs["validation_images"].sha256 for row in rows if row.outputs}
        for name in names:
            path = (self.disk or self.home) / "artifacts" / name[:2] / name
            other = bytearray(path.read_bytes())
            other[-4:] = bytes(255 - byte for byte in other[-4:])
            incoming = path.with_name(f".{name}.damaged")  # a training running has mapped the old one
            incoming.write_bytes(other)
            incoming.replace(path)
        return names

    def _service(self, name: str) -> psutil.Process | None:
        pid = self.stack.supervisor.running().get(name)
        try:
            return None if pid is None else psutil.Process(pid)
        except psutil.NoSuchProcess:
            return None


@contextmanager
def breakable_stack(home: Path, *, lease_seconds: float) -> Iterator[BreakableStack]:
    """Keeps one running for as long as the block lasts.

    Args:
        home: An empty folder.
        lease_seconds: Time without heartbeat after which a lease expires, in seconds.
    """
    port = free_port()
    line = CuttableLine(port)
    said: list[str] = []
    with ExitStack() as held:
        postgres = None if postgres_programs() is None else held.enter_context(_postgres())
        disk = held.enter_context(_small_disk(home / "disk"))
        url = f"sqlite:///{(home / 'edgepress.db').resolve()}" if postgres is None else postgres.url
        own = {
            "EDGEPRESS_DATABASE_URL": url,
            "EDGEPRESS_LEASE_SECONDS": f"{lease_seconds:g}",
            "EDGEPRESS_RESEND_SECONDS": "3",
            "EDGEPRESS_RESERVE_BYTES": str(_RESERVE_BYTES),
            "EDGEPRESS_MAX_ATTEMPTS": "1000",  # many are going to be lost, through no fault of the steps
        }
        own |= {"EDGEPRESS_ARTIFACTS": str(disk / "artifacts")} if disk else {}
        near = held.enter_context(line.laid())
        stack = held.enter_context(
            running_stack(
                OneMachineSettings(home=home),
                port,
                said.append,
                longest_pause_seconds=_MOST_SECONDS_TO_NEXT_START,
                settings_of={
                    "gateway": own,
                    "scheduler": own,
                    "worker": own,
                    # Like a board elsewhere: it measures while the worker works, so there is something to interrupt.
                    "evaluator": {"EDGEPRESS_GATEWAY": near, "EDGEPRESS_SHARES_CPU": "false"},
                },
            )
        )
        database = Database(url)
        held.callback(database.close)
        token = {"Authorization": f"Bearer {stack.token}"}
        http = held.enter_context(httpx.Client(base_url=stack.url, headers=token, timeout=30, trust_env=False))
        with database.write() as session:
            stranger = create_token(session, datetime.now(UTC), user="stranger", scopes=["submit"]).text
        yield BreakableStack(stack, database, line, http, postgres, disk, stranger, said)


@contextmanager
def _postgres() -> Iterator[PostgresServer]:
    # Not in pytest's folder, which another run of pytest closes to the server's user.
    with tempfile.TemporaryDirectory() as folder, PostgresServer.in_folder(Path(folder)) as server:
        yield server


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path | None]:
    """A small disk of its own, where this user may mount one: a file system that can be filled, and frozen."""
    folder.mkdir(parents=True)
    image = folder.with_suffix(".image")
    with image.open("wb") as file:
        file.truncate(_DISK_BYTES)
    commands = (["mkfs.ext4", "-q", "-m", "0", str(image)], ["mount", "-o", "loop", str(image), str(folder)])
    can_mount = os.geteuid() == 0 and all(map(shutil.which, ("mkfs.ext4", "mount", "fsfreeze")))
    if not can_mount or any(
        subprocess.run(command, capture_output=True, check=False).returncode for command in commands
    ):
        image.unlink()
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        image.unlink()
