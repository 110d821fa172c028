"""Converts every exception to problem+json."""

import logging

from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from edgepress_api.web.http.security_headers import SECURITY_HEADERS
from edgepress_api.web.problems import (
    JOB_SECONDS,
    KINDS,
    REQUEST_ID_HEADER,
    RETRY_AFTER_SECONDS,
    ProblemKind,
    kind_of,
    kind_of_status,
    problem_response,
    summary,
)
from edgepress_api.web.request_problems import accepted_methods, request_problems
from edgepress_api.web.routes.pages import page_not_found, wants_a_page
from edgepress_common.errors import EdgepressError, InvalidSpecError

logger = logging.getLogger(__name__)


def add_error_handlers(app: FastAPI) -> None:
    """Install handlers that respond to every error with problem+json."""
    app.add_exception_handler(EdgepressError, _edgepress_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(OperationalError, _database_away)
    app.add_exception_handler(NoConnectionError, _database_away)
    app.add_exception_handler(DataError, _unstorable)
    app.add_exception_handler(ClientDisconnect, _client_disconnected)
    app.add_exception_handler(Exception, _unexpected)


async def _edgepress_error(request: Request, error: Exception) -> Response:
    kind = kind_of(error)
    if kind is KINDS["internal"]:
        logger.error("%s %s", request.method, request.url.path, exc_info=error)
        return _internal(request)
    pause = {"unavailable": RETRY_AFTER_SECONDS, "too-many-jobs": JOB_SECONDS}.get(kind.name)
    headers = None if pause is None else {"Retry-After": str(pause)}
    if isinstance(error, InvalidSpecError):
        problems = error.problems
        return problem_response(kind, summary(problems), path=request.url.path, errors=problems, headers=headers)
    return problem_response(kind, str(error), path=request.url.path, headers=headers)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = {name.title(): value for name, value in (error.headers or {}).items()}
    match error.status_code:
        case 204 | 304:
            return Response(status_code=error.status_code, headers=headers)
        case 404 if error.detail == "Not Found" and wants_a_page(request):
            return page_not_found(request)
        case 404 if error.detail == "Not Found":
            detail = f"{request.url.path} does not exist; accepted: the paths that /openapi.json lists"
        case 405:
            headers["Allow"] = ", ".join(accepted_methods(request, headers.get("Allow", "")))
            detail = f"{request.method} is not a method of {request.url.path}; accepted: {headers['Allow']}"
        case _:
            detail = error.detail
    kind = kind_of_status(error.status_code)
    return problem_response(kind, detail, path=request.url.path, headers=headers)


async def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    kind, problems = request_problems(request, error)
    return problem_response(kind, summary(problems), path=request.url.path, errors=problems)


async def _database_away(request: Request, error: Exception) -> Response:
    logger.error("the database does not answer: %s", error)
    return _with_retry(request, KINDS["unavailable"], "the database does not answer; try again")


async def _unstorable(request: Request, error: Exception) -> Response:
    logger.warning("refused by the database: %s", error)
    detail = "the request has a value that cannot be stored, such as a number or character out of range"
    return problem_response(KINDS["invalid-request"], detail, path=request.url.path)


async def _client_disconnected(request: Request, _: Exception) -> Response:
    return problem_response(
        KINDS["bad-request"], "the client disconnected before the end of the body", path=request.url.path
    )


async def _unexpected(request: Request, _: Exception) -> Response:
    # Starlette raises the error again once this is sent, so that the server logs it.
    return _internal(request)


def _internal(request: Request) -> Response:
    response = problem_response(
        KINDS["internal"],
        "the server failed unexpectedly; its log has the details under the request id",
        path=request.url.path,
    )
    # Sent from outside the middleware that adds them elsewhere.
    response.headers.update(SECURITY_HEADERS)
    response.headers[REQUEST_ID_HEADER] = correlation_id.get() or "-"
    return response


def _with_retry(request: Request, kind: ProblemKind, detail: str) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return problem_response(kind, detail, path=request.url.path, headers=headers)
