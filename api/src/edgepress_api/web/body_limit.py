"""Refuses bodies that are too large: at once if the client says how large, else at the byte that is too many."""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgepress_api.web.problems import KINDS, problem_response


class BodyLimit:
    """Limits the size of bodies, by the path they are sent to.

    Args:
        app: What the bodies are for.
        default_bytes: Largest body.
        bytes_below: Largest body below a path, where that is another.
    """

    def __init__(self, app: ASGIApp, default_bytes: int, bytes_below: Mapping[str, int]) -> None:
        self._app = app
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

        async def receive_within_limit() -> Message:
            nonlocal received_bytes
            message = await receive()
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


def _announced_bytes(scope: Scope) -> int:
    announced = Headers(scope=scope).get("content-length", "")
    return int(announced) if announced.isdecimal() else 0


def _words(limit_bytes: int) -> str:
    return f"the body is larger than {limit_bytes} bytes; accepted: that many at most"
