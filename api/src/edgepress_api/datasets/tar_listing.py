"""Checks, while a tar is uploaded, that it contains an image.

The members are read one header after another, decompressed if necessary, in a fixed amount of memory. The check ends
without a decision, and the worker decides, if it would need more: after 64 MiB of members without an image, at a
damaged header, at a second compressed stream, or at a name that is stored apart from its member (long names).
"""

import bz2
import lzma
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from edgepress_api.datasets.zip_listing import SHOWN, may_be_image
from edgepress_common.errors import InvalidInputError

_MOST_BYTES = 64 << 20  # read in search of an image
_PIECE_BYTES = 1 << 20  # decompressed at once
_MOST_XZ_BYTES = 128 << 20  # memory of the decompressor; xz -9 takes 65 MiB
_BLOCK = tarfile.BLOCKSIZE
_WITHOUT_CONTENT = {*tarfile.SUPPORTED_TYPES} - {*tarfile.REGULAR_TYPES, tarfile.GNUTYPE_LONGNAME}
_WITHOUT_CONTENT -= {tarfile.GNUTYPE_LONGLINK}


class _UndecidedError(Exception):
    """It can't be known here whether the tar has an image."""


class _Reader(Protocol):
    def decompressed(self, content: bytes) -> Iterator[bytes]: ...


def with_an_image(chunks: Iterable[bytes], media_type: str) -> Iterator[bytes]:
    """Yield the chunks unchanged.

    Args:
        chunks: The upload.
        media_type: That of a tar or of its compression.

    Raises:
        InvalidInputError: The chunks ended, and no member has the name of an image.
    """
    members, reader, is_decided = _Members(), _READERS.get(media_type, _Plain)(), False
    for chunk in chunks:
        if not is_decided:
            try:
                is_decided = any(members.have_image(piece) for piece in reader.decompressed(chunk))
            except (_UndecidedError, tarfile.TarError, zlib.error, lzma.LZMAError, OSError, EOFError):
                is_decided = True
        yield chunk
    if not is_decided:
        shown = f" (it has {', '.join(map(ascii, members.names))}, ...)" if members.names else ""
        raise InvalidInputError(
            f"the tar does not contain an image{shown}; accepted: a tar of class folders with images"
        )


class _Members:
    """The members of a tar that arrives in pieces."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._rest = b""
        self._skipped_bytes = 0
        self._read_bytes = 0

    def have_image(self, piece: bytes) -> bool:
        """Return whether a member that begins in a piece has the name of an image."""
        self._read_bytes += len(piece)
        if self._read_bytes > _MOST_BYTES:
            raise _UndecidedError
        content, at = self._rest + piece, self._skipped_bytes
        while at + _BLOCK <= len(content):
            header = content[at : at + _BLOCK]
            at += _BLOCK
            if not any(header):
                continue  # the end of the archive, or of one of several that are joined
            member = tarfile.TarInfo.frombuf(header, "utf-8", "replace")
            if member.type not in tarfile.REGULAR_TYPES and member.type not in _WITHOUT_CONTENT:
                raise _UndecidedError
            if member.isreg():
                if may_be_image(member.name):
                    return True
                self.names.extend([member.name][: SHOWN - len(self.names)])
                at += -(-member.size // _BLOCK) * _BLOCK
        self._rest, self._skipped_bytes = content[at:], max(0, at - len(content))
        return False


class _Plain:
    def decompressed(self, content: bytes) -> Iterator[bytes]:
        yield content


class _Gzip:
    def __init__(self) -> None:
        self._decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    def decompressed(self, content: bytes) -> Iterator[bytes]:
        while content:
            yield self._decompressor.decompress(content, _PIECE_BYTES)
            content = self._decompressor.unconsumed_tail
            if self._decompressor.eof and self._decompressor.unused_data:
                raise _UndecidedError


class _Bzip2:
    def __init__(self) -> None:
        self._decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor = bz2.BZ2Decompressor()

    def decompressed(self, content: bytes) -> Iterator[bytes]:
        yield self._decompressor.decompress(content, _PIECE_BYTES)
        while not self._decompressor.needs_input:
            if self._decompressor.eof:
                if self._decompressor.unused_data:
                    raise _UndecidedError
                return
            yield self._decompressor.decompress(b"", _PIECE_BYTES)


class _Xz(_Bzip2):
    def __init__(self) -> None:
        self._decompressor = lzma.LZMADecompressor(memlimit=_MOST_XZ_BYTES)


_READERS: dict[str, type[_Reader]] = {
    "application/gzip": _Gzip,
    "application/x-bzip2": _Bzip2,
    "application/x-xz": _Xz,
}
