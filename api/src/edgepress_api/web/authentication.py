"""Finds out who asks, before anything of a request is read: fail-closed, since it stands before all routes.

1. ``/health/live`` is for everybody: it says nothing but that the process answers. So are the dashboard's pages and
   scripts: they are the same for all, and hold nothing of what is stored. What they show they ask for, by the routes
   below and with the token that their user has typed in.
2. A token stands for whom it was made for.
3. Without one, a gateway that listens on loopback alone answers its own machine as the local user. A request that says
   it is for another host, comes through a proxy, or was made by a page from elsewhere is not the machine's own: a
   reverse proxy would open the gateway to its network, and a web page that its user happens to visit would do what it
   likes.

A browser asks people for name and password (Basic), and sends them with everything afterwards, whoever's page asked for
it. So a token as the password is taken for looking, never for doing.
"""

import base64
import binascii
import ipaddress
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

logger = logging.getLogger(__name__)

_OPEN_PATHS = frozenset({"/health/live"})
_PAGES = re.compile(r"/(new|devices|compare|static/[^/]+|jobs/[^/]+(/models/[^/]+)?)?")
_REALM = 'realm="Edgepress"'
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_LOOKING = frozenset({"GET", "HEAD"})


class Authentication:
    """Lets nobody in who is not known.

    Args:
        app: What they are let in to; finds a `Principal` in the request's state.
        settings: Where the gateway listens, and whether it wants tokens anyway.
        recognize: Whom a token stands for, None for nobody.
    """

    def __init__(self, app: ASGIApp, settings: ApiSettings, recognize: Callable[[str], Principal | None]) -> None:
        self._app = app
        self._is_open = not settings.require_tokens and is_loopback(settings.host)
        self._recognize = recognize

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or _is_for_everybody(scope):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        shown = _shown_token(headers.get("authorization", ""), scope["method"])
        try:
            principal = None if shown is None else await run_in_threadpool(self._recognize, shown)
        except (OperationalError, NoConnectionError) as error:
            logger.error("the database is away: %s", error)  # noqa: TRY400 - a trace says nothing more
            retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            detail = "the database, which knows the tokens, does not answer at the moment; try again"
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
        scope.setdefault("state", {})["principal"] = principal
        await self._app(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address, as far as its form tells."""
    name = host.strip().strip("[]").lower()
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_for_everybody(scope: Scope) -> bool:
    path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
    return path in _OPEN_PATHS or (scope["method"] in _LOOKING and _PAGES.fullmatch(path) is not None)


def _is_own_machine(headers: Headers) -> bool:
    host = headers.get("host", "")
    name = host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return is_loopback(name) and _is_own_page(headers) and not any(name in headers for name in _FORWARDED)


def _is_own_page(headers: Headers) -> bool:
    """Whether no page made the request, or one of this machine's: browsers say so with all that changes something."""
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
        return f"the token is none that is known here: it was revoked, has expired, or is of another server; {accepted}"
    return f"no token was sent; {accepted}"
