"""Errors about a folder that a spec names, reported for the spec's field."""

from collections.abc import Iterator
from contextlib import contextmanager

from edgepress_common.errors import FieldProblem, InvalidSpecError


def problem(field: str, value: object, message: str, accepted: str) -> InvalidSpecError:
    """Return the error for one field."""
    return InvalidSpecError([FieldProblem(field=field, value=str(value), message=message, accepted=accepted)])


@contextmanager
def problems_of(field: str, value: object, accepted: str, *, what: str = "folder") -> Iterator[None]:
    """Raise errors of the file system as errors of the field that contains the path.

    ``what`` is what the path should lead to, such as "folder".
    """
    try:
        yield
    except FileNotFoundError as error:
        raise problem(field, value, f"the {what} does not exist", accepted) from error
    except OSError as error:
        raise problem(field, value, f"can't be used: {error.strerror}", accepted) from error
    except (ValueError, RuntimeError) as error:  # a null character; a loop of links
        raise problem(field, value, f"can't be used: {error}", accepted) from error
