"""Figures for Prometheus: jobs and steps as they stand when they are asked for, and how long requests took."""

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgepress_api.database import Database, JobRow, StepRow

# What is not there shares one label, or anybody could make new ones.
_NONE = "(none)"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class WorkCollector(Collector):
    """Counts jobs and steps in the database whenever it is asked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing in advance, so that the registry does not ask the database when this is registered."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures of this moment."""
        jobs = GaugeMetricFamily("edgepress_jobs", "Jobs by state.", labels=["state"])
        steps = GaugeMetricFamily("edgepress_steps", "Steps by kind and state.", labels=["kind", "state"])
        with self._database.read() as session:
            for job_state, count in session.execute(select(JobRow.state, func.count()).group_by(JobRow.state)):
                jobs.add_metric([job_state], count)
            by_state = select(StepRow.kind, StepRow.state, func.count()).group_by(StepRow.kind, StepRow.state)
            for kind, state, count in session.execute(by_state):
                steps.add_metric([kind, state], count)
        yield jobs
        yield steps


def request_seconds(registry: CollectorRegistry) -> Histogram:
    """How long requests took, until the last byte of the answer."""
    return Histogram(
        "edgepress_request_seconds",
        "Duration of HTTP requests.",
        labelnames=["method", "route", "status"],
        registry=registry,
    )


class RequestMetrics:
    """Measures every request."""

    def __init__(self, app: ASGIApp, seconds: Histogram) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # what is answered when nothing is

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        start = time.perf_counter()
        try:
            await self._app(scope, receive, send_and_note)
        finally:
            route = getattr(scope.get("route"), "path", _NONE)
            method = scope["method"] if scope["method"] in _METHODS else _NONE
            self._seconds.labels(method, route, status).observe(time.perf_counter() - start)
