"""Reads zip and tar archives of unknown origin member by member, within a fixed amount of memory.

Python's readers believe what an archive says: a zip's directory is read at once, whatever its size; so is a tar's
extended header; some zip methods inflate without a bound. All reading goes through `_Bounded`, and those methods are
refused. Sizes need no such care: neither reader gives more bytes of a member than the member's header claims.
"""

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
from _compression import DecompressReader  # what lzma.LZMAFile itself reads by; only here it can be given a limit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Literal

from edgepress_common.errors import EdgepressError, InvalidInputError

_CHUNK_BYTES = 1 << 20
_MAX_ZIP_DIRECTORY_BYTES = 64 << 20  # some 500,000 members; as Python objects, up to ten times as much memory
_MAX_TAR_READ_BYTES = 1 << 20  # the longest extended header that is believed; a path of 4096 bytes needs 10 KB
_XZ_MEMORY_BYTES = 256 << 20  # xz -9 needs 65 MB to be read
_TAR_BLOCK_BYTES = 512
_TAR_MARK = slice(257, 262)  # of the first block
_ACCEPTED = "zip, tar, tar.gz, tar.bz2 or tar.xz"


@dataclass(frozen=True)
class Member:
    """One entry of an archive.

    Attributes:
        name: As the archive has it, with ``/`` between folders.
        kind: ``other`` is a link, a device, or anything else that isn't plain bytes.
        size_bytes: What reading it gives at most.
        share: How much of the archive comes before it, 0 to 1.
        open: Gives the bytes of a file, if asked before the next member is.
    """

    name: str
    kind: Literal["file", "folder", "other"]
    size_bytes: int
    share: float
    open: Callable[[], IO[bytes] | None]

    def chunks(self) -> Iterator[bytes]:
        """The bytes of a file, a little at a time.

        Raises:
            InvalidInputError: They are damaged.
        """
        with _blaming_the_archive():
            stream = self.open()
            assert stream is not None  # tarfile gives none for a folder
            with stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    yield chunk


def read_members(file: IO[bytes]) -> Iterator[Member]:
    """The members of an archive, in its order; its kind is told by its first bytes.

    Raises:
        InvalidInputError: It is no archive, is damaged or cut off, or asks for more memory than it may.
    """
    head = file.read(_TAR_BLOCK_BYTES)
    file.seek(0)
    with _blaming_the_archive():
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            yield from _zip_members(file)
        else:
            yield from _tar_members(file, _decompressed(file, head))


def _decompressed(file: IO[bytes], head: bytes) -> IO[bytes]:
    """The plain tar in a file, told by how the file begins."""
    if head.startswith(b"\x1f\x8b"):
        return io.BufferedReader(gzip.GzipFile(fileobj=file))
    if head.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if head.startswith(b"\xfd7zXZ\0"):
        decompressor = partial(lzma.LZMADecompressor, memlimit=_XZ_MEMORY_BYTES)
        return io.BufferedReader(DecompressReader(file, decompressor, trailing_error=lzma.LZMAError))
    if head[_TAR_MARK] == b"ustar":
        return file
    raise InvalidInputError(f"is no archive of a kind that can be read; accepted: {_ACCEPTED}")


@contextmanager
def _blaming_the_archive() -> Iterator[None]:
    """Whatever a reader says of bytes that may be broken or made to break it is the archive's fault."""
    try:
        yield
    except EdgepressError:
        raise
    except Exception as error:
        raise InvalidInputError(f"can't be read to its end: {error or type(error).__name__}") from error


def _zip_members(file: IO[bytes]) -> Iterator[Member]:
    with zipfile.ZipFile(_Bounded(file, _MAX_ZIP_DIRECTORY_BYTES)) as archive:
        members = archive.infolist()
        for number, info in enumerate(members):
            if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise InvalidInputError(f"has {info.filename!r} in an unusual compression; accepted: stored, deflated")
            yield Member(
                name=info.filename.replace("\\", "/"),  # some archivers on Windows write it so
                kind=_zip_kind(info),
                size_bytes=info.file_size,
                share=number / len(members),
                open=partial(archive.open, info),
            )


def _zip_kind(info: zipfile.ZipInfo) -> Literal["file", "folder", "other"]:
    if info.is_dir():
        return "folder"
    # The upper half is Unix's file mode, and 0 where the archive was not made there.
    return "file" if stat.S_IFMT(info.external_attr >> 16) in {0, stat.S_IFREG} else "other"


def _tar_members(file: IO[bytes], tar: IO[bytes]) -> Iterator[Member]:
    size_bytes = os.fstat(file.fileno()).st_size
    bounded = _Bounded(tar, _MAX_TAR_READ_BYTES)
    with tarfile.open(fileobj=bounded, mode="r:") as archive:
        while (info := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # all it has seen, though nothing looks back
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
            raise InvalidInputError("is cut off: the end mark of a tar is missing")  # which tarfile lets pass


def _tar_kind(info: tarfile.TarInfo) -> Literal["file", "folder", "other"]:
    if info.isdir():
        return "folder"
    return "file" if info.isreg() and not info.issparse() else "other"


class _Bounded(io.BufferedIOBase):
    """A file that gives no more than so many bytes in one read.

    Attributes:
        last: What the last read gave.
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

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
