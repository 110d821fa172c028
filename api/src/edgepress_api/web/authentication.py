"""Authenticates requests before any part of them is read; it is fail-closed, since it runs before all routes.

1. ``/health/live`` needs no authentication: it only shows that the process answers. Neither do the dashboard's pages
   and scripts: they are the same for all users, and contain no stored data. They request data by the routes below, with
   the token that the user has typed in.
2. A token authenticates the user or device that it was created for.
3. Without a token, only a gateway that is configured for it (`ApiSettings.require_tokens`) and listens only on
   loopback answers its own machine as the local user. A request with another host, with the headers of a proxy, or of
   a page of another origin is not the machine's own. A proxy need not add headers: nginx, for example, does not by
   default. So tokens are the default, and `edgepress up` creates one for its user.

A browser asks users for a name and password (Basic), and then sends them with every request, also with requests of
pages of other sites. So a token as the password is accepted for reading, never for changes.
"""

import base64
import binascii
import logging
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from edgepress_api.access.principal import LOCAL, Principal
from edgepress_api.settings import ApiSettings
from edgepress_api.web.problems import KINDS, RETRY_AFTER_SECONDS, problem_response
from edgepress_common.local_token import is_loopback

logger = logging.getLogger(__name__)

_OPEN_PATHS = frozenset({"/health/live"})
_PAGES = re.compile(
    r"/(new|devices|compare|static/[^/]+|jobs/[^/]+(/search|/data|/models/[^/]+(/errors)?)?|(datasets|comparisons)/[^/]+)?"
)
_REALM = 'realm="Edgepress"'
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_LOOKING = frozenset({"GET", "HEAD"})


class Authentication:
    """Rejects requests that are not authenticated.

    Args:
        app: The application that gets authenticated requests, with a `Principal` in their state.
        settings: The address that the gateway listens on, and whether it always requires tokens.
        recognize: Returns the principal of a token; None if the token is not valid.
    """

    def __init__(self, app: ASGIApp, settings: ApiSettings, recognize: Callable[[str], Principal | None]) -> None:
        self._app = app
        self._is_open = not settings.require_tokens and is_loopback(settings.host)
        self._recognize = recognize

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or _is_public(scope):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        shown = _shown_token(headers.get("authorization", ""), scope["method"])
        try:
            principal = None if shown is None else await run_in_threadpool(self._recognize, shown)
        except (OperationalError, NoConnectionError) as error:
            logger.error("the database does not answer: %s", error)  # noqa: TRY400 - a trace says nothing more
            retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            detail = "the database does not answer, so that the token cannot be verified; try again"
            answer = problem_response(KINDS["unavailable"], detail, path=scope["path"], headers=retry)
            await answer(scope, receive, send)
            return
        if principal is None and self._is_open and _is_own_machine(headers):
            principal = LOCAL
        if principal is None:
            detail = _detail(headers)
            challenge = {"WWW-Authenticate": _challenge(headers, shown)}
            answer = problem_response(KINDS["unauthorized"], detail, path=scope["path"], headers=challenge)
            await answer(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["principal"] = principal
        # For answers that go on for long: whether the token still counts.
        state["is_still_known"] = lambda: (
            principal is LOCAL or (shown is not None and self._recognize(shown) is not None)
        )
        await self._app(scope, receive, send)


def _is_public(scope: Scope) -> bool:
    path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
    return path in _OPEN_PATHS or (scope["method"] in _LOOKING and _PAGES.fullmatch(path) is not None)


def _is_own_machine(headers: Headers) -> bool:
    host = headers.get("host", "")
    name = host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return is_loopback(name) and _is_own_page(headers) and not any(name in headers for name in _FORWARDED)


def _is_own_page(headers: Headers) -> bool:
    """Return whether the origin is none or this machine; browsers send an origin with all changes."""
    origin = headers.get("origin")
    try:
        return origin is None or is_loopback(urlsplit(origin).hostname or "")
    except ValueError:
        return False


def _shown_token(authorization: str, method: str) -> str | None:
    scheme, _, value = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip()
        case "basic" if method in _LOOKING:
            try:
                return base64.b64decode(value.strip(), validate=True).decode("ascii").partition(":")[2]
            except (binascii.Error, ValueError):
                return ""
        case _:
            return None


def _challenge(headers: Headers, shown: str | None) -> str:
    bearer = f"Bearer {_REALM}" + ("" if shown is None else ', error="invalid_token"')
    is_browser = "text/html" in headers.get("accept", "")
    return f'{bearer}, Basic {_REALM}, charset="UTF-8"' if is_browser else bearer


def _detail(headers: Headers) -> str:
    accepted = "accepted: the header 'Authorization: Bearer TOKEN' with a token that 'edgepress tokens create' made"
    # What was sent is not repeated: answers end up in logs.
    if "authorization" in headers:
        return f"unknown token: it was revoked, has expired, or is of another server; {accepted}"
    return (
        f"the request has no credentials; {accepted}; for a gateway that 'edgepress up' runs on this machine, the "
        "token is in the file 'token' of its state folder, and 'edgepress open --dashboard' opens the dashboard with it"
    )
