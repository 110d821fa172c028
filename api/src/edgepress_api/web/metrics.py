"""Metrics for Prometheus: duration of requests. Metrics of the work are in `edgepress_api.web.work_metrics`."""

import time

from prometheus_client import CollectorRegistry, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Paths that do not exist share one label; otherwise any client could create new time series.
_NONE = "(none)"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def request_seconds(registry: CollectorRegistry) -> Histogram:
    """Duration of requests, until the last byte of the response."""
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
        status = 500  # if the application fails without a response

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
