"""A whole Edgepress that can be broken: its processes, its database, its disk, its line to the evaluator."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import httpx
import psutil

from edgepress_api.database import Database
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
        stack: As `edgepress up` runs it, except for a few settings.
        database: The stack's, to look into.
        line: From the evaluator to the gateway.
        http: To the gateway, past that line.
        postgres: The database server; None where SQLite is used.
        disk: The artifact store's own disk; None where none could be mounted.
        said: What the supervisor has told.
    """

    stack: Stack
    database: Database
    line: CuttableLine
    http: httpx.Client
    postgres: PostgresServer | None
    disk: Path | None
    said: list[str] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """Where everything is."""
        return self.stack.folder.root

    def process(self, victim: Victim) -> psutil.Process | None:
        """Who would be killed; None while it is not there."""
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
        with sqlite3.connect(self.stack.folder.database, timeout=60) as locking:
            locking.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)

    def cut_line(self, seconds: float, *, silently: bool) -> None:
        """Takes the evaluator's network away for a while; when silently, nobody is told."""
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
        lease_seconds: After how much silence a holder loses its step.
    """
    port = free_port()
    line = CuttableLine(port)
    said: list[str] = []
    with ExitStack() as held:
        postgres = None if postgres_programs() is None else held.enter_context(_postgres(home / "postgres"))
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
        http = held.enter_context(httpx.Client(base_url=stack.url, timeout=30, trust_env=False))
        yield BreakableStack(stack, database, line, http, postgres, disk, said)


@contextmanager
def _postgres(folder: Path) -> Iterator[PostgresServer]:
    folder.mkdir(parents=True)
    with PostgresServer.in_folder(folder) as server:
        yield server


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path | None]:
    """A disk of its own in memory, where this user may mount one."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
