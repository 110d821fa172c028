"""The whole of Edgepress on this machine, started once for all tests."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from e2e.stack import BEHIND_A_PROXY, PROGRAM, TINY, TWO_PROPOSALS, Edgepress
from edgepress_api.one_machine.ports import free_port

_START_SECONDS = 120
_STOP_SECONDS = 60
_LEASE_SECONDS = 6  # three heartbeats of a worker: its death is noticed soon


@pytest.fixture(scope="session")
def edgepress(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edgepress]:
    """`edgepress up` in a temporary folder. Its processes and files are removed after the tests."""
    home = tmp_path_factory.mktemp("edgepress")
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = os.environ | BEHIND_A_PROXY
    environment |= {"EDGEPRESS_HOME": str(home), "EDGEPRESS_LEASE_SECONDS": str(_LEASE_SECONDS)} | TWO_PROPOSALS
    with (home / "up.log").open("w") as log:
        process = subprocess.Popen([PROGRAM, "up", "--port", str(port)], env=environment, stdout=log, stderr=log)
    supervisor = psutil.Process(process.pid)
    with httpx.Client(base_url=url, timeout=60) as http:
        _wait_until_up(process, home / "up.log")
        found = Edgepress(url=url, home=home, http=http, supervisor=supervisor)
        http.headers.update(found.headers)
        yield found
    children = supervisor.children(recursive=True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(_STOP_SECONDS) == 0, (home / "up.log").read_text()
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []


@pytest.fixture(scope="session")
def tiny_job(edgepress: Edgepress) -> str:
    """A job that has been posted and has succeeded."""
    job_id = edgepress.post(TINY)
    job = edgepress.wait(job_id)
    assert job["state"] == "succeeded", job
    return job_id


def _wait_until_up(process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while "is ready at" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
