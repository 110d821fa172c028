"""Security headers: a browser must not run scripts in a response, frame it, or guess its type.

By default a response may not run scripts or load anything; only inline styles are allowed. The pages of the dashboard
and reports have `page_policy` instead: the pages run the gateway's own scripts and send requests to the gateway.
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
# Scripts must not create elements from HTML text, so a job's name can't become a script.
_NO_HTML = "require-trusted-types-for 'script'"


def page_policy(scripts: str) -> dict[str, str]:
    """Return the headers of a page of the dashboard, which runs scripts of the gateway and sends requests to it.

    Inline styles are allowed because a report has them, which is shown under the policy of the page that opens it.

    Args:
        scripts: Sources of inline scripts of such a report.
    """
    return {
        _POLICY: f"default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
        f"connect-src 'self'; img-src 'self' data:; {_NO_HTML}; {_NOTHING_ELSE}"
    }


def report_policy(scripts: str) -> dict[str, str]:
    """Return the headers of a report, which runs its inline scripts and loads and sends nothing.

    Args:
        scripts: Sources of the scripts.
    """
    return {_POLICY: f"{SECURITY_HEADERS[_POLICY]}; script-src {scripts}; {_NO_HTML}"}


class SecurityHeaders:
    """Adds the headers to every response that does not set them itself."""

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
