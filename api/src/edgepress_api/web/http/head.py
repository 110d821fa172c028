"""HEAD for every path with GET (RFC 9110, 9.3.2): the same headers, without the content."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OWN = "/v1/artifacts/"  # handles HEAD itself, without opening the file


class HeadAsGet:
    """Middleware that handles HEAD as GET and drops the content. A stream of events ends at once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or _OWN in scope["path"]:
            await self._app(scope, receive, send)
            return
        ended = False

        async def send_headers(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                await send(message)
            elif not ended:
                ended = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        async def receive_until_ended() -> Message:
            return {"type": "http.disconnect"} if ended else await receive()

        scope["method"] = "GET"
        try:
            await self._app(scope, receive_until_ended, send_headers)
        finally:
            scope["method"] = "HEAD"
