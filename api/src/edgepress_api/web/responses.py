"""How answers are written, and how OpenAPI is told of them."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from edgepress_api.web.problems import KINDS, Problem

Responses = dict[int | str, dict[str, Any]]  # as FastAPI's `responses` parameter has it


def json_response(content: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value of the vocabulary as JSON, written by pydantic in one go."""
    return Response(content.model_dump_json(), status, dict(headers or {}), "application/json")


def own_path(request: Request, path: str) -> str:
    """A path of this gateway as a client must ask for it, which may be through a proxy that adds a prefix."""
    return f"{request.scope.get('root_path', '')}{path}"


def problems(*names: str) -> Responses:
    """For OpenAPI: the kinds of problem that a route can answer with."""
    found: Responses = {}
    for kind in (KINDS[name] for name in names):
        title = f"{found[kind.status]['description']} Or: {kind.title}." if kind.status in found else f"{kind.title}."
        found[kind.status] = {"model": Problem, "description": title}
    return found
