"""OpenAPI document of the API: FastAPI's, with corrections."""

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from edgepress_api.web.openapi_schemas import for_generators, without_null
from edgepress_api.web.parameters import UNDOCUMENTED
from edgepress_api.web.problems import KINDS, MEDIA_TYPE
from edgepress_common import __version__
from edgepress_common.answers.jobs import JobEvent, JobProgress
from edgepress_common.answers.problems import Problem
from edgepress_common.spec import JobSpec
from edgepress_common.spec.notify import Recipients

_DESCRIPTION = """Edgepress compresses image classifiers for small Arm boards and measures the result on the board.

Post a job (`POST /v1/jobs`), follow it (`GET /v1/jobs/{id}` or its events), and read the comparison
(`GET /v1/jobs/{id}/report`). The catalogue lists the methods, exports and networks that a spec can name. Every error is
problem+json (RFC 9457): what is wrong, the value, and what is accepted.
"""

TAGS = [
    {"name": "jobs", "description": "Submit, follow, cancel and delete jobs, and read their results."},
    {"name": "artifacts", "description": "Models and other files, by their SHA-256."},
    {"name": "datasets", "description": "Uploaded archives of labelled images."},
    {"name": "models", "description": "Uploaded Keras models to compress."},
    {"name": "catalogue", "description": "Methods, exports and networks that a spec can name."},
    {"name": "devices", "description": "Devices that evaluate, and the protocol by which they lease evaluations."},
    {"name": "notifications", "description": "Messages to people: recipients of jobs, deliveries, and tests."},
    {"name": "operation", "description": "Health and metrics, for operators."},
]

_EVENT = {
    "description": "The events of a job, one after another; the data of each is an object.",
    "anyOf": [{"$ref": f"#/components/schemas/{model.__name__}"} for model in (JobEvent, JobProgress)]
    + [{"type": "string", "description": "The whole stream, for a client that reads it as text."}],
}
_PROBLEM = {"$ref": f"#/components/schemas/{Problem.__name__}"}
_KNOWN_TYPES = ("application/json", "application/octet-stream")
_FASTAPI_ERRORS = ("HTTPValidationError", "ValidationError")

_unread = APIRouter()


@_unread.post("/schemas", response_model=JobEvent | JobProgress)
def _schemas(posted: JobSpec | Recipients) -> None:
    """Name the types that are sent and answered where FastAPI does not parse or write the body itself."""


def operation_id(route: APIRoute) -> str:
    """Return the operation id of a route, which generated clients use as a method name: the name of its function."""
    return route.name


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of an application, created once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title="Edgepress",
            version=__version__,
            description=_DESCRIPTION,
            tags=TAGS,
            routes=[*app.routes, *_unread.routes],
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
            servers=[{"url": "/"}],
        )
        del document["paths"]["/schemas"]
        for operation in _operations(document):
            _describe_problems(operation)
            _describe_stream(operation)
            _describe_access(operation)
            _describe_body(operation)
            _describe_parameters(operation)
        for name in _FASTAPI_ERRORS:
            document["components"]["schemas"].pop(name, None)
        app.openapi_schema = for_generators(document)
    return app.openapi_schema


def describe_at(app: FastAPI, root_path: str) -> dict[str, Any]:
    """Return the OpenAPI document of an application that a proxy serves under a prefix, which may be empty."""
    return describe(app) | {"servers": [{"url": root_path or "/"}]}


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def _describe_problems(operation: dict[str, Any]) -> None:
    """Describe every error as a problem, instead of FastAPI's own errors and media type."""
    responses = operation["responses"]
    for status in [status for status in responses if int(status) >= 400]:  # noqa: PLR2004  where HTTP's errors begin
        if any(name in str(responses[status]) for name in _FASTAPI_ERRORS):
            del responses[status]
        else:
            responses[status]["content"] = {MEDIA_TYPE: {"schema": _PROBLEM}}
    if not any(status.startswith("4") for status in responses):
        kind = KINDS["invalid-request"]  # a repeated parameter
        responses[str(kind.status)] = {"description": f"{kind.title}.", "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
    responses["default"] = {"description": "Another error.", "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}


def _describe_body(operation: dict[str, Any]) -> None:
    """Describe a body that may have several media types by the first one that generators know, the others in words."""
    body = operation.get("requestBody", {"content": ()})
    chosen = next((each for each in _KNOWN_TYPES if each in body["content"]), None)
    if chosen is not None and len(body["content"]) > 1:
        others = ", ".join(f"`{each}`" for each in body["content"] if each != chosen)
        body["description"] = f"{body['description']} `Content-Type` may also be {others}."
        body["content"] = {chosen: body["content"][chosen]}


def _describe_parameters(operation: dict[str, Any]) -> None:
    parameters = operation.get("parameters", [])
    for parameter in parameters:
        parameter["schema"] = without_null(parameter["schema"])
    parameters[:] = [each for each in parameters if not UNDOCUMENTED.items() <= each["schema"].items()]


def _describe_access(operation: dict[str, Any]) -> None:
    """Add the errors of missing and insufficient tokens to operations that require one."""
    for requirement in operation.setdefault("security", []):
        kinds = ["unauthorized"] + (["forbidden"] if any(requirement.values()) else [])
        for kind in (KINDS[name] for name in kinds):
            problem = {"description": f"{kind.title}.", "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
            problem["headers"] = {
                "WWW-Authenticate": {
                    "description": "The accepted authentication scheme and scopes.",
                    "schema": {"type": "string"},
                }
            }
            operation["responses"][str(kind.status)] = problem


def _describe_stream(operation: dict[str, Any]) -> None:
    """Describe event streams by the data of their events, because OpenAPI 3.1 does not have `itemSchema` of 3.2."""
    for response in operation["responses"].values():
        for media_type in response.get("content", {}).values():
            if media_type.pop("itemSchema", None) is not None:
                media_type["schema"] = _EVENT
