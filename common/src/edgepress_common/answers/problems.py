"""Error responses, in the format of RFC 9457 (problem details)."""

from edgepress_common.errors import (
    FieldProblem,
)
from edgepress_common.frozen import Message


class Problem(Message):
    """An error response.

    Attributes:
        type: URI that identifies the kind of problem and leads to its description.
        title: Display name of the kind of problem.
        status: HTTP status of the response.
        detail: What is wrong, with which value, and what is accepted.
        instance: Path of the request.
        errors: The invalid fields, if the request body or query is invalid.
        request_id: Id of the request. The server's log contains it too.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: tuple[FieldProblem, ...] = ()
    request_id: str | None = None
