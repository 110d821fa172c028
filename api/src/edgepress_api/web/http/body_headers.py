"""Rejects bodies in an unsupported encoding (RFC 9110, 15.5.16)."""

from email.message import Message as HeaderMessage

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from edgepress_api.web.problems import KINDS, problem_response

_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii"})


class BodyHeaders:
    """Middleware that responds with 415 if a body is compressed or its charset is not UTF-8."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        fault = _fault(Headers(scope=scope)) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        headers = {"Accept-Encoding": "identity"}
        kind = KINDS["unsupported-media-type"]
        await problem_response(kind, fault, path=scope["path"], headers=headers)(scope, receive, send)


def _fault(headers: Headers) -> str | None:
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        return f"Content-Encoding {encoding[:40]!r} is not supported; accepted: a body that is not compressed"
    content_type = HeaderMessage()
    content_type["content-type"] = headers.get("content-type", "")
    charset = content_type.get_param("charset", "utf-8")
    if not isinstance(charset, str) or charset.strip().lower() not in _CHARSETS:
        return f"charset {str(charset)[:40]!r} is not supported; accepted: UTF-8"
    return None
