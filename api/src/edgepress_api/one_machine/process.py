"""One process of the stack: how it is started, what its log says, how it is stopped."""

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


@dataclass(frozen=True)
class Service:
    """What to run.

    Attributes:
        name: For people, as in ``gateway``.
        command: The program, by its path, and its arguments.
        environment: All its environment variables.
        log: File that its output goes to.
        is_ready: Asked again and again after a start until it says yes.
        ready_seconds: How long that may take.
        stop_seconds: How long it may take to stop when asked to.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    is_ready: Callable[[], bool] = field(default=lambda: True)
    ready_seconds: float = 60
    stop_seconds: float = 10


class Process:
    """A running service. It dies with the thread that started it."""

    def __init__(self, service: Service) -> None:
        """Starts it.

        Raises:
            OSError: The log can't be written.
        """
        self._service = service
        service.log.parent.mkdir(parents=True, exist_ok=True)
        with service.log.open("ab") as log:
            self._log_begins = log.tell()
            # A session of its own: Ctrl-C reaches the supervisor alone, and what the process starts can be found.
            self._popen = subprocess.Popen(  # noqa: S603  commands are the stack's own
                [sys.executable, "-I", "-S", tethered.__file__, str(os.getpid()), *service.command],
                env=service.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started_at = time.monotonic()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._popen.pid

    @property
    def age_seconds(self) -> float:
        """Time since it was started."""
        return time.monotonic() - self._started_at

    def death(self) -> str | None:
        """How it ended, in words; None while it runs. What it left behind is ended as well."""
        status = self._popen.poll()
        if status is None:
            return None
        self._kill_group()
        return f"exit status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"

    def last_lines(self, count: int = 12) -> str:
        """The end of what it has written since it was started."""
        with self._service.log.open("rb") as log:
            log.seek(self._log_begins)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-count:]) or "    (it wrote nothing)"

    def stop(self) -> None:
        """Asks it to end, and ends it if it does not in time."""
        self._popen.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(self._service.stop_seconds)
        self._kill_group()
        self._popen.wait()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
