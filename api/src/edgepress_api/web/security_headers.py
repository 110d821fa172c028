"""Headers that tell a browser to run, frame and guess nothing.

An answer may run nothing at all, have its style inside, and ask for nothing. The pages of the dashboard run the
gateway's own scripts, and ask the gateway itself: `PAGE_POLICY`, which such a page brings along.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = "Content-Security-Policy"
_NOTHING_ELSE = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

SECURITY_HEADERS = {
    _POLICY: f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; {_NOTHING_ELSE}",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

# Nothing in a page is made by writing HTML (`require-trusted-types-for`): a job's name can't come to be a script. Style
# may be inside since a report, which has it there, is shown under the policy of the page that opens it.
PAGE_POLICY = {
    _POLICY: "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    f"img-src 'self' data:; require-trusted-types-for 'script'; {_NOTHING_ELSE}"
}


class SecurityHeaders:
    """Adds them to every response, except where it says something of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
