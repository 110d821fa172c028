"""Checks, while a zip is uploaded, that it contains an image.

The name of a member is stored before its content as well as in the directory at the end, so one pass over the bytes
finds all names in a fixed amount of memory. The worker checks whether the zip is intact.
"""

from collections.abc import Iterable, Iterator

from edgepress_common.errors import InvalidInputError
from edgepress_common.layout import is_clutter, is_companion

SIGNATURE = b"PK\x03\x04"
_HEADER_BYTES = 30  # header of a member, before its name
_NAME_LENGTH = slice(26, 28)
SHOWN = 3


def with_an_image(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks unchanged.

    Raises:
        InvalidInputError: The chunks ended, and no member has the name of an image.
    """
    is_found = False
    rest = b""
    names: list[str] = []
    for chunk in chunks:
        if not is_found:
            rest = rest + chunk
            found, rest = _names(rest)
            is_found = any(map(may_be_image, found))
            names.extend([name for name in found if name][: SHOWN - len(names)])
        yield chunk
    if not is_found:
        shown = f" (it has {', '.join(map(ascii, names))}, ...)" if names else ""
        raise InvalidInputError(
            f"the zip does not contain an image{shown}; accepted: a zip of class folders with images"
        )


def _names(content: bytes) -> tuple[list[str], bytes]:
    """Return the names of the members that begin in a chunk, and its end, in which another may begin."""
    names: list[str] = []
    at = 0
    while (at := content.find(SIGNATURE, at)) >= 0:
        end = at + _HEADER_BYTES
        end += int.from_bytes(content[at:end][_NAME_LENGTH], "little")
        if len(content) < end:
            return names, content[at:]
        names.append(content[at + _HEADER_BYTES : end].decode(errors="replace").replace("\\", "/"))
        at += _HEADER_BYTES
    return names, content[-len(SIGNATURE) + 1 :]


def may_be_image(name: str) -> bool:
    """Return whether a member may be an image: it is not a folder, a note, or a file that a system adds."""
    parts = [part for part in name.split("/") if part]
    return bool(parts) and not name.endswith("/") and not any(map(is_clutter, parts)) and not is_companion(parts[-1])
