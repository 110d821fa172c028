"""``/static``: scripts and styles of the dashboard. Only files that exist at the start are served."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated

from fastapi import APIRouter, Header, Path
from starlette.responses import Response

from edgepress_api.web.report_scripts import LIBRARY
from edgepress_common.errors import NotFoundError

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class _StaticFile:
    content: bytes
    media_type: str
    tag: str


def _read(file: Traversable) -> _StaticFile:
    content = file.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()}"'
    return _StaticFile(content, _TYPES[file.name.rpartition(".")[2]], tag)


_FILES = {file.name: _read(file) for file in (files("edgepress_api.web") / "static").iterdir()}
_FILES |= {library.name: _read(library) for library in (LIBRARY, files("edgepress_api.web") / "vendor" / "editor.js")}
_FILES["report.css"] = _read(files("edgepress_api.report") / "templates" / "style.css")


@router.get("/static/{name}")
async def fetch_static(name: Annotated[str, Path()], if_none_match: Annotated[str, Header()] = "") -> Response:
    """Download a file of the dashboard. Browsers revalidate it each time, so a page never mixes versions."""
    file = _FILES.get(name)
    if file is None:
        raise NotFoundError(f"the dashboard does not have a file {name!r}")
    headers = {"ETag": file.tag, "Cache-Control": "no-cache"}
    if file.tag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=file.media_type)
