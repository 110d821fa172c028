"""A reverse proxy that serves a gateway below a path, as nginx or Caddy would: it takes the path away, and says so."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

_OF_ONE_LINE = {"connection", "keep-alive", "transfer-encoding"}  # headers that are not forwarded
_TIMEOUT_SECONDS = 60


@contextmanager
def prefix_proxy(gateway: str, prefix: str, *, says_so: bool = True) -> Iterator[str]:
    """Runs one on a port of its own.

    Args:
        gateway: The address to ask.
        prefix: What a path has to begin with, as in ``/edgepress``. Anything else is answered with 404.
        says_so: Whether it names the client. nginx with ``proxy_pass http://127.0.0.1:8000/;`` alone does not: it asks
            as the machine itself, for the host that it was told.

    Yields:
        The address of the gateway's root, as a browser would be given it.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith(f"{prefix}/"):
                self.send_error(404)
                return
            line = http.client.HTTPConnection(urlsplit(gateway).netloc, timeout=_TIMEOUT_SECONDS)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_ONE_LINE}
            if says_so:
                headers["X-Forwarded-For"] = self.client_address[0]
            else:
                headers.pop("Host", None)
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            line.request(self.command, self.path.removeprefix(prefix), body, headers)
            with line.getresponse() as answer, suppress(ConnectionError):  # a browser may have gone elsewhere
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in _OF_ONE_LINE:
                        self.send_header(name, value)
                self.end_headers()
                while piece := answer.read1(1 << 16):
                    self.wfile.write(piece)  # at once: events are to come as they happen

        do_POST = do_PUT = do_GET  # noqa: N815 - the names are http.server's

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            """Keeps the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{prefix}"
        finally:
            server.shutdown()
            thread.join()
