"""The supervisor, with shell scripts for children."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from edgepress_api.one_machine.process import Service
from edgepress_api.one_machine.supervisor import StartError, supervised

_SLEEP = "exec sleep 60"


def _service(folder: Path, name: str, script: str, **more: object) -> Service:
    log = folder / f"{name}.log"
    return Service(name, ("/bin/sh", "-c", script), {"PATH": os.environ["PATH"], "NAME": name}, log, **more)  # type: ignore[arg-type]


def _wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, f"never seen: {what}"
        time.sleep(0.02)


def _is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _read_pid(path: Path) -> int:
    _wait_for(lambda: path.exists() and path.read_text().strip() != "", f"a number in {path.name}")
    return int(path.read_text())


def test_services_start_in_order_each_ready_before_the_next_and_stop_in_reverse(tmp_path: Path) -> None:
    """A service is started only when the one before it is ready; at the end the last is stopped first."""
    diary = tmp_path / "diary"
    script = f'trap "echo stop $NAME >> {diary}; exit" TERM; echo start $NAME >> {diary}; while :; do sleep 0.02; done'
    services = [
        _service(tmp_path, name, script, is_ready=lambda name=name: diary.exists() and name in diary.read_text())
        for name in ("first", "second")
    ]

    with supervised(services, say=pytest.fail):
        pass

    assert diary.read_text().splitlines() == ["start first", "start second", "stop second", "stop first"]


def test_a_service_that_dies_is_started_again_and_its_last_words_are_told(tmp_path: Path) -> None:
    """The message has the name, how it died and the end of the log; the second life is a new process."""
    lives = tmp_path / "lives"
    script = f"echo life >> {lives}; [ $(wc -l < {lives}) -gt 1 ] && {_SLEEP}; echo out of luck; exit 3"
    said: list[str] = []

    with supervised([_service(tmp_path, "worker", script)], say=said.append):
        _wait_for(lambda: lives.exists() and len(lives.read_text().splitlines()) == 2, "a second life")

    assert len(said) == 1
    assert said[0].startswith("worker ended after 0 s (exit status 3); starting it again in 0.5 s.")
    assert said[0].endswith("    out of luck")


def test_each_death_doubles_the_pause(tmp_path: Path) -> None:
    """Two deaths at once are followed by half a second, then a second."""
    said: list[str] = []

    with supervised([_service(tmp_path, "worker", "kill -9 $$")], say=said.append):
        _wait_for(lambda: len(said) == 2, "two deaths")

    assert "(killed by SIGKILL); starting it again in 0.5 s" in said[0]
    assert "starting it again in 1 s" in said[1]


def test_a_service_that_cant_start_stops_those_before_it(tmp_path: Path) -> None:
    """The error shows what the service wrote, and nothing is left running."""
    pid_file = tmp_path / "pid"
    first = _service(tmp_path, "redis", f"echo $$ > {pid_file}; {_SLEEP}", is_ready=pid_file.exists)
    second = _service(tmp_path, "gateway", "echo no such table; exit 1", is_ready=lambda: False)

    with pytest.raises(StartError, match=r"gateway ended as soon as it was started \(exit status 1\)") as caught:  # noqa: SIM117
        with supervised([first, second], say=pytest.fail):
            pytest.fail("it can't have started")

    assert "no such table" in str(caught.value)
    assert not _is_running(_read_pid(pid_file))


def test_a_service_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    """A service that runs without ever being ready is a failed start."""
    service = _service(tmp_path, "gateway", _SLEEP, is_ready=lambda: False, ready_seconds=0.2)

    with pytest.raises(StartError, match=r"gateway was not ready after 0\.2 s"), supervised([service], say=pytest.fail):
        pytest.fail("it can't have started")


def test_a_service_that_does_not_listen_is_killed_with_its_own_children(tmp_path: Path) -> None:
    """A service that ignores SIGTERM is killed with SIGKILL, and so are the processes that it has started."""
    child_file = tmp_path / "child"
    script = f'trap "" TERM; sleep 60 & echo $! > {child_file}; while :; do sleep 60; done'
    service = _service(tmp_path, "worker", script, is_ready=child_file.exists, stop_seconds=0.2)

    with supervised([service], say=pytest.fail):
        child = _read_pid(child_file)
        assert _is_running(child)

    _wait_for(lambda: not _is_running(child), "the end of the child")


def test_what_a_dead_service_leaves_behind_is_ended_before_it_is_started_again(tmp_path: Path) -> None:
    """When a worker is killed, its training process does not run next to its successor."""
    left = tmp_path / "left"
    service = _service(tmp_path, "worker", f"[ -e {left} ] && {_SLEEP}; sleep 60 & echo $! > {left}; kill -9 $$")
    said: list[str] = []

    with supervised([service], say=said.append):
        _wait_for(lambda: bool(said), "its death")
        _wait_for(lambda: not _is_running(_read_pid(left)), "the end of what it left")


def test_a_killed_supervisor_leaves_nothing_running(tmp_path: Path) -> None:
    """SIGKILL of the supervisor, which it can't catch, ends the services too."""
    pid_file = tmp_path / "pid"
    program = f"""
from pathlib import Path
from edgepress_api.one_machine.process import Service
from edgepress_api.one_machine.supervisor import supervised
command = ("/bin/sh", "-c", "echo $$ > {pid_file}; {_SLEEP}")
service = Service("sleeper", command, {{"PATH": "/usr/bin:/bin"}}, Path("{tmp_path}/log"))
with supervised([service], say=print) as supervisor:
    supervisor.wait()
"""
    with subprocess.Popen([sys.executable, "-c", program]) as supervisor:
        pid = _read_pid(pid_file)
        assert _is_running(pid)
        supervisor.send_signal(signal.SIGKILL)

    _wait_for(lambda: not _is_running(pid), "the end of the service")
