"""Describes the errors in a request's parameters or JSON body, with what OpenAPI says is accepted."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails

from edgepress_api.web.field_problems import field_problems
from edgepress_api.web.problems import KINDS, ProblemKind
from edgepress_api.web.schema import Schema, without_references
from edgepress_common.errors import FieldProblem


def request_problems(request: Request, error: RequestValidationError) -> tuple[ProblemKind, list[FieldProblem]]:
    """Return the kind of problem, and each invalid field."""
    operation = _operation(request)
    errors: list[ErrorDetails] = list(error.errors())
    problems = []
    for part, group in groupby(errors, key=lambda each: str(each["loc"][0])):
        problems += _problems_of(part, list(group), error.body, operation)
    return _kind(errors, error.body), problems


def accepted_methods(request: Request, allow: str) -> list[str]:
    """Return the methods of a path, over all its routes."""
    app, template = request.app, getattr(request.scope.get("route"), "path", None)
    assert isinstance(app, FastAPI)
    documented = app.openapi()["paths"].get(template, {})
    methods = {*(method.upper() for method in documented), *filter(None, allow.split(", "))}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


def _kind(errors: Iterable[ErrorDetails], body: object) -> ProblemKind:
    if isinstance(body, bytes) and body:
        return KINDS["unsupported-media-type"]  # FastAPI does not parse a body without the Content-Type of JSON
    found = [(error["loc"][0], error["type"]) for error in errors]
    if any(type_ == "json_invalid" for _, type_ in found):
        return KINDS["malformed-body"]
    if any(part == "path" for part, _ in found):
        return KINDS["not-found"]  # a name that is not of the form does not exist
    return KINDS["invalid-request"]


def _problems_of(part: str, errors: list[ErrorDetails], body: object, operation: Schema) -> list[FieldProblem]:
    if part == "body":
        return _body_problems(errors, body, operation)
    parameters = [each for each in operation.get("parameters", ()) if each["in"] == part]
    properties = {each["name"]: {"description": each.get("description", ""), **each["schema"]} for each in parameters}
    values = {str(error["loc"][1]): error["input"] for error in errors if error["type"] != "missing"}
    return field_problems(_inside(errors), values, {"type": "object", "properties": properties})


def _body_problems(errors: list[ErrorDetails], body: object, operation: Schema) -> list[FieldProblem]:
    if isinstance(body, bytes) and body:
        return [FieldProblem(field="Content-Type", message="is not application/json", accepted="application/json")]
    if errors[0]["type"] == "json_invalid":
        message = f"not JSON: {errors[0]['ctx']['error']} at character {errors[0]['loc'][1]}"
        return [FieldProblem(field="body", message=message, accepted="JSON")]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return field_problems(_inside(errors), body, content.get("schema", {}), root="body")


def _inside(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Return the errors with locations inside of the part of the request."""
    return [error | {"loc": error["loc"][1:]} for error in errors]


def _operation(request: Request) -> Schema:
    app, route = request.app, request.scope["route"]
    assert isinstance(app, FastAPI)
    document: Mapping[str, Any] = app.openapi()
    operation = document["paths"][route.path][request.method.lower()]
    found: Schema = without_references(
        {name: operation.get(name, {}) for name in ("parameters", "requestBody")}, document
    )
    return found
