"""Errors as the outside sees them: problem+json (RFC 9457), whatever went wrong.

A kind of problem has a name, a status, and a title; `KIND_OF_ERROR` says which the errors of the vocabulary are, and is
the only place that knows.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from edgepress_api.jobs.submission import IdempotencyError
from edgepress_api.web.plain_yaml import MalformedBodyError
from edgepress_common.errors import (
    ConflictError,
    FieldProblem,
    InvalidInputError,
    InvalidSpecError,
    LeaseLostError,
    NotFoundError,
    QuotaError,
    StorageQuotaError,
    UnavailableError,
)
from edgepress_common.frozen import Frozen

MEDIA_TYPE = "application/problem+json"
JOB_SECONDS = 60  # jobs take minutes to days: asking more often gains little
RETRY_AFTER_SECONDS = 2  # a restart of Redis or PostgreSQL takes about as long

_MOST_IN_DETAIL = 3


class Problem(Frozen):
    """What went wrong.

    Attributes:
        type: Which kind of problem, for programs; leads to a sentence about it.
        title: The kind of problem, for people.
        status: The answer's status.
        detail: What was wrong this time, with which value, and what is accepted.
        instance: The path that was asked for.
        errors: Each field at fault.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: tuple[FieldProblem, ...] = ()


@dataclass(frozen=True)
class ProblemKind:
    """A kind of problem.

    Attributes:
        name: Its place below ``/problems/``.
        status: The status it goes with.
        title: For people.
        meaning: What it means, and what can be done, in a sentence or two.
    """

    name: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """As in `Problem.type`."""
        return f"/problems/{self.name}"


KINDS = {
    kind.name: kind
    for kind in (
        ProblemKind(
            "bad-request",
            400,
            "The request can't be understood",
            "It is not what HTTP or this server expects. The detail says where it goes wrong.",
        ),
        ProblemKind(
            "malformed-body",
            400,
            "The body can't be read",
            "It is not JSON or YAML, or more than plain data: keys given twice, endless nesting, infinite numbers.",
        ),
        ProblemKind(
            "unauthorized",
            401,
            "A token is needed",
            "Send one as 'Authorization: Bearer TOKEN'; whoever runs the server makes them with 'edgepress tokens'.",
        ),
        ProblemKind(
            "forbidden",
            403,
            "The token does not allow it",
            "The header WWW-Authenticate names scopes of which one is enough.",
        ),
        ProblemKind("not-found", 404, "There is no such thing", "Nothing goes by that name, or no longer does."),
        ProblemKind(
            "method-not-allowed",
            405,
            "The method is not for this path",
            "The header Allow says which methods are; /docs lists them all.",
        ),
        ProblemKind(
            "not-acceptable",
            406,
            "The answer does not come in that form",
            "Ask for one of the media types that the detail names, or leave the choice to the server.",
        ),
        ProblemKind(
            "conflict",
            409,
            "It does not fit the present state",
            "A job that has ended can't be cancelled, one that is under way can't be deleted.",
        ),
        ProblemKind(
            "lease-lost",
            409,
            "The lease is lost",
            "It expired, the job was cancelled, or the step has ended. Stop, and ask for other work.",
        ),
        ProblemKind("too-large", 413, "The body is too large", "The detail says how large it may be."),
        ProblemKind(
            "range-not-satisfiable",
            416,
            "There are no such bytes",
            "The range begins behind the end. The header Content-Range says how many bytes there are.",
        ),
        ProblemKind(
            "unsupported-media-type",
            415,
            "The body is of a type that can't be read here",
            "Set the header Content-Type to what the body is; the detail says what is accepted.",
        ),
        ProblemKind(
            "invalid-spec",
            422,
            "The spec is not acceptable",
            "Each field at fault is named, with its value and what would be accepted. Nothing has been stored.",
        ),
        ProblemKind(
            "invalid-request",
            422,
            "The request is not acceptable",
            "Each parameter at fault is named, with its value and what would be accepted.",
        ),
        ProblemKind(
            "idempotency-key-reused",
            422,
            "The Idempotency-Key was used for something else",
            "A key stands for one spec for ever. Send the same spec again, or use a new key.",
        ),
        ProblemKind(
            "too-many-jobs",
            429,
            "As many jobs are under way as may be",
            "Wait for one to end, or cancel one; whoever runs the server says how many a user may have.",
        ),
        ProblemKind(
            "internal",
            500,
            "Something went wrong in the server",
            "This is a fault of the server, which has written down what happened.",
        ),
        ProblemKind(
            "unavailable",
            503,
            "Something the server needs is away",
            "The same request may go through later; the header Retry-After says when to try.",
        ),
        ProblemKind(
            "storage-quota",
            507,
            "As much is stored as may be",
            "Delete jobs that are no longer needed; whoever runs the server says how much a user may store.",
        ),
    )
}

KIND_OF_ERROR: Mapping[type[Exception], ProblemKind] = {
    MalformedBodyError: KINDS["malformed-body"],
    InvalidSpecError: KINDS["invalid-spec"],
    IdempotencyError: KINDS["idempotency-key-reused"],
    InvalidInputError: KINDS["invalid-request"],
    NotFoundError: KINDS["not-found"],
    LeaseLostError: KINDS["lease-lost"],
    ConflictError: KINDS["conflict"],
    QuotaError: KINDS["too-many-jobs"],
    StorageQuotaError: KINDS["storage-quota"],
    UnavailableError: KINDS["unavailable"],
    Exception: KINDS["internal"],
}

_KIND_OF_STATUS = {
    kind.status: kind
    for kind in KINDS.values()
    if kind.name not in {"malformed-body", "lease-lost", "invalid-spec", "idempotency-key-reused"}
}


def kind_of(error: Exception) -> ProblemKind:
    """Which kind of problem an error is: that of the nearest class that has one."""
    return next(KIND_OF_ERROR[class_] for class_ in type(error).__mro__ if class_ in KIND_OF_ERROR)


def kind_of_status(status: int) -> ProblemKind:
    """Which kind of problem an error is that only has a status."""
    return _KIND_OF_STATUS.get(status, KINDS["internal" if status >= KINDS["internal"].status else "bad-request"])


def problem_response(
    kind: ProblemKind,
    detail: str,
    *,
    path: str,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer that says what went wrong."""
    problem = Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=path,
        errors=tuple(errors),
    )
    # As ASCII: a value that is quoted may hold half a surrogate pair, which has no UTF-8.
    content = json.dumps(problem.model_dump(mode="json"))
    return Response(content, kind.status, dict(headers or {}), MEDIA_TYPE)


def summary(errors: Sequence[FieldProblem]) -> str:
    """Fields at fault in a sentence: the first few in full."""
    said = [
        f"{error.field}: {error.message}" + (f" (accepted: {error.accepted})" if error.accepted else "")
        for error in errors[:_MOST_IN_DETAIL]
    ]
    more = len(errors) - len(said)
    return "; ".join(said) + (f"; and {more} more" if more else "")
