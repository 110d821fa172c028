"""Keeps a list of processes running.

1. They are started one after the other, each ready before the next; or none is.
2. One that dies is started again, after a pause that doubles each time.
3. They are stopped: asked first, killed if that does not help. Those that hold steps go first, at the same time, so
   that what they return is recorded; then the others in the reverse order.

When the supervisor itself is killed, the kernel kills the processes: see `edgepress_api.one_machine.tethered`.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from edgepress_api.one_machine.process import Process, Service
from edgepress_common.errors import UnavailableError

_LOOK_SECONDS = 0.1
_FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
_SOUND_AFTER_SECONDS = 60.0  # a process that ran for so long did not die of wrong settings: pauses start again

Say = Callable[[str], None]


class StartError(UnavailableError):
    """A process could not be started; the message has the end of its log."""


@contextmanager
def supervised(
    services: Sequence[Service], say: Say, *, longest_pause_seconds: float = LONGEST_PAUSE_SECONDS
) -> Iterator["Supervisor"]:
    """Keep the services running for as long as the block lasts.

    Args:
        services: In the order to start them in.
        say: Told what happens meanwhile, in sentences, from another thread.
        longest_pause_seconds: How long a service that dies again and again is left alone at most.

    Raises:
        StartError: A service died, or was not ready in time.
    """
    supervisor = Supervisor(services, say, longest_pause_seconds=longest_pause_seconds)
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()


@dataclass
class _Kept:
    service: Service
    process: Process
    pause_seconds: float = _FIRST_PAUSE_SECONDS
    restart_at: float | None = None


class Supervisor:
    """Starts services, keeps them running, stops them."""

    def __init__(
        self, services: Sequence[Service], say: Say, *, longest_pause_seconds: float = LONGEST_PAUSE_SECONDS
    ) -> None:
        self._longest_pause_seconds = longest_pause_seconds
        self._services = services
        self._say = say
        self._kept: list[_Kept] = []
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="supervisor")

    def start(self) -> None:
        """Start all services, or none: when one can't be started, those before it are stopped.

        Raises:
            StartError: A service died, or was not ready in time.
        """
        try:
            for service in self._services:
                kept = _Kept(service, Process(service))
                self._kept.append(kept)
                _wait_until_ready(kept)
        except BaseException:
            self._stop_all()
            raise
        self._watcher.start()

    def running(self) -> dict[str, int]:
        """Return the process ids by the services' names, without services that wait for their next start."""
        return {kept.service.name: kept.process.pid for kept in self._kept if kept.restart_at is None}

    def wait(self) -> None:
        """Wait until the services have been stopped."""
        # Not by joining the thread: Python 3.11 takes a thread for ended when joining it is interrupted by a signal.
        self._stopped.wait()

    def stop(self) -> None:
        """Stop all services."""
        self._stopping.set()
        self._watcher.join()

    def _watch(self) -> None:
        # Stopping is this thread's task as well: a process that it started again ends with it, see `Process`.
        try:
            while not self._stopping.wait(_LOOK_SECONDS):
                for kept in self._kept:
                    self._look_after(kept)
        finally:
            self._stop_all()
            self._stopped.set()

    def _look_after(self, kept: _Kept) -> None:
        if kept.restart_at is None:
            death = kept.process.death()
            if death is not None:
                self._plan_restart(kept, death)
        elif time.monotonic() >= kept.restart_at:
            kept.process, kept.restart_at = Process(kept.service), None

    def _plan_restart(self, kept: _Kept, death: str) -> None:
        age_seconds = kept.process.age_seconds
        if age_seconds > _SOUND_AFTER_SECONDS:
            kept.pause_seconds = _FIRST_PAUSE_SECONDS
        self._say(
            f"{kept.service.name} ended after {age_seconds:.0f} s ({death}); "
            f"starting it again in {kept.pause_seconds:g} s. {_log_end(kept)}"
        )
        kept.restart_at = time.monotonic() + kept.pause_seconds
        kept.pause_seconds = min(2 * kept.pause_seconds, self._longest_pause_seconds)

    def _stop_all(self) -> None:
        holding = [kept.process for kept in self._kept if kept.service.holds_steps]
        others = [kept.process for kept in reversed(self._kept) if not kept.service.holds_steps]
        for process in holding:
            process.ask_to_stop()
        for process in (*holding, *others):
            process.stop()
        self._kept.clear()


def _wait_until_ready(kept: _Kept) -> None:
    service, process = kept.service, kept.process
    while not service.is_ready():
        death = process.death()
        if death is not None:
            raise StartError(f"{service.name} ended as soon as it was started ({death}). {_log_end(kept)}")
        if process.age_seconds > service.ready_seconds:
            raise StartError(f"{service.name} was not ready after {service.ready_seconds:g} s. {_log_end(kept)}")
        time.sleep(_LOOK_SECONDS)


def _log_end(kept: _Kept) -> str:
    return f"The end of {kept.service.log}:\n{kept.process.last_lines()}"
