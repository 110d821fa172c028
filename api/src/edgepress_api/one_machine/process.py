"""One process of the stack: its start, its log, and its end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from edgepress_api.one_machine import tethered

_OWNER_ONLY = 0o077  # what it writes is not for this machine's other users


@dataclass(frozen=True)
class Service:
    """A program to run.

    Attributes:
        name: For people, as in ``gateway``.
        command: The program, by its path, and its arguments.
        environment: All its environment variables.
        log: File that its output goes to.
        is_ready: Asked again and again after a start until it says yes.
        ready_seconds: How long that may take.
        stop_seconds: How long it may take to stop when asked to.
        holds_steps: Whether it works on steps and returns them when it is stopped.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    is_ready: Callable[[], bool] = field(default=lambda: True)
    ready_seconds: float = 60
    stop_seconds: float = 10
    holds_steps: bool = False


class Process:
    """A running service. It dies with the thread that started it."""

    def __init__(self, service: Service) -> None:
        """Start the process.

        Raises:
            OSError: The log can't be written.
        """
        self._service = service
        service.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(service.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            self._log_begins = log.tell()
            # A session of its own: Ctrl-C reaches the supervisor alone, and what the process starts can be found.
            self._popen = subprocess.Popen(  # noqa: S603  commands are the stack's own
                [sys.executable, "-I", "-S", tethered.__file__, str(os.getpid()), *service.command],
                env=service.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=_OWNER_ONLY,
            )
        self._started_at = time.monotonic()
        self._was_asked = False

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def age_seconds(self) -> float:
        """Seconds since the process was started."""
        return time.monotonic() - self._started_at

    def death(self) -> str | None:
        """Return how the process ended, in words; None while it runs. Its remaining children are ended as well."""
        status = self._popen.poll()
        if status is None:
            return None
        self._kill_group()
        return f"exit status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"

    def last_lines(self, count: int = 12) -> str:
        """Return the end of what the process has written since its start."""
        with self._service.log.open("rb") as log:
            log.seek(self._log_begins)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-count:]) or "    (it wrote nothing)"

    def ask_to_stop(self) -> None:
        """Ask the process to end, once."""
        if not self._was_asked:
            self._was_asked = True
            self._popen.terminate()

    def stop(self) -> None:
        """Ask the process to end, unless that was done, and kill it if it does not end in time."""
        self.ask_to_stop()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(self._service.stop_seconds)
        self._kill_group()
        self._popen.wait()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
