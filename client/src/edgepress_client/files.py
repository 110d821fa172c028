"""Writes downloaded files atomically. Existing files are overwritten only on request."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from edgepress_common.errors import InvalidInputError


class FileExistsAlreadyError(InvalidInputError):
    """The target of a download exists, and ``overwrite`` is False."""


def check_absent(*targets: Path, overwrite: bool) -> None:
    """Check that a download may write its targets.

    Raises:
        FileExistsAlreadyError: One of them exists, and ``overwrite`` is False.
    """
    existing = [str(target) for target in targets if target.exists()]
    if existing and not overwrite:
        more = f" and {len(existing) - 1} more" if len(existing) > 1 else ""
        raise FileExistsAlreadyError(f"{existing[0]}{more}: the file exists; choose another name, or overwrite it")


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """Open a file that is created under its name only when the block ends without an error.

    Raises:
        InvalidInputError: The file or its folder can't be written.
    """
    incoming = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with incoming.open("wb") as file:
            yield file
        incoming.replace(target)
    except OSError as error:
        raise InvalidInputError(f"can't write {target}: {error.strerror or error}") from error
    finally:
        incoming.unlink(missing_ok=True)
