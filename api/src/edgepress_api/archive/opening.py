"""Opens an archive as untrusted input: a zip that may be made to do harm.

1. The last record of the zip must list a bounded number of files in a bounded directory, before the directory is read.
2. Names are ``job.json`` and ``artifacts/<SHA-256>``, each once: no path of the zip is ever used.
3. ``job.json`` is read up to a limit, and the number of its values is bounded before it is parsed.
4. An artifact is read up to the size that ``job.json`` states, which quotas have been checked for.
"""

import json
import os
import re
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from edgepress_common import __version__
from edgepress_common.answers.archive import ARTIFACTS, FORMAT, FORMAT_VERSION, JOB_JSON, ArchivedJob
from edgepress_common.damaged_zip import DAMAGED_ZIP
from edgepress_common.errors import FieldProblem, InvalidInputError, InvalidReportError
from edgepress_common.validation_words import in_words

_ACCEPTED = "accepted: a zip that `edgepress archive` has written"
_END = struct.Struct("<4s4H2LH")  # the last record of a zip without a comment
_END_SIGNATURE = b"PK\x05\x06"
_ZIP64_LOCATOR, _ZIP64_LOCATOR_BYTES = b"PK\x06\x07", 20  # would stand before it, and be believed in its place
_MOST_ENTRIES = 20_000
_MOST_DIRECTORY_BYTES = _MOST_ENTRIES * 160  # an entry takes 46 bytes and its name, of 74 characters
_MOST_JSON_BYTES = 64 << 20
_MOST_VALUES = 4_000_000  # the study's job of 65 files has 400,000
_ENCRYPTED = 1
_CHUNK_BYTES = 1 << 20
_MOST_PROBLEMS = 20
_NAME = re.compile(rf"{re.escape(ARTIFACTS)}([0-9a-f]{{64}})")


class OpenArchive:
    """An archive whose members have been checked.

    Attributes:
        job: What its ``job.json`` says.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        members = _members(archive)
        self.job = _parse(_whole(archive, members.pop(JOB_JSON)))
        sizes = self.job.sizes()
        self._members = {name.removeprefix(ARTIFACTS): member for name, member in members.items()}
        if self._members.keys() != sizes.keys():
            odd = min(self._members.keys() ^ sizes.keys())
            raise InvalidInputError(
                f"the artifact {odd} is either not in the archive or not in its {JOB_JSON}; {_ACCEPTED}"
            )
        for sha256, member in self._members.items():
            if member.file_size != sizes[sha256]:
                raise InvalidInputError(
                    f"the artifact {sha256} has {member.file_size} bytes, and {JOB_JSON} says {sizes[sha256]}; "
                    f"{_ACCEPTED}"
                )

    def artifact(self, sha256: str) -> Iterator[bytes]:
        """Yield the bytes of an artifact, at most as many as ``job.json`` states.

        Raises:
            InvalidInputError: The member is damaged, or has other bytes than it states.
        """
        left = self._members[sha256].file_size
        try:
            with self._archive.open(self._members[sha256]) as file:
                while chunk := file.read(_CHUNK_BYTES):
                    left -= len(chunk)
                    if left < 0:
                        break
                    yield chunk
        except (*DAMAGED_ZIP, OSError, ValueError) as error:
            raise InvalidInputError(f"the artifact {sha256} is damaged: {error}; {_ACCEPTED}") from error
        if left:
            raise InvalidInputError(f"the artifact {sha256} has another size than it states; {_ACCEPTED}")


@contextmanager
def open_archive(path: Path) -> Iterator[OpenArchive]:
    """Open an archive and check what is in it.

    Raises:
        InvalidInputError: It is not an archive of a job, or of a version that this server does not read.
        InvalidReportError: What it says of the job is not valid; fields are named.
    """
    with path.open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - _ZIP64_LOCATOR_BYTES - _END.size, 0))
        _check_end(file.read())
    try:
        archive = zipfile.ZipFile(path)
    except (*DAMAGED_ZIP, ValueError) as error:
        raise InvalidInputError(f"it can't be read as a zip: {error}; {_ACCEPTED}") from error
    with archive:
        yield OpenArchive(archive)


def _check_end(end: bytes) -> None:
    """Check the zip's last record, so that a large directory is never read."""
    before, last = end[: -_END.size], end[-_END.size :]
    if len(last) != _END.size or not last.startswith(_END_SIGNATURE):
        raise InvalidInputError(f"it is not a zip, is truncated, or has more bytes after the zip; {_ACCEPTED}")
    _, _, _, _, entries, directory_bytes, _, comment_bytes = _END.unpack(last)
    if before.startswith(_ZIP64_LOCATOR) or comment_bytes:
        raise InvalidInputError(f"the zip has a comment or the records of a large zip; {_ACCEPTED}")
    if entries > _MOST_ENTRIES or directory_bytes > _MOST_DIRECTORY_BYTES:
        raise InvalidInputError(f"the zip has {entries} files; accepted: up to {_MOST_ENTRIES}, with short names")


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename
        if name in found:
            raise InvalidInputError(f"the zip has {name!a} twice; accepted: each file once")
        if name != JOB_JSON and not _NAME.fullmatch(name):
            raise InvalidInputError(
                f"the zip has the file {name[:200]!a}; accepted: {JOB_JSON} and {ARTIFACTS}<SHA-256>"
            )
        if member.flag_bits & _ENCRYPTED or member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise InvalidInputError(f"{name} is encrypted or compressed in another way than Deflate; {_ACCEPTED}")
        found[name] = member
    if JOB_JSON not in found:
        raise InvalidInputError(f"the zip has no {JOB_JSON}; {_ACCEPTED}")
    return found


def _whole(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(member) as file:
            content = file.read(_MOST_JSON_BYTES + 1)
    except (*DAMAGED_ZIP, OSError, ValueError) as error:
        raise InvalidInputError(f"{JOB_JSON} is damaged: {error}; {_ACCEPTED}") from error
    values = sum(content.count(character) for character in (b",", b"[", b"{"))
    if len(content) > _MOST_JSON_BYTES or values > _MOST_VALUES:
        raise InvalidInputError(
            f"{JOB_JSON} is too large; accepted: up to {_MOST_JSON_BYTES} bytes and {_MOST_VALUES} values"
        )
    return content


def _parse(content: bytes) -> ArchivedJob:
    try:
        return ArchivedJob.model_validate_json(content)
    except ValidationError as error:
        _check_version(content)
        raise InvalidReportError([_problem(each) for each in error.errors()[:_MOST_PROBLEMS]]) from error


def _problem(error: object) -> FieldProblem:
    message, accepted = in_words(error)  # type: ignore[arg-type]
    place = ".".join(map(str, error["loc"]))  # type: ignore[index]
    return FieldProblem(field=place or JOB_JSON, value=None, message=message, accepted=accepted)


def _check_version(content: bytes) -> None:
    """Check whether the archive is of another version, which explains all other problems."""
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{JOB_JSON} can't be read as JSON: {str(error)[:200]}; {_ACCEPTED}") from error
    written = parsed if isinstance(parsed, dict) else {}
    if written.get("format") != FORMAT or written.get("version") != FORMAT_VERSION:
        raise InvalidInputError(
            f"{JOB_JSON} has the format {str(written.get('format'))[:40]!r} and the version "
            f"{str(written.get('version'))[:40]!r}; accepted by Edgepress {__version__}: {FORMAT!r}, {FORMAT_VERSION}"
        )
