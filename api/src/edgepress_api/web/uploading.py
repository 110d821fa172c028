"""Takes the body of an upload to a thread that writes it, piece by piece."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

import anyio
from fastapi import Request

_PIECE_BYTES = 1 << 20  # what is handed to the writing thread at once; each hand-over costs some 0.1 ms
_AT_ONCE = 4  # uploads written at the same time; each takes a thread of its own, so that other requests have theirs

Result = TypeVar("Result")


async def stored(request: Request, store: Callable[[Iterator[bytes]], Result]) -> Result:
    """What a function makes of the body, in a thread of its own.

    Args:
        request: Whose body is the upload.
        store: Is given the bytes as they come in. If they break off, so does its iterator, with an error.
    """
    pieces = _pieces(request.stream())
    return await anyio.to_thread.run_sync(lambda: store(_in_this_thread(pieces)), limiter=_upload_threads(request))


def _in_this_thread(pieces: AsyncIterator[bytes]) -> Iterator[bytes]:
    """The pieces, fetched from the event loop by a thread that it started."""

    async def next_piece() -> bytes:
        return await anext(pieces, b"")

    while piece := anyio.from_thread.run(next_piece):
        yield piece


async def _pieces(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream in larger pieces than the network brings it in."""
    piece = bytearray()
    async for chunk in stream:
        piece += chunk
        if len(piece) >= _PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _upload_threads(request: Request) -> anyio.CapacityLimiter:
    """One limit for all uploads of a server. Made here, since it belongs to the event loop that it is first used in."""
    state = request.app.state
    if not hasattr(state, "upload_threads"):
        state.upload_threads = anyio.CapacityLimiter(_AT_ONCE)
    limiter = state.upload_threads
    assert isinstance(limiter, anyio.CapacityLimiter)
    return limiter
