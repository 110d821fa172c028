"""``/v1/jobs/{id}/archive`` and ``/v1/jobs/archive``: a job that has ended, for another server."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from edgepress_api.archive.importing import import_job
from edgepress_api.archive.packing import archive_job, check_artifacts, pack_archive
from edgepress_api.jobs.views import show_job
from edgepress_api.web.adapters import Given
from edgepress_api.web.authorization import Reader, Submitter, VisibleJob
from edgepress_api.web.negotiation import preferred
from edgepress_api.web.responses import json_response, own_path, problems
from edgepress_api.web.uploading import announced_bytes, stored
from edgepress_common.answers.jobs import JobView

_TYPES = ("application/zip", "application/octet-stream")  # a generated client may know only bytes
_ACCEPTED = (*_TYPES, "application/x-zip-compressed")

router = APIRouter(tags=["jobs"])


@router.get(
    "/v1/jobs/{job_id}/archive",
    response_class=StreamingResponse,
    response_description="The job with its results and files.",
    responses={
        200: {"content": {each: {"schema": {"type": "string", "format": "binary"}} for each in _TYPES}},
        **problems("not-found", "conflict", "invalid-request"),
    },
)
def fetch_job_archive(
    request: Request,
    given: Given,
    _: Reader,
    job_id: VisibleJob,
    *,
    images: Annotated[
        bool, Query(description="Whether the archive has the images of the data set, as arrays, which may be large.")
    ] = False,
) -> Response:
    """Download a job that has ended, with its results and .tflite files, as a zip that another server can import."""
    with given.database.read() as session:
        archived = archive_job(session, job_id, server=request.base_url.netloc, with_packs=images, now=given.clock())
    check_artifacts(archived, given.store)
    headers = {"Content-Disposition": f'attachment; filename="{job_id}.zip"', "Cache-Control": "no-cache"}
    media_type = preferred(request.headers.get("accept"), _TYPES) or _TYPES[0]
    return StreamingResponse(pack_archive(archived, given.store), headers=headers, media_type=media_type)


@router.post(
    "/v1/jobs/archive",
    status_code=201,
    response_model=JobView,
    response_description="Imported.",
    responses={
        200: {"model": JobView, "description": "You have imported the same archive before."},
        201: {"headers": {"Location": {"description": "Path of the job.", "schema": {"type": "string"}}}},
        **problems(
            "too-large", "unsupported-media-type", "invalid-request", "storage-quota", "too-slow", "unavailable"
        ),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "An archive, as `GET /v1/jobs/{job_id}/archive` of another server answers it.",
            "content": {each: {"schema": {"type": "string", "format": "binary"}} for each in _ACCEPTED},
        }
    },
)
async def import_job_archive(request: Request, given: Given, who: Submitter) -> Response:
    """Import a job of another server. It can be shown, compared and downloaded, but none of its steps runs here."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _ACCEPTED:
        accepted = ", ".join(_ACCEPTED)
        raise HTTPException(
            415,
            f"Content-Type {media_type!r} is not accepted; accepted: the archive itself as the body, as {accepted}",
            {"Accept": accepted},
        )

    def store(chunks: Iterator[bytes]) -> tuple[str, bool]:
        return import_job(
            given.database,
            given.store,
            chunks,
            guarded=given.free_space.guarded,
            now=given.clock(),
            by=who,
            announced_bytes=announced_bytes(request),
        )

    job_id, is_new = await stored(request, store)
    with given.database.read() as session:
        view = show_job(session, job_id)
    return json_response(view, 201 if is_new else 200, {"Location": own_path(request, f"/v1/jobs/{job_id}")})
