"""The state folder, ports, and the Redis server of the one-machine stack."""

import hashlib
import socket
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from edgepress_api.one_machine.ports import check_free, free_port
from edgepress_api.one_machine.process import Service
from edgepress_api.one_machine.redis_server import configure
from edgepress_api.one_machine.settings import OneMachineSettings
from edgepress_api.one_machine.stack import running_stack
from edgepress_api.one_machine.state_folder import StackRunningError, StateFolder
from edgepress_api.one_machine.supervisor import supervised
from edgepress_common.errors import InvalidInputError, UnavailableError


def test_a_folder_is_held_by_one_stack_at_a_time(tmp_path: Path) -> None:
    """The error names the process that uses it and its address; afterwards the folder is free again."""
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
    """No process is started, no file is changed."""
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
    """A port that is found free can be bound."""
    check_free(free_port())


def test_redis_runs_on_loopback_and_requires_the_password(tmp_path: Path) -> None:
    """The server starts, keeps its passwords in a file for its owner only, and refuses others."""
    server = configure(tmp_path / "redis", free_port())
    assert stat.S_IMODE(server.configuration.stat().st_mode) == 0o600

    with supervised([server.service({}, tmp_path / "redis.log")], say=pytest.fail):
        with Redis.from_url(server.url("scheduler")) as client:
            assert client.ping()
        # No client may read the configuration of the server.
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


@pytest.mark.parametrize("name", ["with a space", "Größe", 'quote " and \\ backslash', "tab\tand\nline", "日本語"])
def test_redis_starts_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    """Its configuration quotes what needs to be."""
    server = configure(tmp_path / name, free_port())

    with (
        supervised([server.service({}, tmp_path / "redis.log")], say=pytest.fail),
        Redis.from_url(server.url("scheduler")) as client,
    ):
        assert client.ping()


def test_a_state_folder_is_its_owners_alone(tmp_path: Path) -> None:
    """Also one that an earlier version made; what else lies in a folder is left as it is."""
    old = tmp_path / "old"
    (old / "artifacts").mkdir(parents=True)
    (old / "edgepress.db").touch()
    for path in (old, old / "artifacts"):
        path.chmod(0o755)
    shared = tmp_path / "shared"
    (shared / "photos").mkdir(parents=True)
    (shared / "logs").mkdir()
    for path in (shared, *shared.iterdir()):
        path.chmod(0o755)

    for folder in (old, shared, tmp_path / "new"):
        with StateFolder(folder).held("http://127.0.0.1:8000"):
            pass

    def mode(path: Path) -> str:
        return oct(path.stat().st_mode & 0o777)

    assert [mode(path) for path in (old, old / "artifacts", tmp_path / "new")] == ["0o700"] * 3
    assert [mode(old / name) for name in ("edgepress.db", "lock")] == ["0o600"] * 2
    assert [mode(shared), mode(shared / "photos"), mode(shared / "logs")] == ["0o755", "0o755", "0o700"]


def test_what_a_service_writes_is_its_owners_alone(tmp_path: Path) -> None:
    """Logs, artifacts, the database: no other user of the machine can read them."""
    written = tmp_path / "written"
    command = ("/bin/sh", "-c", f"mkdir {written}; echo > {written}/file; exec sleep 60")
    service = Service(
        "writer", command, {"PATH": "/usr/bin:/bin"}, tmp_path / "logs" / "log", (written / "file").exists
    )

    with supervised([service], say=pytest.fail):
        pass

    assert written.stat().st_mode & 0o077 == 0
    assert (written / "file").stat().st_mode & 0o077 == 0
    assert (tmp_path / "logs" / "log").stat().st_mode & 0o077 == 0


def test_a_state_folder_that_cant_be_written_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """A file, and a folder that is not there and can't be made: what, where, and what to do."""
    (tmp_path / "file").touch()
    for home in (tmp_path / "file", tmp_path / "file" / "state", Path("/proc/state")):
        with (
            pytest.raises(
                InvalidInputError, match=r"can't write to the state folder /.*; name another .*EDGEPRESS_HOME"
            ),
            running_stack(OneMachineSettings(home=home), None, say=pytest.fail),
        ):
            pytest.fail("it can't have started")


@pytest.mark.parametrize("damage", ["no database", "cut off", "a page"])
def test_a_damaged_database_is_named_before_anything_starts(tmp_path: Path, damage: str) -> None:
    """With the file, SQLite's reason and what to do; the file is left as it is."""
    folder = StateFolder(tmp_path)
    with closing(sqlite3.connect(folder.database)) as connection:
        connection.execute("create table jobs (name text)")
        connection.executemany("insert into jobs values (?)", [("x" * 1000,)] * 100)
        connection.commit()
    folder.check_database()
    content = folder.database.read_bytes()
    damaged = {
        "no database": b"hello" * 1000,
        "cut off": content[: len(content) // 2],
        "a page": content[:8192] + b"\xff" * 4096 + content[12288:],
    }[damage]
    folder.database.write_bytes(damaged)

    with (
        pytest.raises(InvalidInputError, match=rf"the database {folder.database} is damaged \(.+\); restore it"),
        running_stack(OneMachineSettings(home=tmp_path), None, say=pytest.fail),
    ):
        pytest.fail("it can't have started")

    assert folder.database.read_bytes() == damaged
    assert not folder.redis.exists()
