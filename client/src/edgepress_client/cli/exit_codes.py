"""Exit codes of the command line, and the errors that they stand for."""

from enum import IntEnum

from edgepress_client.errors import AuthenticationError, InvalidRequestError, PermissionDeniedError
from edgepress_common.errors import ConflictError, EdgepressError, NotFoundError, QuotaError, UnavailableError


class ExitCode(IntEnum):
    """Exit code of a command; `MEANINGS` describes each."""

    SUCCESS = 0
    JOB_FAILED = 1
    USAGE = 2
    UNAVAILABLE = 3
    NOT_FOUND = 4
    INVALID = 5
    CONFLICT = 6
    DENIED = 7
    QUOTA = 8
    NO_RESULT = 9
    INTERRUPTED = 130  # the code that shells report for a program stopped by Ctrl-C


MEANINGS: dict[ExitCode, str] = {
    ExitCode.SUCCESS: "The command succeeded.",
    ExitCode.JOB_FAILED: "The job that the command followed failed, partly succeeded or was cancelled.",
    ExitCode.USAGE: "Usage error: an unknown option, a value that is not accepted, a file that can't be read or "
    "written, or one that exists (see --force).",
    ExitCode.UNAVAILABLE: "The gateway, or another server that the command needs, can't be reached or can't answer "
    "now. The same command may succeed later.",
    ExitCode.NOT_FOUND: "The job, model or file does not exist, or does not exist yet.",
    ExitCode.INVALID: "The gateway refused the spec, the upload or the request as not valid; the message names the "
    "fields.",
    ExitCode.CONFLICT: "The state of the job does not allow it: a job that has ended can't be cancelled.",
    ExitCode.DENIED: "The gateway requires a token, or the token does not allow it.",
    ExitCode.QUOTA: "Quota exceeded: the user's limit of active jobs or stored bytes is reached.",
    ExitCode.NO_RESULT: "There is nothing to show: nothing has been measured yet, or no file is within the limits.",
    ExitCode.INTERRUPTED: "Ctrl-C ended the command.",
}


class NoResultError(EdgepressError):
    """The command succeeded, but there is nothing to show."""


_OF_ERRORS: tuple[tuple[type[EdgepressError], ExitCode], ...] = (
    (NoResultError, ExitCode.NO_RESULT),
    (UnavailableError, ExitCode.UNAVAILABLE),
    (AuthenticationError, ExitCode.DENIED),
    (PermissionDeniedError, ExitCode.DENIED),
    (InvalidRequestError, ExitCode.INVALID),
    (NotFoundError, ExitCode.NOT_FOUND),
    (ConflictError, ExitCode.CONFLICT),
    (QuotaError, ExitCode.QUOTA),
)


def exit_code(error: EdgepressError) -> ExitCode:
    """Return the exit code for an error: that of the first class in the table that it is an instance of."""
    return next((code for kind, code in _OF_ERRORS if isinstance(error, kind)), ExitCode.USAGE)
