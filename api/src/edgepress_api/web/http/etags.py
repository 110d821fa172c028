"""ETags for JSON: a client that polls sends ``If-None-Match`` and gets 304 while nothing changes (RFC 9110, 13.1.2).

The tag is weak, because the same response may be compressed or not. Responses that already have an ETag are unchanged.
"""

import hashlib
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OPAQUE_TAG = re.compile(r'"[^"]*"')
_KEPT = frozenset({b"etag", b"vary", b"retry-after", b"cache-control", b"location"})


class JsonETags:
    """Adds ETags to successful JSON responses to GET, and responds with 304 if the client has the same version."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        known = _OPAQUE_TAG.findall(Headers(scope=scope).get("if-none-match", ""))
        start: Message | None = None

        async def send_with_tag(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message if _is_plain_json(message) else None
                if start is None:
                    await send(message)
            elif start is None:
                await send(message)
            else:
                await _send_tagged(start, message, known, send)

        await self._app(scope, receive, send_with_tag)


def _is_plain_json(start: Message) -> bool:
    """Return whether a response is JSON in a single message."""
    headers = Headers(raw=start["headers"])
    is_json = headers.get("content-type", "").startswith("application/json")
    return start["status"] == 200 and is_json and "content-length" in headers and "etag" not in headers  # noqa: PLR2004


async def _send_tagged(start: Message, body: Message, known: list[str], send: Send) -> None:
    tag = f'"{hashlib.sha256(body["body"]).hexdigest()[:32]}"'
    MutableHeaders(scope=start)["ETag"] = f"W/{tag}"
    if tag in known:
        headers = [(name, value) for name, value in start["headers"] if name.lower() in _KEPT]
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    else:
        await send(start)
        await send(body)
