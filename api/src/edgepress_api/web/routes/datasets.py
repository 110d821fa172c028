"""``/v1/datasets``: archives of labelled images, sent to the server."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

import anyio
from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edgepress_api.access.principal import Principal
from edgepress_api.datasets.uploads import (
    ARCHIVE_TYPES,
    DatasetPage,
    DatasetView,
    list_datasets,
    show_dataset,
    store_upload,
)
from edgepress_api.web.adapters import Adapters, Given
from edgepress_api.web.authorization import Reader, Submitter
from edgepress_api.web.parameters import DatasetQuery, Sha256InPath, UploadQuery
from edgepress_api.web.responses import json_response, own_path, problems

_ACCEPTED_TYPES = (*ARCHIVE_TYPES, "application/x-zip-compressed", "application/x-gzip", "application/octet-stream")
_PIECE_BYTES = 1 << 20  # what is handed to the writing thread at once; each hand-over costs some 0.1 ms
_AT_ONCE = 4  # uploads written at the same time; each takes a thread of its own, so that other requests have theirs

router = APIRouter(tags=["datasets"])

_ARCHIVE = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "/v1/datasets",
    status_code=201,
    response_model=DatasetView,
    response_description="Stored.",
    responses={
        200: {"model": DatasetView, "description": "The same bytes were there already, under the name shown."},
        201: {"headers": {"Location": {"description": "Path of the data set.", "schema": {"type": "string"}}}},
        **problems("too-large", "unsupported-media-type", "invalid-request", "storage-quota", "unavailable"),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A zip or tar of class folders, or of `train` and `validation` with class folders inside.",
            "content": dict.fromkeys((*ARCHIVE_TYPES, "application/octet-stream"), _ARCHIVE),
        }
    },
)
async def upload_dataset(
    request: Request, given: Given, who: Submitter, query: Annotated[UploadQuery, Query()]
) -> Response:
    """Upload a data set: the archive itself is the body."""
    _check_type(request.headers.get("content-type", ""))
    view, is_new = await anyio.to_thread.run_sync(
        _store, given, who, query.name, _pieces(request.stream()), limiter=_upload_threads(request)
    )
    headers = {"Location": own_path(request, f"/v1/datasets/{view.sha256}")}
    return json_response(view, 201 if is_new else 200, headers)


@router.get("/v1/datasets", response_model=DatasetPage, responses=problems("invalid-request"))
def list_all_datasets(given: Given, who: Reader, query: Annotated[DatasetQuery, Query()]) -> Response:
    """List data sets of one's own that were uploaded, the newest first, each with what a spec says to use it."""
    with given.database.read() as session:
        return json_response(
            list_datasets(session, owner=who.viewer, page_size=query.page_size, page_token=query.page_token)
        )


@router.get("/v1/datasets/{sha256}", response_model=DatasetView, responses=problems("not-found"))
def show_one_dataset(given: Given, who: Reader, sha256: Sha256InPath) -> Response:
    """Show an uploaded data set."""
    with given.database.read() as session:
        return json_response(show_dataset(session, sha256, owner=who.viewer))


def _store(given: Adapters, who: Principal, name: str, pieces: AsyncIterator[bytes]) -> tuple[DatasetView, bool]:
    chunks = given.room.guarded(_in_this_thread(pieces))
    return store_upload(given.database, given.store, chunks, name=name, now=given.clock(), by=who)


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


def _check_type(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in _ACCEPTED_TYPES:
        raise HTTPException(
            415,
            f"Content-Type {media_type!r} is no archive; accepted: the archive itself as the body, as "
            f"{', '.join(_ACCEPTED_TYPES)}",
            {"Accept": ", ".join(_ACCEPTED_TYPES)},
        )
