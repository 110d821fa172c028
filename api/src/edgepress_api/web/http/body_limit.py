"""Refuses bodies that are too large: at once if the client says how large, else at the byte that is too many.

Bodies that arrive too slowly are rejected as well: each occupies a connection, and an upload also a thread.
"""

import time
from collections.abc import Mapping

import anyio
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgepress_api.web.problems import KINDS, problem_response

_LEAST_BYTES_PER_SECOND = 4096  # a tenth of what a slow mobile connection sends


class BodyLimit:
    """Limits the size of request bodies by path.

    Args:
        app: What the bodies are for.
        default_bytes: Largest body.
        bytes_below: Largest body below a path, where that is another.
        stall_seconds: How long a client may take to go on; it earns this back at the least rate.
    """

    def __init__(
        self, app: ASGIApp, default_bytes: int, bytes_below: Mapping[str, int], *, stall_seconds: float = 30
    ) -> None:
        self._app = app
        self._stall_seconds = stall_seconds
        self._default_bytes = default_bytes
        self._bytes_below = bytes_below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit_bytes = self._limit(scope)
        if _announced_bytes(scope) > limit_bytes:
            kind, path = KINDS["too-large"], scope["path"]
            await problem_response(kind, _words(limit_bytes), path=path)(scope, receive, send)
            return
        received_bytes = 0
        patience = _Patience(self._stall_seconds)

        async def receive_within_limit() -> Message:
            nonlocal received_bytes
            message = await patience.next(receive)
            received_bytes += len(message.get("body", b""))
            if received_bytes > limit_bytes:
                raise HTTPException(KINDS["too-large"].status, _words(limit_bytes))
            return message

        await self._app(scope, receive_within_limit, send)

    def _limit(self, scope: Scope) -> int:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        return next(
            (limit for prefix, limit in self._bytes_below.items() if path.startswith(prefix)), self._default_bytes
        )


class _Patience:
    """Limits the time until the next chunk of a body.

    A budget of seconds is reduced by waiting and restored by received bytes, at `_LEAST_BYTES_PER_SECOND`. Only the
    time spent waiting for the client counts, until the body is complete.
    """

    def __init__(self, stall_seconds: float) -> None:
        self._stall_seconds = self._seconds_left = stall_seconds
        self._is_complete = False

    async def next(self, receive: Receive) -> Message:
        if self._is_complete:
            return await receive()
        start = time.monotonic()
        try:
            with anyio.fail_after(self._seconds_left):
                message = await receive()
        except TimeoutError:
            raise HTTPException(
                KINDS["too-slow"].status,
                f"the body comes too slowly; accepted: {_LEAST_BYTES_PER_SECOND} bytes a second, and no pause of "
                f"{self._stall_seconds:g} s",
                {"Connection": "close"},
            ) from None
        self._is_complete = not message.get("more_body", False)
        earned = len(message.get("body", b"")) / _LEAST_BYTES_PER_SECOND
        self._seconds_left = min(self._stall_seconds, self._seconds_left - (time.monotonic() - start) + earned)
        return message


def _announced_bytes(scope: Scope) -> int:
    announced = Headers(scope=scope).get("content-length", "")
    return int(announced) if announced.isdecimal() else 0


def _words(limit_bytes: int) -> str:
    return f"the body is larger than {limit_bytes} bytes; accepted: at most that many"
