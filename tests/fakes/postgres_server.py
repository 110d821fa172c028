"""A real PostgreSQL server that can be killed and started again: the one that a wheel brings."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil
import psycopg

from edgepress_api.one_machine.ports import free_port

_START_SECONDS = 30


def postgres_programs() -> Path | None:
    """Return the folder of its programs; None if there is no wheel for this machine."""
    found = importlib.util.find_spec("pgserver")  # not imported: only its programs are wanted
    return None if found is None or found.origin is None else Path(found.origin).parent / "pginstall" / "bin"


@dataclass
class PostgresServer:
    """A server with an empty database.

    Attributes:
        programs: Folder of its programs.
        folder: Where it keeps everything.
        user: User that it runs as; None for the current user.
        port: Of loopback.
    """

    programs: Path
    folder: Path
    user: str | None
    port: int = field(default_factory=free_port)
    _server: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Return the address in the format of SQLAlchemy."""
        return f"postgresql+psycopg://edgepress@127.0.0.1:{self.port}/postgres"

    @classmethod
    @contextmanager
    def in_folder(cls, folder: Path) -> Iterator[Self]:
        """Makes one and keeps it running, for as long as the block lasts."""
        programs = postgres_programs()
        assert programs is not None, "there is no PostgreSQL for this machine"
        # PostgreSQL refuses to run as root, so root uses the account `nobody`, which must be able to reach its folder.
        user = "nobody" if os.geteuid() == 0 else None
        if user:
            temporary = Path(tempfile.gettempdir()).resolve()
            for parent in (folder, *folder.resolve().parents):
                if parent.owner() == "root" and temporary in parent.parents:
                    parent.chmod(0o755)
            shutil.chown(folder, user)
            programs = _reachable(programs, user, folder)
        options = ["--pgdata", str(folder / "data"), "--auth", "trust", "--username", "edgepress", "--no-sync"]
        command = [str(programs / "initdb"), *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)
        server = cls(programs, folder, user)
        server.start()
        try:
            yield server
        finally:
            server.stop()

    def start(self) -> None:
        """Starts it, and returns when it answers."""
        options = ["-D", self.folder / "data", "-p", self.port, "-h", "127.0.0.1", "-k", self.folder, "-F"]
        command = [str(self.programs / "postgres"), *map(str, options)]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(command, user=self.user, cwd=self.folder, stderr=log)
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self._server.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.05)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Freezes all its processes while the block lasts, as `docker compose pause` does: connections stay open."""
        assert self._server is not None
        server = psutil.Process(self._server.pid)
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server, by default gracefully; with SIGQUIT at once. Committed data stays."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait()
            self._server = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(
                f"host=127.0.0.1 port={self.port} user=edgepress dbname=postgres", connect_timeout=1
            ).close()
        except psycopg.OperationalError:
            return False
        return True


def _reachable(programs: Path, user: str, folder: Path) -> Path:
    """The programs, or a copy in the folder where the user can't get at them: a home of root's is closed to others."""
    try:
        subprocess.run(
            [str(programs / "initdb"), "--version"], check=True, stdout=subprocess.DEVNULL, user=user, cwd="/"
        )
    except PermissionError:
        packages = programs.parents[2]  # their libraries are next to the package
        for package in packages.glob("pgserver*"):
            if package.is_dir():
                shutil.copytree(package, folder / "packages" / package.name)
        return folder / "packages" / programs.relative_to(packages)
    return programs
