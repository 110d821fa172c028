"""Error responses: problem+json (RFC 9457).

A kind of problem has a name, a status, a title, and the errors of `edgepress_common.errors` that it reports.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asgi_correlation_id import correlation_id
from starlette.responses import Response

from edgepress_api.jobs.submission import IdempotencyError
from edgepress_api.web.plain_yaml import MalformedBodyError
from edgepress_common.answers.problems import Problem
from edgepress_common.errors import (
    ConflictError,
    FieldProblem,
    InvalidInputError,
    InvalidQueryError,
    InvalidReportError,
    InvalidSpecError,
    LeaseLostError,
    NotFoundError,
    QuotaError,
    StorageQuotaError,
    TooManyStreamsError,
    TooManyTestsError,
    UnavailableError,
)

MEDIA_TYPE = "application/problem+json"
REQUEST_ID_HEADER = "X-Request-ID"
JOB_SECONDS = 60  # jobs take minutes to days: retrying more often gains little
RETRY_AFTER_SECONDS = 2  # a restart of Redis or PostgreSQL takes about as long

_MOST_CHARACTERS = 4_000  # of a detail: what an upload has may be quoted in it
_MOST_IN_DETAIL = 3


@dataclass(frozen=True)
class ProblemKind:
    """A kind of problem.

    Attributes:
        name: Name of its page below ``/problems/``.
        status: The HTTP status.
        title: The title, as HTTP and cloud APIs call it.
        meaning: The cause and the remedy, in one or two sentences.
        errors: The exceptions that are this kind of problem.
    """

    name: str
    status: int
    title: str
    meaning: str
    errors: tuple[type[Exception], ...] = ()

    @property
    def type(self) -> str:
        """The path of its page, as in `Problem.type`."""
        return f"/problems/{self.name}"


KINDS = {
    kind.name: kind
    for kind in (  # the general kind of a status before others with this status
        ProblemKind(
            "bad-request",
            400,
            "Bad request",
            "The request is not valid HTTP for this server. The detail says where it goes wrong.",
        ),
        ProblemKind(
            "malformed-body",
            400,
            "Malformed body",
            "The body is not JSON or YAML, or has duplicate keys, infinite numbers or too deep nesting.",
            (MalformedBodyError,),
        ),
        ProblemKind(
            "unauthorized",
            401,
            "Unauthorized",
            "Send one as 'Authorization: Bearer TOKEN'; 'edgepress tokens create' on the server creates one.",
        ),
        ProblemKind(
            "forbidden",
            403,
            "Forbidden",
            "The token does not have the scope. The header WWW-Authenticate names the scopes, one of which is enough.",
        ),
        ProblemKind("not-found", 404, "Not found", "The resource does not exist, or it was deleted.", (NotFoundError,)),
        ProblemKind(
            "method-not-allowed",
            405,
            "Method not allowed",
            "The header Allow lists the methods of this path; /docs lists all paths.",
        ),
        ProblemKind(
            "not-acceptable",
            406,
            "Not acceptable",
            "Ask for one of the media types that the detail names, or leave the choice to the server.",
        ),
        ProblemKind(
            "conflict",
            409,
            "Conflict",
            "The resource is in another state: an ended job cannot be cancelled, an active one not deleted.",
            (ConflictError,),
        ),
        ProblemKind(
            "lease-lost",
            409,
            "Lease lost",
            "The lease expired, the job was cancelled, or the step has ended. Stop, and ask for other work.",
            (LeaseLostError,),
        ),
        ProblemKind(
            "too-slow",
            408,
            "Request timeout",
            "Send the body faster, or in smaller parts. The detail names the least rate.",
        ),
        ProblemKind("too-large", 413, "Content too large", "The detail names the largest size that is accepted."),
        ProblemKind(
            "range-not-satisfiable",
            416,
            "Range not satisfiable",
            "The range begins after the last byte. The header Content-Range has the length.",
        ),
        ProblemKind(
            "unsupported-media-type",
            415,
            "Unsupported media type",
            "Set the headers Content-Type and Content-Encoding to a format that the detail names as accepted.",
        ),
        ProblemKind(
            "invalid-request",
            422,
            "Invalid request",
            "Each invalid parameter is listed with its value and what is accepted.",
            (InvalidReportError, InvalidQueryError, InvalidInputError),
        ),
        ProblemKind(
            "invalid-spec",
            422,
            "Invalid spec",
            "Each invalid field is listed with its value and what is accepted. Nothing has been stored.",
            (InvalidSpecError,),
        ),
        ProblemKind(
            "idempotency-key-reused",
            422,
            "Idempotency key reused",
            "The Idempotency-Key was used with another spec. Send the same spec again, or use a new key.",
            (IdempotencyError,),
        ),
        ProblemKind(
            "too-many-jobs",
            429,
            "Too many active jobs",
            "Wait for a job to end, or cancel one. The administrator of the server sets the limit.",
            (QuotaError,),
        ),
        ProblemKind(
            "too-many-streams",
            429,
            "Too many event streams",
            "Close a stream, or poll: GET /v1/jobs/{id} names in Retry-After how often.",
            (TooManyStreamsError,),
        ),
        ProblemKind(
            "too-many-tests",
            429,
            "Too many test messages",
            "Wait: the detail has the number of test messages that a user may send in an hour.",
            (TooManyTestsError,),
        ),
        ProblemKind(
            "internal",
            500,
            "Internal server error",
            "The server failed unexpectedly; its log has the details under the request id.",
            (Exception,),
        ),
        ProblemKind(
            "unavailable",
            503,
            "Service unavailable",
            "A service that the server needs does not answer. Retry after the time in the header Retry-After.",
            (UnavailableError,),
        ),
        ProblemKind(
            "storage-quota",
            507,
            "Storage quota exceeded",
            "Delete jobs that are no longer needed. The administrator of the server sets the quota.",
            (StorageQuotaError,),
        ),
    )
}

KIND_OF_ERROR = {error: kind for kind in KINDS.values() for error in kind.errors}

_KIND_OF_STATUS = {kind.status: kind for kind in reversed(KINDS.values())}


def kind_of(error: Exception) -> ProblemKind:
    """Return the kind of an error: that of the nearest base class that has one."""
    return next(KIND_OF_ERROR[class_] for class_ in type(error).__mro__ if class_ in KIND_OF_ERROR)


def kind_of_status(status: int) -> ProblemKind:
    """Return the kind of an error that only has a status."""
    return _KIND_OF_STATUS.get(status, KINDS["internal" if status >= KINDS["internal"].status else "bad-request"])


def problem_response(
    kind: ProblemKind,
    detail: str,
    *,
    path: str,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the response with a problem."""
    problem = Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=detail if len(detail) <= _MOST_CHARACTERS else f"{detail[:_MOST_CHARACTERS]}...",
        instance=path,
        errors=tuple(errors),
        request_id=correlation_id.get(),
    )
    # A quoted value may have an unpaired surrogate: UTF-8 can't encode it, and many parsers refuse it as `\ud800`.
    content = json.dumps(problem.model_dump(mode="json"), ensure_ascii=False).encode(errors="replace")
    return Response(content, kind.status, dict(headers or {}), MEDIA_TYPE)


def summary(errors: Sequence[FieldProblem]) -> str:
    """Return the invalid fields in a sentence: the first few in full, and the number of the others."""
    said = [
        f"{error.field}: {error.message}" + (f" (accepted: {error.accepted})" if error.accepted else "")
        for error in errors[:_MOST_IN_DETAIL]
    ]
    more = len(errors) - len(said)
    return "; ".join(said) + (f"; and {more} more" if more else "")
