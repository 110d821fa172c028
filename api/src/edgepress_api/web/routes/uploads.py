"""``/v1/datasets`` and ``/v1/models``: files that users upload."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edgepress_api.datasets.uploads import DATASETS
from edgepress_api.models.uploads import MODELS
from edgepress_api.uploads.deleting import delete_upload
from edgepress_api.uploads.kind import Page, UploadKind, View
from edgepress_api.uploads.pages import list_uploads, show_upload
from edgepress_api.uploads.storing import store_upload
from edgepress_api.web.adapters import Given
from edgepress_api.web.authorization import Reader, Submitter
from edgepress_api.web.parameters import Sha256InPath, UploadListQuery, UploadQuery
from edgepress_api.web.responses import json_response, own_path, problems
from edgepress_api.web.uploading import announced_bytes, stored

_UPLOAD_PROBLEMS = problems(
    "too-large", "unsupported-media-type", "invalid-request", "storage-quota", "too-slow", "unavailable"
)


def _routes(kind: UploadKind[View, Page]) -> APIRouter:
    """Return the routes of a kind of uploads."""
    router, path = APIRouter(tags=[kind.resource]), f"/v1/{kind.resource}"
    _add_upload(router, kind)

    @router.get(
        path,
        name=f"list_all_{kind.resource}",
        description=f"List your uploaded {kind.noun}s, the newest first, each with the `{kind.field}` of a spec that "
        "uses it.",
        response_model=kind.page,
        responses=problems("invalid-request"),
    )
    def list_all(given: Given, who: Reader, query: Annotated[UploadListQuery, Query()]) -> Response:
        with given.database.read() as session:
            page = list_uploads(session, kind, owner=who.viewer, page_size=query.page_size, page_token=query.page_token)
        return json_response(page)

    @router.get(
        f"{path}/{{sha256}}",
        name=f"show_one_{kind.field}",
        description=f"Show an uploaded {kind.noun}.",
        response_model=kind.view,
        responses=problems("not-found"),
    )
    def show_one(given: Given, who: Reader, sha256: Sha256InPath) -> Response:
        with given.database.read() as session:
            return json_response(show_upload(session, kind, sha256, owner=who.viewer))

    @router.delete(
        f"{path}/{{sha256}}",
        name=f"delete_one_{kind.field}",
        description=f"Delete an uploaded {kind.noun} that no active job uses.",
        status_code=204,
        responses=problems("not-found", "conflict"),
    )
    def delete_one(given: Given, who: Submitter, sha256: Sha256InPath) -> None:
        with given.database.write() as session:
            delete_upload(session, kind.row, sha256, owner=who.viewer)

    return router


def _add_upload(router: APIRouter, kind: UploadKind[View, Page]) -> None:
    path = f"/v1/{kind.resource}"

    @router.post(
        path,
        name=f"upload_{kind.field}",
        description=f"Upload a {kind.noun}: the {kind.file} itself is the body.",
        status_code=201,
        response_model=kind.view,
        response_description="Stored.",
        responses={
            200: {
                "model": kind.view,
                "description": f"The same {kind.file} has been uploaded before, with the name in the response.",
            },
            201: {"headers": {"Location": {"description": f"Path of the {kind.noun}.", "schema": {"type": "string"}}}},
            **_UPLOAD_PROBLEMS,
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "description": kind.content,
                "content": {each: {"schema": {"type": "string", "format": "binary"}} for each in kind.media_types},
            }
        },
    )
    async def upload(
        request: Request, given: Given, who: Submitter, query: Annotated[UploadQuery, Query()]
    ) -> Response:
        def store(chunks: Iterator[bytes]) -> tuple[View, bool]:
            return store_upload(
                kind,
                given.database,
                given.store,
                given.free_space.guarded(chunks),
                name=query.name,
                now=given.clock(),
                by=who,
                announced_bytes=announced_bytes(request),
            )

        _check_type(request.headers.get("content-type", ""), kind)
        view, is_new = await stored(request, store)
        return json_response(view, 201 if is_new else 200, {"Location": own_path(request, f"{path}/{view.sha256}")})


def _check_type(content_type: str, kind: UploadKind[View, Page]) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in kind.media_types:
        accepted = ", ".join(kind.media_types)
        raise HTTPException(
            415,
            f"Content-Type {media_type!r} is not accepted; accepted: the {kind.file} itself as the body, as {accepted}",
            {"Accept": accepted},
        )


router = APIRouter()
router.include_router(_routes(DATASETS))
router.include_router(_routes(MODELS))
