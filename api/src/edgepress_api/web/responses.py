"""Writes responses, and describes them in OpenAPI."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from edgepress_api.web.problems import KINDS
from edgepress_common.answers.problems import Problem

Responses = dict[int | str, dict[str, Any]]  # as FastAPI's `responses` parameter has it


class CsvResponse(Response):
    """Text in the format CSV."""

    media_type = "text/csv"


def json_response(content: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a value of a type of `edgepress_common` as JSON, serialized by pydantic in one pass."""
    return Response(content.model_dump_json(), status, dict(headers or {}), "application/json")


def own_path(request: Request, path: str) -> str:
    """Return a path of this gateway with the prefix that a reverse proxy may add."""
    return f"{request.scope.get('root_path', '')}{path}"


def problems(*names: str) -> Responses:
    """Return the kinds of problem that a route can respond with, for OpenAPI."""
    found: Responses = {}
    for kind in (KINDS[name] for name in names):
        title = f"{found[kind.status]['description']} Or: {kind.title}." if kind.status in found else f"{kind.title}."
        found[kind.status] = {"model": Problem, "description": title}
    return found
