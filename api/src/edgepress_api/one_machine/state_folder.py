"""The folder of everything that Edgepress writes on one machine, with a lock that admits one stack."""

import fcntl
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from edgepress_common.errors import ConflictError, InvalidInputError

_OWNER_ONLY = 0o700
_OWNER_ONLY_FILE = 0o600
# Everything that is written into the folder.
_OWN = frozenset(
    {
        ".gitignore", "lock", "edgepress.db", "edgepress.db-wal", "edgepress.db-shm", "edgepress.db-journal",
        "artifacts", "copies", "demo", "downloads", "evaluator", "logs", "redis", "scratch",
        "token", "webhook_key",
    }
)  # fmt: skip

_KEY_BYTES = 32


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
    """The layout of the folder. Deleting the folder deletes all jobs and finished steps."""

    root: Path

    @property
    def artifacts(self) -> Path:
        """Models, packs, reports: the artifact store."""
        return self.root / "artifacts"

    @property
    def scratch(self) -> Path:
        """Saved states of unfinished trainings."""
        return self.root / "scratch"

    @property
    def downloads(self) -> Path:
        """Data sets and weights from elsewhere."""
        return self.root / "downloads"

    @property
    def evaluator_cache(self) -> Path:
        """Files that the evaluator has fetched from the gateway."""
        return self.root / "evaluator"

    @property
    def database(self) -> Path:
        """The SQLite file: jobs, steps, devices."""
        return self.root / "edgepress.db"

    @property
    def redis(self) -> Path:
        """Configuration of the Redis server."""
        return self.root / "redis"

    def webhook_key(self) -> str:
        """The key that webhook secrets in the database are encrypted with: made once, and read by its owner alone."""
        file = self.root / "webhook_key"
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(secrets.token_urlsafe(_KEY_BYTES))
        return file.read_text()

    def log(self, process: str) -> Path:
        """Return the file of a process' standard output and error."""
        return self.root / "logs" / f"{process}.log"

    def begin_logs(self) -> None:
        """Rename the logs of the last start, in place of those of the start before."""
        for log in (self.root / "logs").glob("*.log"):
            log.replace(log.with_suffix(".log.1"))

    @contextmanager
    def held(self, url: str) -> Iterator[None]:
        """Lock the folder for this process. The lock ends with the process, however that ends.

        Args:
            url: URL that the gateway will listen on, for a process that finds the folder locked.

        Raises:
            StackRunningError: Another process has the lock.
            InvalidInputError: It can't be written.
        """
        with self._opened_lock() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._running(lock.name) from None
            lock.truncate(0)
            lock.write(json.dumps({"pid": os.getpid(), "url": url}))
            lock.flush()
            yield

    def check_database(self) -> None:
        """Make sure that the database can be read, if there is one.

        Raises:
            InvalidInputError: It is damaged.
        """
        if not self.database.exists():
            return
        try:
            with closing(sqlite3.connect(self.database)) as connection:
                found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            found = str(error)
        if found != "ok":
            raise InvalidInputError(
                f"the database {self.database} is damaged ({' '.join(str(found).split())}); restore it from a backup, "
                "or move it away: Edgepress then starts without jobs and devices, and artifacts are made again"
            )

    def _opened_lock(self) -> TextIO:
        """The lock's file, in a folder that is its owner's alone."""
        try:
            self.root.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
            (self.root / ".gitignore").write_text("*\n")  # the folder is often in a user's repository
            lock = (self.root / "lock").open("a+")
            self._restrict()
        except OSError as error:
            raise InvalidInputError(
                f"can't write to the state folder {self.root}: {error.strerror} ({error.filename}); name another "
                "folder with EDGEPRESS_HOME, or make this one writable"
            ) from error
        return lock

    def _restrict(self) -> None:
        """Keep other users of this machine out, also of what an earlier version wrote."""
        (self.root / "lock").chmod(_OWNER_ONLY_FILE)
        found = list(self.root.iterdir())
        if all(path.name in _OWN for path in found):  # in a folder with other things in it, only our own are ours
            self.root.chmod(_OWNER_ONLY)
        for path in found:
            if path.name in _OWN and not path.is_symlink():
                path.chmod(_OWNER_ONLY if path.is_dir() else _OWNER_ONLY_FILE)

    def _running(self, lock: str) -> StackRunningError:
        try:
            owner = json.loads(Path(lock).read_text())
            pid, url = int(owner["pid"]), str(owner["url"])
        except (ValueError, KeyError):  # it has the lock, and has yet to write its id
            return StackRunningError(f"Edgepress is just starting in {self.root}", None)
        return StackRunningError(
            f"Edgepress is running in {self.root} already (process {pid}, {url}); "
            "use that one, stop it, or name another folder with EDGEPRESS_HOME",
            url,
        )
