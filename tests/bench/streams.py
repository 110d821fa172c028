"""Open event streams: what 500 of them cost the gateway, and how long another user's request takes meanwhile.

They belong to 17 users with 30 streams at most, each user with one job, one of which has a training that reports twice
a second, as a worker does.
"""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import psutil

from edgepress_api.access.principal import Principal
from edgepress_api.database import Database
from edgepress_api.web.routes.events import MOST_STREAMS
from edgepress_common.messages import Progress, RunStep
from fakes.gateway_app import GatewayApp
from fakes.gateway_process import running_gateway
from fakes.jobs import small_spec
from figures import Figure

_STREAMS = 500
_SECONDS = 10.0
_SETTLES_SECONDS = 5.0
_REPORTS_EVERY_SECONDS = 0.5
_ASKS_EVERY_SECONDS = 0.05
_LIMIT_PERCENT, _LIMIT_MB, _LIMIT_MS, _LIMIT_SLOW_MS = 75.0, 400.0, 50.0, 1000.0


class Cost(NamedTuple):
    """The cost of open streams.

    Attributes:
        share: Processor time of the gateway, of one core.
        memory_bytes: Resident memory of the gateway.
        answers_seconds: How long each request of another user took.
    """

    share: float
    memory_bytes: int
    answers_seconds: Sequence[float]

    def answer_ms(self, percent: int) -> float:
        """Return a percentile of the answers, in milliseconds."""
        return 1000 * quantiles(self.answers_seconds, n=100)[percent - 1]


def measure() -> Iterator[Figure]:
    """Measures a gateway without streams, and with 500."""
    quiet, full = (_cost(streams) for streams in (0, _STREAMS))
    for name, unit, without, value, limit in (
        ("processor time of the gateway, of one core", "%", 100 * quiet.share, 100 * full.share, _LIMIT_PERCENT),
        ("memory of the gateway", "MB", quiet.memory_bytes / 1e6, full.memory_bytes / 1e6, _LIMIT_MB),
        ("another user's GET, median", "ms", quiet.answer_ms(50), full.answer_ms(50), _LIMIT_MS),
        ("another user's GET, 99th percentile", "ms", quiet.answer_ms(99), full.answer_ms(99), _LIMIT_SLOW_MS),
    ):
        detail = f"{without:.1f} {unit} without streams"
        yield Figure(f"{_STREAMS} event streams: {name}", value, unit, f"<= {limit:g}", value <= limit, detail)


def _cost(streams: int) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        return cost_of(Path(folder), streams)


def cost_of(folder: Path, streams: int, *, seconds: float = _SECONDS) -> Cost:
    """Keep so many streams open for some seconds.

    Args:
        folder: An empty folder for the gateway.
        streams: How many.
        seconds: How long to measure, once they are open.
    """
    with running_gateway(folder, EDGEPRESS_REQUIRE_TOKENS="true") as (gateway, url), ExitStack() as held:
        app = GatewayApp(Database(f"sqlite:///{folder}/edgepress.db"), folder)
        held.callback(app.database.close)
        held.enter_context(_reporting(app))
        for first in range(0, streams, MOST_STREAMS):
            user = f"user{first}"
            by = Principal(user=user, scopes=frozenset({"submit"}))
            job_id = app.submission.submit(small_spec(name=user, training={"epochs": 2, "seed": first}), app.now, by=by)
            token = app.token(user, "read")
            for _ in range(min(MOST_STREAMS, streams - first)):
                held.enter_context(_open(url, f"/v1/jobs/{job_id}/events", token))
        time.sleep(_SETTLES_SECONDS if streams else 0)
        process = psutil.Process(gateway.pid)
        before, began = sum(process.cpu_times()[:2]), time.monotonic()
        answers = _ask(url, app.token("other", "read"), seconds)
        share = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)
        return Cost(share, process.memory_info().rss, answers)


@contextmanager
def _open(url: str, path: str, token: str) -> Iterator[None]:
    address = urlsplit(url)
    head = f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 200"), "the stream was refused"
        yield


@contextmanager
def _reporting(app: GatewayApp) -> Iterator[None]:
    """A job whose first step runs, and reports."""
    app.submit()
    (step,) = app.workforce.take(ahead=1)
    over = threading.Event()
    reporter = threading.Thread(target=_report, args=(app, step, over))
    reporter.start()
    try:
        yield
    finally:
        over.set()
        reporter.join()


def _report(app: GatewayApp, step: RunStep, over: threading.Event) -> None:
    fraction = 0.0
    while not over.wait(_REPORTS_EVERY_SECONDS):
        fraction = (fraction + 0.01) % 1
        with app.database.write() as session:
            now, progress = app.now, Progress(fraction=fraction)
            app.ledger.renew(session, step.step_key, step.attempt, holder="w", progress=progress, now=now)


def _ask(url: str, token: str, seconds: float) -> list[float]:
    taken, until = [], time.monotonic() + seconds
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False) as http:
        http.get("/v1/jobs").raise_for_status()
        while time.monotonic() < until:
            began = time.monotonic()
            http.get("/v1/jobs").raise_for_status()
            taken.append(time.monotonic() - began)
            time.sleep(_ASKS_EVERY_SECONDS)
    return taken
