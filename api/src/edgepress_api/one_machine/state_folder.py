"""The folder that holds everything one machine's Edgepress writes, and the lock that keeps it to one stack."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgepress_common.errors import ConflictError


class StackRunningError(ConflictError):
    """Another stack runs in this folder.

    Attributes:
        url: Where its gateway listens; None if it has only just begun to start.
    """

    def __init__(self, message: str, url: str | None) -> None:
        self.url = url
        super().__init__(message)


@dataclass(frozen=True)
class StateFolder:
    """Where what lies. Deleting the folder forgets all jobs and finished steps."""

    root: Path

    @property
    def artifacts(self) -> Path:
        """Models, packs, reports: the artifact store."""
        return self.root / "artifacts"

    @property
    def scratch(self) -> Path:
        """What unfinished trainings have saved."""
        return self.root / "scratch"

    @property
    def downloads(self) -> Path:
        """Data sets and weights from elsewhere."""
        return self.root / "downloads"

    @property
    def evaluator_cache(self) -> Path:
        """What the evaluator has fetched from the gateway."""
        return self.root / "evaluator"

    @property
    def database(self) -> Path:
        """The SQLite file: jobs, steps, devices."""
        return self.root / "edgepress.db"

    @property
    def redis(self) -> Path:
        """Configuration of the Redis server."""
        return self.root / "redis"

    def log(self, process: str) -> Path:
        """What a process has written to its standard output and error."""
        return self.root / "logs" / f"{process}.log"

    def begin_logs(self) -> None:
        """Puts the logs of the last start aside, in place of those of the one before."""
        for log in (self.root / "logs").glob("*.log"):
            log.replace(log.with_suffix(".log.1"))

    @contextmanager
    def held(self, url: str) -> Iterator[None]:
        """Keeps the folder to this process. The lock goes with the process, however that ends.

        Args:
            url: Where the gateway will listen, for whoever finds the folder held.

        Raises:
            StackRunningError: Another process holds it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / ".gitignore").write_text("*\n")  # it often lies in somebody's repository
        with (self.root / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._running(lock.name) from None
            lock.truncate(0)
            lock.write(json.dumps({"pid": os.getpid(), "url": url}))
            lock.flush()
            yield

    def _running(self, lock: str) -> StackRunningError:
        try:
            holder = json.loads(Path(lock).read_text())
            pid, url = int(holder["pid"]), str(holder["url"])
        except (ValueError, KeyError):  # it holds the lock, and has yet to write who it is
            return StackRunningError(f"Edgepress is just starting in {self.root}", None)
        return StackRunningError(
            f"Edgepress is running in {self.root} already (process {pid}, {url}); "
            "use that one, stop it, or name another folder with EDGEPRESS_HOME",
            url,
        )
