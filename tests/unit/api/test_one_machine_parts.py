"""The state folder, ports, and the Redis server of the one-machine stack."""

import hashlib
import socket
import stat
from pathlib import Path

import psutil
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from edgepress_api.one_machine.ports import check_free, free_port
from edgepress_api.one_machine.redis_server import configure
from edgepress_api.one_machine.settings import OneMachineSettings
from edgepress_api.one_machine.stack import running_stack
from edgepress_api.one_machine.state_folder import StackRunningError, StateFolder
from edgepress_api.one_machine.supervisor import supervised
from edgepress_common.errors import UnavailableError


def test_a_folder_is_held_by_one_stack_at_a_time(tmp_path: Path) -> None:
    """The second is told who holds it, and where that one listens; afterwards the folder is free again."""
    folder = StateFolder(tmp_path / "state")

    with folder.held("http://127.0.0.1:8000"):
        with pytest.raises(StackRunningError, match=r"is running in .*state already \(process \d+, http") as caught:  # noqa: SIM117
            with StateFolder(tmp_path / "state").held("http://127.0.0.1:9000"):
                pytest.fail("both hold it")
        assert caught.value.url == "http://127.0.0.1:8000"

    with folder.held("http://127.0.0.1:9000"):
        assert (tmp_path / "state" / ".gitignore").read_text() == "*\n"


def test_a_start_begins_new_logs_and_keeps_the_last(tmp_path: Path) -> None:
    """Logs do not grow for ever, and what happened before a restart can still be read."""
    folder = StateFolder(tmp_path)
    folder.log("worker").parent.mkdir()
    for start in ("first", "second", "third"):
        folder.begin_logs()
        folder.log("worker").write_text(start)

    assert {path.name: path.read_text() for path in (tmp_path / "logs").iterdir()} == {
        "worker.log": "third",
        "worker.log.1": "second",
    }


def test_a_stack_does_not_start_in_a_folder_that_is_held(tmp_path: Path) -> None:
    """Nothing is started, nothing is changed."""
    with (
        StateFolder(tmp_path).held("http://127.0.0.1:8000"),
        pytest.raises(StackRunningError),
        running_stack(OneMachineSettings(home=tmp_path), None, say=pytest.fail),
    ):
        pytest.fail("both run")
    assert not (tmp_path / "redis").exists()


def test_a_taken_port_is_refused_with_who_has_it(tmp_path: Path) -> None:
    """The message names the port, the process and the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match=rf"port {port} can't be used: .*process \d+.*with --port"):
            check_free(port)


def test_a_free_port_can_be_used() -> None:
    """What is called free passes the check."""
    check_free(free_port())


def test_redis_runs_on_loopback_for_whoever_has_the_password(tmp_path: Path) -> None:
    """The server starts, keeps its passwords in a file for its owner only, and refuses others."""
    server = configure(tmp_path / "redis", free_port())
    assert stat.S_IMODE(server.configuration.stat().st_mode) == 0o600

    with supervised([server.service({}, tmp_path / "redis.log")], say=pytest.fail):
        with Redis.from_url(server.url("scheduler")) as client:
            assert client.ping()
        # Nobody may ask the server for its configuration.
        assert "\nmaxmemory-policy noeviction\n" in server.configuration.read_text()
        listening = [each.laddr for each in psutil.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
        assert [place for place, port in filter(None, listening) if port == server.port] == ["127.0.0.1"]
        with Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as stranger, pytest.raises(AuthenticationError):
            stranger.ping()


def test_each_start_of_redis_has_a_new_password(tmp_path: Path) -> None:
    """A configuration left by an earlier stack is replaced."""
    first = configure(tmp_path, 6001)
    second = configure(tmp_path, 6002)

    passwords = [*first.passwords.values(), *second.passwords.values()]
    written = second.configuration.read_text()
    assert len(set(passwords)) == 6
    assert not [password for password in passwords if password in written]
    kept = [hashlib.sha256(password.encode()).hexdigest() in written for password in passwords]
    assert kept == [False] * 3 + [True] * 3
