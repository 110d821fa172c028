"""Counts the images of an uploaded zip by folder, from the directory at its end: without unpacking or opening any.

The directory is read in one piece, if it is not larger than a limit. A zip with more members than its end can state
(zip64), a larger directory, or an end that is not there has no counts; the worker decides whether it is intact.
"""

import struct
from collections import Counter

from edgepress_api.datasets.zip_listing import may_be_image
from edgepress_common.artifacts import ArtifactStore

_END = struct.Struct("<4s4xHHII")  # signature, members on this disk and in total, size and offset of the directory
_END_SIGNATURE = b"PK\x05\x06"
_END_BYTES = 22 + 0xFFFF  # the end, and the longest comment after it
_MEMBER = struct.Struct("<4s24xHHH12x")  # signature, lengths of name, extra field and comment
_MEMBER_SIGNATURE = b"PK\x01\x02"
_MOST_DIRECTORY_BYTES = 16 << 20
_ZIP64 = 0xFFFF


def count_by_folder(store: ArtifactStore, sha256: str, size_bytes: int) -> dict[str, int]:
    """Return the number of files that may be images in each folder, by path; empty if this can't be told.

    Args:
        store: The artifact store.
        sha256: The zip.
        size_bytes: Its size.

    Raises:
        NotFoundError: It is not in the store.
    """
    end = store.read(sha256, max(0, size_bytes - _END_BYTES), _END_BYTES)
    at = end.rfind(_END_SIGNATURE)
    if at < 0 or len(end) - at < _END.size:
        return {}
    _, _, members, length, offset = _END.unpack_from(end, at)
    if members == _ZIP64 or not 0 < length <= _MOST_DIRECTORY_BYTES:
        return {}
    counts: Counter[str] = Counter()
    for name in _names(store.read(sha256, offset, length)):
        if may_be_image(name):
            counts[name.strip("/").rpartition("/")[0] or "."] += 1
    return dict(sorted(counts.items()))


def _names(directory: bytes) -> list[str]:
    names, at = [], 0
    while at + _MEMBER.size <= len(directory):
        signature, name, extra, comment = _MEMBER.unpack_from(directory, at)
        if signature != _MEMBER_SIGNATURE:
            break
        at += _MEMBER.size
        names.append(directory[at : at + name].decode(errors="replace").replace("\\", "/"))
        at += name + extra + comment
    return names
