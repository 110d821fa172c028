"""``/v1/datasets``: archives of labelled images, sent to the server."""

from collections.abc import Iterator
from typing import Annotated

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
from edgepress_api.web.uploading import stored

_ACCEPTED_TYPES = (*ARCHIVE_TYPES, "application/x-zip-compressed", "application/x-gzip", "application/octet-stream")

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
    view, is_new = await stored(request, lambda chunks: _store(given, who, query.name, chunks))
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


def _store(given: Adapters, who: Principal, name: str, chunks: Iterator[bytes]) -> tuple[DatasetView, bool]:
    return store_upload(given.database, given.store, given.room.guarded(chunks), name=name, now=given.clock(), by=who)


def _check_type(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in _ACCEPTED_TYPES:
        raise HTTPException(
            415,
            f"Content-Type {media_type!r} is no archive; accepted: the archive itself as the body, as "
            f"{', '.join(_ACCEPTED_TYPES)}",
            {"Accept": ", ".join(_ACCEPTED_TYPES)},
        )
