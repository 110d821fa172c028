"""Cost of a request for a job's status, with 100,000 jobs stored, against a bare FastAPI route with one query.

A uvicorn process serves each; they are requested alternately over one persistent connection each.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import insert

from conftest import free_port
from edgepress_api.database import Database, JobRow
from edgepress_api.database.migrate import migrate
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.jobs.submission import Submission
from edgepress_api.steps.ledger import Ledger, Rules
from fakes.jobs import Workforce, small_spec
from figures import Figure, in_turn

_JOBS = 100_000
_REQUESTS = 200
_LIMIT = 2.0


def measure() -> list[Figure]:
    """A job of one pipeline and five exports, half done, among 100,000 others."""
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{Path(name)}/bench.db"
        job_id = _fill(url)
        environment = {"EDGEPRESS_DATABASE_URL": url, "EDGEPRESS_ARTIFACTS": name, "PATH": "/usr/bin:/bin"}
        gateway = [str(Path(sys.executable).with_name("edgepress-gateway"))]
        bare = [sys.executable, str(Path(__file__).with_name("bare_route.py"))]
        with _served(gateway, environment) as served, _served(bare, environment) as plain:
            status, one_query = in_turn(
                lambda: _ask(served, f"/v1/jobs/{job_id}"), lambda: _ask(plain, f"/jobs/{job_id}"), rounds=7
            )
    ratio = status / one_query
    detail = f"{status / _REQUESTS * 1e3:.2f} ms a request, {one_query / _REQUESTS * 1e3:.2f} ms the bare route"
    return [
        Figure(
            f"status with {_JOBS:,} jobs / bare route, one query", ratio, "x", f"<= {_LIMIT:g}", ratio <= _LIMIT, detail
        )
    ]


def _fill(url: str) -> str:
    database = Database(url)
    migrate(database)
    now = datetime.now(UTC)
    ledger = Ledger(Rules(lease=timedelta(minutes=1), resend_pause=timedelta(minutes=1), max_attempts=3))
    workforce = Workforce(database, ledger, now)
    workforce.announce()
    exports = ["float32", "float16", "dynamic", "int16x8", "int8"]
    spec = small_spec(pipelines=[{"name": "base", "exports": exports}])
    job_id = Submission(database, Fingerprints(roots=()), ledger).submit(spec, now)
    for _ in range(2):
        for step in workforce.take():
            workforce.finish(step)
    others = [
        {"id": f"job-{number}", "name": "other", "state": "succeeded", "spec": spec, "created_at": now}
        for number in range(_JOBS)
    ]
    with database.write() as session:
        session.execute(insert(JobRow), others)
    database.close()
    return job_id


@contextmanager
def _served(command: list[str], environment: dict[str, str]) -> Iterator[httpx.Client]:
    port = free_port()
    server = subprocess.Popen(command, env=environment | {"EDGEPRESS_PORT": str(port)}, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            for _ in range(200):
                try:
                    client.get("/")
                    break
                except httpx.ConnectError:
                    time.sleep(0.1)
            yield client
    finally:
        server.terminate()
        server.wait()


def _ask(client: httpx.Client, path: str) -> None:
    for _ in range(_REQUESTS):
        answer = client.get(path)
        if answer.status_code != httpx.codes.OK:
            raise RuntimeError(f"{path}: {answer.status_code} {json.dumps(answer.text)[:200]}")
