"""What is wrong with a request's parameters or JSON body, by what OpenAPI says of them."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails

from edgepress_api.web.field_problems import field_problems
from edgepress_api.web.problems import KINDS, ProblemKind
from edgepress_api.web.schema import Schema
from edgepress_common.errors import FieldProblem


def request_problems(request: Request, error: RequestValidationError) -> tuple[ProblemKind, list[FieldProblem]]:
    """The kind of problem, and each field at fault."""
    operation = _operation(request)
    errors: list[ErrorDetails] = list(error.errors())
    problems = []
    for part, group in groupby(errors, key=lambda each: str(each["loc"][0])):
        problems += _problems_of(part, list(group), error.body, operation)
    return _kind(errors, error.body), problems


def accepted_methods(request: Request, allow: str) -> list[str]:
    """The methods a path takes: one route knows only its own."""
    app, template = request.app, getattr(request.scope.get("route"), "path", None)
    assert isinstance(app, FastAPI)
    documented = app.openapi()["paths"].get(template, {})
    return sorted({*(method.upper() for method in documented), *filter(None, allow.split(", "))})


def _kind(errors: Iterable[ErrorDetails], body: object) -> ProblemKind:
    if isinstance(body, bytes) and body:
        return KINDS["unsupported-media-type"]  # FastAPI parses no body that isn't said to be JSON
    found = [(error["loc"][0], error["type"]) for error in errors]
    if any(type_ == "json_invalid" for _, type_ in found):
        return KINDS["malformed-body"]
    if any(part == "path" for part, _ in found):
        return KINDS["not-found"]  # nothing can go by a name of that form
    return KINDS["invalid-request"]


def _problems_of(part: str, errors: list[ErrorDetails], body: object, operation: Schema) -> list[FieldProblem]:
    if part == "body":
        return _body_problems(errors, body, operation)
    schema = _parameters(operation, part)
    values = {str(error["loc"][1]): error["input"] for error in errors if error["type"] != "missing"}
    inside: list[ErrorDetails] = [error | {"loc": error["loc"][1:]} for error in errors]
    return field_problems(inside, values, schema)


def _body_problems(errors: list[ErrorDetails], body: object, operation: Schema) -> list[FieldProblem]:
    if isinstance(body, bytes) and body:
        return [FieldProblem(field="Content-Type", message="is not that of JSON", accepted="application/json")]
    if errors[0]["type"] == "json_invalid":
        message = f"not JSON: {errors[0]['ctx']['error']} at character {errors[0]['loc'][1]}"
        return [FieldProblem(field="body", message=message, accepted="JSON")]
    content = operation.node.get("requestBody", {}).get("content", {}).get("application/json", {})
    inside: list[ErrorDetails] = [error | {"loc": error["loc"][1:]} for error in errors]
    return field_problems(inside, body, Schema(operation.document, content.get("schema", {})), root="body")


def _operation(request: Request) -> Schema:
    app, route = request.app, request.scope["route"]
    assert isinstance(app, FastAPI)
    document: Mapping[str, Any] = app.openapi()
    return Schema(document, document["paths"][route.path][request.method.lower()])


def _parameters(operation: Schema, part: str) -> Schema:
    """The parameters of a part of the request, as if they were an object's fields."""
    found = [each for each in operation.node.get("parameters", ()) if each["in"] == part]
    properties = {each["name"]: {"description": each.get("description", ""), **each["schema"]} for each in found}
    return Schema(operation.document, {"type": "object", "properties": properties})
