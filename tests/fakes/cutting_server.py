"""A web server on this machine that cuts connections, as real ones do with large files."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class CuttingServer:
    """Files to serve, and the requests received.

    Attributes:
        files: Content by path, for example ``/a.zip``.
        cut_after: Bytes of a body after which each answer is cut off; None for never.
        failures: Statuses to answer the next requests with, before it serves.
        honours_ranges: Whether it goes on where the client left off.
        ranges: The ``Range`` header of each request, in order; None where there was none.
        url: Where it is.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: int | None = None
    failures: list[int] = field(default_factory=list)
    honours_ranges: bool = True
    ranges: list[str | None] = field(default_factory=list)
    url: str = ""


@contextmanager
def cutting_server() -> Iterator[CuttingServer]:
    """Runs one, on a port of its own."""
    state = CuttingServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.ranges.append(self.headers.get("Range"))
            content = state.files.get(self.path)
            if state.failures:
                self.send_error(state.failures.pop(0))
            elif content is None:
                self.send_error(404)
            else:
                self._serve(content)

        def _serve(self, content: bytes) -> None:
            match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")) if state.honours_ranges else None
            start = int(match[1]) if match else 0
            if start >= len(content) > 0:
                self.send_error(416)
                return
            self.send_response(206 if match else 200)
            self.send_header("Content-Length", str(len(content) - start))
            if match:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            end = len(content) if state.cut_after is None else start + state.cut_after
            self.wfile.write(content[start:end])  # the server closes the connection after each answer (HTTP/1.0)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            """Keeps the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
