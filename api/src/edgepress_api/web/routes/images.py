"""Images of packs: ``/v1/datasets/{source}/samples``, the errors of a file, and single images as PNG."""

import re
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from edgepress_api.images.errors import find_errors
from edgepress_api.images.packed import read_image
from edgepress_api.images.png import png
from edgepress_api.images.queries import ErrorQuery, SampleQuery
from edgepress_api.images.samples import samples_of_job, samples_of_upload
from edgepress_api.web.adapters import Given
from edgepress_api.web.authorization import Reader, VisibleArtifact, VisibleJob, require_job
from edgepress_api.web.parameters import Sha256InPath
from edgepress_api.web.responses import json_response, problems
from edgepress_api.web.routes.artifacts import immutable
from edgepress_common.answers.file_errors import FileErrors
from edgepress_common.answers.samples import Samples

_SHA256 = re.compile(r"[0-9a-f]{64}")

SourceInPath = Annotated[
    str,
    Path(
        pattern=r"^([0-9a-f]{64}|[A-Za-z0-9-]{1,40})$",
        description="SHA-256 of an uploaded data set, or id of a job.",
    ),
]
ImageInPath = Annotated[int, Path(ge=0, lt=2**31, description="Row of the image in the artifact.")]

router = APIRouter()


@router.get(
    "/v1/datasets/{source}/samples",
    tags=["datasets"],
    response_model=Samples,
    response_description="A page of images; without images while no job has packed the data set.",
    responses=problems("not-found", "invalid-request"),
)
def show_samples(given: Given, who: Reader, source: SourceInPath, query: Annotated[SampleQuery, Query()]) -> Response:
    """Show a data set as networks see it: classes, warnings and images of a split."""
    with given.database.read() as session:
        if _SHA256.fullmatch(source):
            found = samples_of_upload(session, given.store, source, who, query)
        else:
            require_job(session, who, source)
            found = samples_of_job(session, given.store, source, query)
    return json_response(found, headers={"Cache-Control": "no-cache"})


@router.get(
    "/v1/jobs/{job_id}/models/{sha256}/errors",
    tags=["jobs"],
    response_model=FileErrors,
    response_description="A page of images, the surest wrong answers first.",
    responses=problems("not-found", "invalid-request"),
)
def show_errors(
    given: Given, _: Reader, job_id: VisibleJob, sha256: Sha256InPath, query: Annotated[ErrorQuery, Query()]
) -> Response:
    """Show the images that a file classifies wrongly, or otherwise than another file of the job."""
    with given.database.read() as session:
        found = find_errors(session, given.store, job_id, sha256, query)
    return json_response(found, headers={"Cache-Control": "no-cache"})


@router.get(
    "/v1/artifacts/{sha256}/images/{index}",
    tags=["artifacts"],
    response_class=Response,
    responses={
        200: {
            # Generators of clients do not know image/png, which is what is sent (decision 25).
            "description": "The image as PNG, with the media type image/png.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        },
        304: {"description": "Not modified: If-None-Match has the ETag of the image."},
        **problems("not-found"),
    },
)
def fetch_image(request: Request, given: Given, _: Reader, sha256: VisibleArtifact, index: ImageInPath) -> Response:
    """Download an image of a packed data set as PNG."""
    headers, is_known = immutable(request, f"{sha256}-{index}")
    if is_known:
        return Response(status_code=304, headers=headers)
    return Response(png(read_image(given.store, sha256, index)), headers=headers, media_type="image/png")
