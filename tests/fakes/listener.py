"""A web server that records requests, and answers as a test requires."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Listener:
    """See the module.

    Attributes:
        status: What it answers.
        location: Address to redirect clients to, if any.
        heard: Headers and body of each request.
        asked: Method and path of each request.
        port: Where it listens.
    """

    status: int = 204
    location: str | None = None
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0


@contextmanager
def listening(listener: Listener, address: str = "127.0.0.1", port: int = 0) -> Iterator[Listener]:
    """Listens for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            listener.asked.append((self.command, self.path))
            listener.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(listener.status)
            if listener.location:
                self.send_header("Location", listener.location)
            self.end_headers()

        def do_PUT(self) -> None:
            self.do_POST()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name for it
            """Log nothing."""

    with ThreadingHTTPServer((address, port), Handler) as server:
        listener.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()
