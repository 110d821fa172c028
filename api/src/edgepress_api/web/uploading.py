"""Passes the body of an upload to a thread that writes it, in pieces.

Each user has a limit of simultaneous uploads, so slow uploads of a user delay only other uploads of the same user.
`edgepress_api.web.http.body_limit` rejects bodies that are too slow.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
from fastapi import Request

_PIECE_BYTES = 1 << 20  # passed to the writing thread at once; each transfer takes about 0.1 ms
_AT_ONCE_BY_USER = 2  # the next of the same user waits
_AT_ONCE = 32  # in all; each takes a thread of its own, so that other requests have theirs

Result = TypeVar("Result")


class UploadPlaces:
    """Limits of simultaneous uploads. Created in the event loop that they belong to."""

    def __init__(self) -> None:
        self._threads = anyio.CapacityLimiter(_AT_ONCE)
        self._places: dict[str, anyio.Semaphore] = {}
        self._users: dict[str, int] = {}

    @asynccontextmanager
    async def place(self, user: str) -> AsyncIterator[anyio.CapacityLimiter]:
        """Wait until the user may upload, and yield the limiter of the threads."""
        places = self._places.setdefault(user, anyio.Semaphore(_AT_ONCE_BY_USER))
        self._users[user] = self._users.get(user, 0) + 1
        try:
            async with places:
                yield self._threads
        finally:
            self._users[user] -= 1
            if not self._users[user]:
                del self._users[user], self._places[user]


async def stored(request: Request, store: Callable[[Iterator[bytes]], Result]) -> Result:
    """Return the result of a function of the body, which runs in its own thread.

    Args:
        request: The request with the upload as its body.
        store: Receives the bytes as they arrive. If the connection breaks, its iterator raises an error.
    """
    pieces = _pieces(request.stream())
    async with _upload_places(request).place(request.state.principal.user) as limiter:
        return await anyio.to_thread.run_sync(lambda: store(_in_this_thread(pieces)), limiter=limiter)


def announced_bytes(request: Request) -> int:
    """Return the length of the body that the client announces; 0 if it announces none."""
    announced = request.headers.get("content-length", "")
    return int(announced) if announced.isdecimal() else 0


def _in_this_thread(pieces: AsyncIterator[bytes]) -> Iterator[bytes]:
    """Yield the chunks, read from the event loop by the thread that writes them."""

    async def next_piece() -> bytes:
        return await anext(pieces, b"")

    while piece := anyio.from_thread.run(next_piece):
        yield piece


async def _pieces(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the stream in larger chunks than they arrive in."""
    piece = bytearray()
    async for chunk in stream:
        piece += chunk
        if len(piece) >= _PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _upload_places(request: Request) -> UploadPlaces:
    state = request.app.state
    if not hasattr(state, "upload_places"):
        state.upload_places = UploadPlaces()
    places = state.upload_places
    assert isinstance(places, UploadPlaces)
    return places
