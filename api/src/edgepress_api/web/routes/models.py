"""``/v1/models``: Keras models, sent to the server to go on from."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edgepress_api.access.principal import Principal
from edgepress_api.models.uploads import MODEL_TYPE, ModelPage, ModelView, list_models, show_model, store_model
from edgepress_api.web.adapters import Adapters, Given
from edgepress_api.web.authorization import Reader, Submitter
from edgepress_api.web.parameters import ModelQuery, Sha256InPath, UploadQuery
from edgepress_api.web.responses import json_response, own_path, problems
from edgepress_api.web.uploading import stored

_ACCEPTED_TYPES = (MODEL_TYPE, "application/zip", "application/octet-stream")

router = APIRouter(tags=["models"])

_FILE = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "/v1/models",
    status_code=201,
    response_model=ModelView,
    response_description="Stored.",
    responses={
        200: {"model": ModelView, "description": "The same bytes were there already, under the name shown."},
        201: {"headers": {"Location": {"description": "Path of the model.", "schema": {"type": "string"}}}},
        **problems("too-large", "unsupported-media-type", "invalid-request", "storage-quota", "unavailable"),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A .keras file of known layers, as `model.save` writes it. Code of any kind is refused.",
            "content": dict.fromkeys(_ACCEPTED_TYPES, _FILE),
        }
    },
)
async def upload_model(
    request: Request, given: Given, who: Submitter, query: Annotated[UploadQuery, Query()]
) -> Response:
    """Upload a Keras model: the .keras file itself is the body."""
    _check_type(request.headers.get("content-type", ""))
    view, is_new = await stored(request, lambda chunks: _store(given, who, query.name, chunks))
    headers = {"Location": own_path(request, f"/v1/models/{view.sha256}")}
    return json_response(view, 201 if is_new else 200, headers)


@router.get("/v1/models", response_model=ModelPage, responses=problems("invalid-request"))
def list_all_models(given: Given, who: Reader, query: Annotated[ModelQuery, Query()]) -> Response:
    """List models of one's own that were uploaded, the newest first, each with what a spec says to use it."""
    with given.database.read() as session:
        return json_response(
            list_models(session, owner=who.viewer, page_size=query.page_size, page_token=query.page_token)
        )


@router.get("/v1/models/{sha256}", response_model=ModelView, responses=problems("not-found"))
def show_one_model(given: Given, who: Reader, sha256: Sha256InPath) -> Response:
    """Show an uploaded model."""
    with given.database.read() as session:
        return json_response(show_model(session, sha256, owner=who.viewer))


def _store(given: Adapters, who: Principal, name: str, chunks: Iterator[bytes]) -> tuple[ModelView, bool]:
    return store_model(given.database, given.store, given.room.guarded(chunks), name=name, now=given.clock(), by=who)


def _check_type(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in _ACCEPTED_TYPES:
        raise HTTPException(
            415,
            f"Content-Type {media_type!r} is no Keras model; accepted: the .keras file itself as the body, as "
            f"{', '.join(_ACCEPTED_TYPES)}",
            {"Accept": ", ".join(_ACCEPTED_TYPES)},
        )
