"""``/v1/artifacts``: bytes by their SHA-256. They never change, so clients may cache them forever."""

import re
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from edgepress_api.web.adapters import Given
from edgepress_api.web.authorization import Fetcher, VisibleArtifact
from edgepress_api.web.responses import Responses, problems
from edgepress_common.errors import NotFoundError

_OCTETS = "application/octet-stream"
_YEAR_SECONDS = 365 * 24 * 3600  # "for ever", as caches have it
_RANGE = re.compile(r"bytes=(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})(?<!=-)")

router = APIRouter(tags=["artifacts"])

_BYTES = {"content": {_OCTETS: {"schema": {"type": "string", "format": "binary"}}}}
_RESPONSES: Responses = {
    200: {"description": "The artifact.", **_BYTES},
    206: {"description": "The bytes requested with Range.", **_BYTES},
    304: {"description": "Not modified: If-None-Match has the ETag of the artifact."},
    **problems("not-found", "range-not-satisfiable"),
}


@router.get("/v1/artifacts/{sha256}", response_class=FileResponse, responses=_RESPONSES)
def fetch_artifact(request: Request, given: Given, _: Fetcher, sha256: VisibleArtifact) -> Response:
    """Download an artifact or a range of it."""
    return _answer(request, sha256, given.store.local_path(sha256))


@router.head("/v1/artifacts/{sha256}", response_class=FileResponse, responses=_RESPONSES)
def look_up_artifact(request: Request, given: Given, _: Fetcher, sha256: VisibleArtifact) -> Response:
    """Check whether an artifact exists, and read its size."""
    return _answer(request, sha256, given.store.local_path(sha256))


def _answer(request: Request, sha256: str, path: Path) -> Response:
    headers, is_known = immutable(request, sha256)
    headers["Content-Disposition"] = "attachment"
    if is_known:
        return Response(status_code=304, headers=headers)
    try:
        size_bytes = path.stat().st_size
    except FileNotFoundError:  # it was removed after the check
        raise NotFoundError(f"artifact {sha256} does not exist in the store") from None
    _check_range(request, size_bytes)
    return FileResponse(path, headers=headers, media_type=_OCTETS)


def immutable(request: Request, name: str) -> tuple[dict[str, str], bool]:
    """Return the headers of content that never changes, and whether the client has it already.

    Args:
        request: The request.
        name: Name of the content, which is its ETag.
    """
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in request.headers.get("if-none-match", "").split(",")}
    headers = {"ETag": f'"{name}"', "Cache-Control": f"private, max-age={_YEAR_SECONDS}, immutable"}
    return headers, bool(tags & {"*", name})


def _check_range(request: Request, size_bytes: int) -> None:
    """Validate the range before Starlette does, which would respond to an invalid one with plain text."""
    asked = request.headers.get("range")
    if asked is None:
        return
    match = _RANGE.fullmatch(asked)
    if match is None or (match["last"] and match["first"] and int(match["first"]) > int(match["last"])):
        # RFC 9110, 14.2: a malformed range, or one in another unit, is ignored; several ranges may be ignored, too.
        request.scope["headers"] = [(name, value) for name, value in request.scope["headers"] if name != b"range"]
    elif not (int(match["first"]) < size_bytes if match["first"] else int(match["last"]) and size_bytes):
        raise HTTPException(
            416,
            f"Range {asked!r} is outside of the {size_bytes} bytes of the artifact; accepted: bytes=first-last",
            {"Content-Range": f"bytes */{size_bytes}", "Accept-Ranges": "bytes"},
        )
