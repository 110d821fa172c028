"""``/v1/jobs/{id}/models/{sha256}``: a model with everything that is needed to run it, and as C source."""

from collections.abc import Iterator
from typing import IO, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from edgepress_api.bundle.c_files import pack_c_source
from edgepress_api.bundle.coded import find_coded_file
from edgepress_api.bundle.packing import find_bundle, pack_bundle
from edgepress_api.report.building import build_report
from edgepress_api.web.adapters import Given
from edgepress_api.web.authorization import Reader, VisibleJob
from edgepress_api.web.negotiation import preferred
from edgepress_api.web.parameters import Sha256InPath
from edgepress_api.web.responses import problems

_TYPES = ("application/zip", "application/octet-stream")  # a generated client may know only bytes
_CHUNK_BYTES = 1 << 20

CodedParameter = Annotated[
    bool,
    Query(description="Whether the zip has the coded file, model.epz, with its decoder, instead of the .tflite file."),
]

router = APIRouter(tags=["jobs"])


@router.get(
    "/v1/jobs/{job_id}/models/{sha256}/bundle",
    response_class=StreamingResponse,
    response_description="The .tflite file, labels, preprocessing, model card, and a program that runs it.",
    responses={
        200: {"content": {each: {"schema": {"type": "string", "format": "binary"}} for each in _TYPES}},
        **problems("not-found"),
    },
)
def fetch_bundle(
    request: Request,
    given: Given,
    _: Reader,
    job_id: VisibleJob,
    sha256: Sha256InPath,
    *,
    coded: CodedParameter = False,
) -> Response:
    """Download a model with everything that is needed to run it, as a zip."""
    with given.database.read() as session:
        bundle = find_bundle(build_report(session, job_id), sha256)
        file = find_coded_file(session, job_id, sha256) if coded else sha256
    packed = pack_bundle(bundle, given.store.local_path(file), is_coded=coded)
    return _zip(packed, f"{bundle.name}.zip", request)


@router.get(
    "/v1/jobs/{job_id}/models/{sha256}/c-source",
    response_class=StreamingResponse,
    response_description="A header and a source in C with the .tflite file as an array.",
    responses={
        200: {"content": {each: {"schema": {"type": "string", "format": "binary"}} for each in _TYPES}},
        **problems("not-found"),
    },
)
def fetch_c_source(request: Request, given: Given, _: Reader, job_id: VisibleJob, sha256: Sha256InPath) -> Response:
    """Download a model as C source for microcontrollers, with its classes and quantization, as a zip."""
    with given.database.read() as session:
        bundle = find_bundle(build_report(session, job_id), sha256)
    return _zip(pack_c_source(bundle, given.store.local_path(sha256)), f"{bundle.name}-c.zip", request)


def _zip(packed: IO[bytes], name: str, request: Request) -> Response:
    media_type = preferred(request.headers.get("accept"), _TYPES) or _TYPES[0]
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-cache"}
    return StreamingResponse(_chunks(packed), headers=headers, media_type=media_type)


def _chunks(packed: IO[bytes]) -> Iterator[bytes]:
    with packed:
        while chunk := packed.read(_CHUNK_BYTES):
            yield chunk
