"""Errors of the client, in addition to those of ``edgepress_common.errors``.

An error response (problem+json, RFC 9457) is raised as a `RefusedError`. Each kind of refusal has a class, which is
also a subclass of the matching error of ``edgepress_common.errors``. So ``except NotFoundError`` catches a job that
does not exist as well as a job that has no model yet.

::

    RefusedError
    ├── InvalidRequestError        400, 413, 415, 422: the request or spec is not valid   (InvalidInputError)
    ├── AuthenticationError        401: a token is missing, unknown, expired or revoked
    ├── PermissionDeniedError      403: the token does not allow it
    ├── ResourceNotFoundError      404                                                    (NotFoundError)
    ├── StateConflictError         409: the state of the resource does not allow it       (ConflictError)
    └── QuotaExceededError         429, 507: more jobs or bytes than the user may have    (QuotaError)

    UnavailableError               the gateway can't be reached, or can't answer now: the same call may succeed later
"""

from http import HTTPStatus

from pydantic import BaseModel, ConfigDict

from edgepress_common.errors import (
    ConflictError,
    EdgepressError,
    FieldProblem,
    InvalidInputError,
    NotFoundError,
    QuotaError,
)


class ErrorResponse(BaseModel):
    """An error response of the gateway.

    Unlike the gateway's own type, every field is optional: a proxy may have written the response.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: str
    status: int
    detail: str = ""
    errors: tuple[FieldProblem, ...] = ()


class RefusedError(EdgepressError):
    """The gateway refused the request; `problem` is its response."""

    def __init__(self, problem: ErrorResponse) -> None:
        self.problem = problem
        super().__init__(problem.detail or problem.title)


class InvalidRequestError(RefusedError, InvalidInputError):
    """The request is not valid; `problem.errors` has each invalid field."""


class AuthenticationError(RefusedError):
    """The gateway requires a token, and none was sent or it is not valid."""


class PermissionDeniedError(RefusedError):
    """The token does not allow the request."""


class ResourceNotFoundError(RefusedError, NotFoundError):
    """The job, step, data set, model or artifact does not exist."""


class StateConflictError(RefusedError, ConflictError):
    """The resource is not in a state that allows the request: a job that has ended can't be cancelled."""


class QuotaExceededError(RefusedError, QuotaError):
    """The request exceeds the user's limit of active jobs or stored bytes."""


class MissingLibraryError(EdgepressError):
    """An optional library or program is needed and not installed; the message says how to install it."""


_KINDS: dict[int, type[RefusedError]] = {
    HTTPStatus.UNAUTHORIZED: AuthenticationError,
    HTTPStatus.FORBIDDEN: PermissionDeniedError,
    HTTPStatus.NOT_FOUND: ResourceNotFoundError,
    HTTPStatus.CONFLICT: StateConflictError,
    HTTPStatus.TOO_MANY_REQUESTS: QuotaExceededError,
    HTTPStatus.INSUFFICIENT_STORAGE: QuotaExceededError,
}


def refusal(problem: ErrorResponse) -> RefusedError:
    """Return the error for an error response."""
    return _KINDS.get(problem.status, InvalidRequestError)(problem)
