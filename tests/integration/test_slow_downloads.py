"""Downloads that are not read: other requests are answered meanwhile."""

import socket
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from edgepress_common.artifacts import FolderStore
from fakes.gateway_process import running_gateway

DOWNLOADS = 100  # more than the threads of the gateway, and than its connections to a database
SIZE_BYTES = 8_000_000  # more than the buffers of both ends hold
ANSWERED_WITHIN_SECONDS = 5.0  # on a busy machine; they wait forever where each download keeps a thread


def test_downloads_that_are_not_read_hold_up_no_others(tmp_path: Path) -> None:
    """Lists, and a download of the same file, are answered while a hundred others stand still."""
    (tmp_path / "file").write_bytes(bytes(SIZE_BYTES))
    stored = FolderStore(tmp_path / "artifacts").put_file(tmp_path / "file")
    with ExitStack() as held:
        _, url = held.enter_context(running_gateway(tmp_path))
        http = held.enter_context(httpx.Client(base_url=url, trust_env=False))
        address = urlsplit(url)
        request = f"GET /v1/artifacts/{stored.sha256} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode()
        for _ in range(DOWNLOADS):
            slow = held.enter_context(socket.create_connection((address.hostname, address.port), timeout=30))
            slow.sendall(request)
            assert slow.recv(15) == b"HTTP/1.1 200 OK"
        began = time.monotonic()
        assert http.get("/v1/jobs", timeout=30).status_code == 200
        assert len(http.get(f"/v1/artifacts/{stored.sha256}", timeout=30).content) == SIZE_BYTES
        assert time.monotonic() - began < ANSWERED_WITHIN_SECONDS
