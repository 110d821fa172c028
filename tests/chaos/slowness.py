"""Slow for a while: a process, the database, the disk, the line to the device, or a user.

A process that is slow is one that stands still most of the time. The same is done to all processes of the database, and
to writing to the disk. The line passes its pieces late. A slow user sends and reads as little as it can.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

from chaos.acts import Component
from chaos.lies import Told
from chaos.stack import BreakableStack

_STANDS_SECONDS, _GOES_SECONDS = 0.4, 0.1
_LATE_SECONDS = 0.3
_UPLOADS, _STREAMS = 4, 4  # as many uploads as the gateway has places for
_TRICKLE_SECONDS = 0.5
_OTHERS_WAIT_SECONDS = 20.0  # on two busy cores, with a database or a gateway that was just killed


def slow_down(stack: BreakableStack, component: Component, seconds: float) -> list[Told]:
    """Make a component slow for so many seconds; return what another user was answered meanwhile, if that matters."""
    match component:
        case "line":
            stack.line.late_seconds = _LATE_SECONDS
            time.sleep(seconds)
            stack.line.late_seconds = 0
        case "user":
            with _slow_user(stack) as trickle:
                return _others_are_served(stack, seconds, trickle)
        case "disk":
            assert stack.disk is not None
            folder = stack.disk
            _by_turns(seconds, lambda: _frozen(folder))
        case "database":
            _by_turns(seconds, stack.locked_database if stack.postgres is None else stack.postgres.paused)
        case _:
            _by_turns(seconds, lambda: _suspended(stack.process(component)))
    return []


def _by_turns(seconds: float, standing: Callable[[], AbstractContextManager[None]]) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(psutil.NoSuchProcess), standing():
            time.sleep(_STANDS_SECONDS)
        time.sleep(_GOES_SECONDS)


@contextmanager
def _suspended(process: psutil.Process | None) -> Iterator[None]:
    if process is None:
        yield
        return
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@contextmanager
def _frozen(folder: Path) -> Iterator[None]:
    """No process can write to the file system meanwhile: each waits."""
    subprocess.run(["fsfreeze", "--freeze", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["fsfreeze", "--unfreeze", str(folder)], check=True)


@contextmanager
def _slow_user(stack: BreakableStack) -> Iterator[Callable[[], None]]:
    """Open uploads and event streams; give a function that sends one byte more of each upload."""
    address, token = urlsplit(stack.stack.url), stack.stranger
    jobs = [row["id"] for row in _jobs(stack)]
    head = f"Host: {address.netloc}\r\nAuthorization: Bearer {{}}\r\n"
    upload = f"POST /v1/datasets?name=slow HTTP/1.1\r\n{head.format(token)}Content-Type: application/zip\r\n"
    uploads = [f"{upload}Content-Length: 10000000\r\n\r\nPK".encode()] * _UPLOADS
    own = head.format(stack.stack.token)
    streams = [f"GET /v1/jobs/{jobs[0]}/events HTTP/1.1\r\n{own}\r\n".encode()] * _STREAMS if jobs else []
    with ExitStack() as held:
        opened: list[socket.socket] = []
        for request in (*uploads, *streams):
            with suppress(OSError):  # the gateway was just killed
                connection = socket.socket()
                held.callback(connection.close)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the least there is; never read from
                connection.connect((address.hostname, address.port))
                connection.sendall(request)
                opened.append(connection)
        yield lambda: _send_a_byte(opened[: len(uploads)])


def _send_a_byte(uploads: Sequence[socket.socket]) -> None:
    for upload in uploads:
        with suppress(OSError):  # refused, or the gateway was killed
            upload.send(b"P")


def _others_are_served(stack: BreakableStack, seconds: float, trickle: Callable[[], None]) -> list[Told]:
    slowest, until = 0.0, time.monotonic() + seconds
    while time.monotonic() < until:
        trickle()
        began = time.monotonic()
        with suppress(httpx.HTTPError):
            stack.http.get("/v1/jobs")
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(_TRICKLE_SECONDS)
    words = f"the slowest answer to another user took {slowest:.1f} s"
    return [Told("slow user", words, is_refused=slowest < _OTHERS_WAIT_SECONDS)]


def _jobs(stack: BreakableStack) -> list[dict[str, str]]:
    try:
        jobs: list[dict[str, str]] = stack.http.get("/v1/jobs").raise_for_status().json()["jobs"]
    except httpx.HTTPError:
        return []
    return jobs
