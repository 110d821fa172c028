"""Reads untrusted zip and tar archives member by member, within a fixed amount of memory.

Python's readers trust the archive: they read a zip's directory, or a tar's extended header, at once and at any size,
and some zip methods decompress without a limit. Therefore all reads go through `_Bounded`, and those methods are
rejected. The size of a member needs no check, because neither reader returns more bytes than the member's header
declares.
"""

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
from _compression import DecompressReader  # used by lzma.LZMAFile; only here it accepts a memory limit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Literal

from edgepress_common.errors import EdgepressError, InvalidInputError
from edgepress_worker.datasets.zip_names import guessed_encoding, name_of

_CHUNK_BYTES = 1 << 20
_MAX_ZIP_DIRECTORY_BYTES = 64 << 20  # about 500,000 members; as Python objects, up to ten times as much memory
_MAX_TAR_READ_BYTES = 1 << 20  # longest accepted extended header; a path of 4096 bytes needs 10 KB
_XZ_MEMORY_BYTES = 256 << 20  # decompressing xz -9 needs 65 MB
_TAR_BLOCK_BYTES = 512
_TAR_MARK = slice(257, 262)  # in the first block
_ACCEPTED = "zip, tar, tar.gz, tar.bz2 or tar.xz"


@dataclass(frozen=True)
class Member:
    """An entry of an archive.

    Attributes:
        name: Name in the archive, with ``/`` between folders.
        kind: ``other`` is a link, a device, or anything else that is not a regular file or folder.
        size_bytes: Maximum number of bytes that reading returns.
        share: Share of the archive before the member, 0 to 1.
        open: Function that returns a stream of the file's content; only valid until the next member is read.
        guessed_encoding: Encoding that was guessed for the name; None if the archive specifies it.
    """

    name: str
    kind: Literal["file", "folder", "other"]
    size_bytes: int
    share: float
    open: Callable[[], IO[bytes] | None]
    guessed_encoding: str | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield the content of a file in chunks.

        Raises:
            InvalidInputError: The content is damaged.
        """
        with _blaming_the_archive():
            stream = self.open()
            assert stream is not None  # tarfile returns None for a folder
            with stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    yield chunk


def read_members(file: IO[bytes]) -> Iterator[Member]:
    """Yield the members of an archive, in order. The format is detected by the first bytes.

    Raises:
        InvalidInputError: The file is not an archive, is damaged or truncated, or needs too much memory.
    """
    head = file.read(_TAR_BLOCK_BYTES)
    file.seek(0)
    with _blaming_the_archive():
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            yield from _zip_members(file)
        else:
            yield from _tar_members(file, _decompressed(file, head))


def _decompressed(file: IO[bytes], head: bytes) -> IO[bytes]:
    """Return the uncompressed tar, detecting the compression by the first bytes."""
    if head.startswith(b"\x1f\x8b"):
        return io.BufferedReader(gzip.GzipFile(fileobj=file))
    if head.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if head.startswith(b"\xfd7zXZ\0"):
        decompressor = partial(lzma.LZMADecompressor, memlimit=_XZ_MEMORY_BYTES)
        return io.BufferedReader(DecompressReader(file, decompressor, trailing_error=lzma.LZMAError))
    if head[_TAR_MARK] == b"ustar":
        return file
    raise InvalidInputError(f"is not an archive of a supported format; accepted: {_ACCEPTED}")


@contextmanager
def _blaming_the_archive() -> Iterator[None]:
    """Raise any error of a reader as an error in the archive, which may be broken or malicious."""
    try:
        yield
    except EdgepressError:
        raise
    except Exception as error:
        raise InvalidInputError(f"can't be read to its end: {error or type(error).__name__}") from error


def _zip_members(file: IO[bytes]) -> Iterator[Member]:
    with zipfile.ZipFile(_Bounded(file, _MAX_ZIP_DIRECTORY_BYTES)) as archive:
        members = archive.infolist()
        guessed = guessed_encoding(members)
        for number, info in enumerate(members):
            if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise InvalidInputError(f"has {info.filename!r} in an unusual compression; accepted: stored, deflated")
            yield Member(
                name=name_of(info, guessed).replace("\\", "/"),  # some archivers on Windows write backslashes
                kind=_zip_kind(info),
                size_bytes=info.file_size,
                share=number / len(members),
                open=partial(archive.open, info),
                guessed_encoding=None if info.filename.isascii() else guessed,
            )


def _zip_kind(info: zipfile.ZipInfo) -> Literal["file", "folder", "other"]:
    if info.is_dir():
        return "folder"
    # The upper half is the Unix file mode; it is 0 if the archive was created elsewhere.
    return "file" if stat.S_IFMT(info.external_attr >> 16) in {0, stat.S_IFREG} else "other"


def _tar_members(file: IO[bytes], tar: IO[bytes]) -> Iterator[Member]:
    size_bytes = os.fstat(file.fileno()).st_size
    bounded = _Bounded(tar, _MAX_TAR_READ_BYTES)
    with tarfile.open(fileobj=bounded, mode="r:") as archive:
        while (info := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # frees memory: tarfile keeps all members it has read
            if info.size < 0:
                raise InvalidInputError(f"has {info.name!r} of {info.size} bytes")
            yield Member(
                name=info.name,
                kind=_tar_kind(info),
                size_bytes=info.size,
                share=file.tell() / size_bytes,
                open=partial(archive.extractfile, info),
            )
        if bounded.last != bytes(_TAR_BLOCK_BYTES):
            raise InvalidInputError("is truncated: the end mark of a tar is missing")  # which tarfile does not check


def _tar_kind(info: tarfile.TarInfo) -> Literal["file", "folder", "other"]:
    if info.isdir():
        return "folder"
    return "file" if info.isreg() and not info.issparse() else "other"


class _Bounded(io.BufferedIOBase):
    """A file that limits the number of bytes per read.

    Attributes:
        last: Result of the last read.
    """

    def __init__(self, file: IO[bytes], limit_bytes: int) -> None:
        self._file = file
        self._limit_bytes = limit_bytes
        self.last = b""

    def read(self, size: int | None = -1) -> bytes:
        wanted = self._limit_bytes + 1 if size is None or size < 0 else size
        if size is not None and size > self._limit_bytes:
            raise InvalidInputError(f"asks for {size} bytes of memory at once; accepted: up to {self._limit_bytes}")
        self.last = self._file.read(wanted)
        return self.last

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, origin: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, origin)

    def tell(self) -> int:
        return self._file.tell()
