"""The API's description, as FastAPI makes it, put right where FastAPI does not know better."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from edgepress_api.web.problems import KINDS, MEDIA_TYPE, Problem
from edgepress_common import __version__

_DESCRIPTION = """Edgepress compresses image classifiers for small Arm boards and measures the result on the board.

Post a job (`POST /v1/jobs`), follow it (`GET /v1/jobs/{id}` or its events), and read the comparison
(`GET /v1/jobs/{id}/report`). What a spec can ask for is in the catalogue. Every error is problem+json (RFC 9457): what
was wrong, the offending value, and what would be accepted.
"""

TAGS = [
    {"name": "jobs", "description": "Post, follow, end; and what came of it."},
    {"name": "artifacts", "description": "Models and other files, by their SHA-256."},
    {"name": "datasets", "description": "Archives of labelled images, sent to the server."},
    {"name": "models", "description": "Keras models, sent to the server to go on from."},
    {"name": "catalogue", "description": "What a spec can ask for."},
    {"name": "devices", "description": "Who evaluates, and how they get their work."},
    {"name": "operation", "description": "For whoever runs the server."},
]

_PROBLEM = {"$ref": f"#/components/schemas/{Problem.__name__}"}
_FASTAPI_ERRORS = ("HTTPValidationError", "ValidationError")


def operation_id(route: APIRoute) -> str:
    """The name of the function: what a generated client calls its method."""
    return route.name


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an application; made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title="Edgepress",
            version=__version__,
            description=_DESCRIPTION,
            tags=TAGS,
            routes=app.routes,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
            separate_input_output_schemas=False,
        )
        for operation in _operations(document):
            _describe_problems(operation)
            _describe_stream(operation)
            _describe_access(operation)
        for name in _FASTAPI_ERRORS:
            document["components"]["schemas"].pop(name, None)
        app.openapi_schema = document
    return app.openapi_schema


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def _describe_problems(operation: dict[str, Any]) -> None:
    """Every error is a problem; FastAPI adds one of its own form, and takes ours for the media type of the answer."""
    responses = operation["responses"]
    for status in [status for status in responses if int(status) >= 400]:  # noqa: PLR2004  where HTTP's errors begin
        if any(name in str(responses[status]) for name in _FASTAPI_ERRORS):
            del responses[status]
        else:
            responses[status]["content"] = {MEDIA_TYPE: {"schema": _PROBLEM}}
    responses["default"] = {"description": "Any other problem.", "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}


def _describe_access(operation: dict[str, Any]) -> None:
    """Whoever must show a token can be refused."""
    for requirement in operation.get("security", ()):
        kinds = ["unauthorized"] + (["forbidden"] if any(requirement.values()) else [])
        for kind in (KINDS[name] for name in kinds):
            problem = {"description": f"{kind.title}.", "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
            problem["headers"] = {
                "WWW-Authenticate": {"description": "What would be accepted.", "schema": {"type": "string"}}
            }
            operation["responses"][str(kind.status)] = problem


def _describe_stream(operation: dict[str, Any]) -> None:
    """FastAPI describes events as OpenAPI 3.2 does, which 3.1 has no word for."""
    for response in operation["responses"].values():
        for media_type in response.get("content", {}).values():
            if media_type.pop("itemSchema", None) is not None:
                media_type["schema"] = {"type": "string"}
