"""Encodes images as PNG (ISO/IEC 15948): 8 bits per channel, RGB, rows without a filter.

The standard library has all it takes, so that the process with the database needs no image library.
"""

import struct
import zlib

from edgepress_api.images.packed import PackedImage

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB = 2
_BITS = 8
_NO_FILTER = b"\0"


def png(image: PackedImage) -> bytes:
    """Return an image as PNG."""
    width = len(image.pixels) // image.side
    rows = (image.pixels[start : start + width] for start in range(0, len(image.pixels), width))
    header = struct.pack(">IIBBBBB", image.side, image.side, _BITS, _RGB, 0, 0, 0)
    content = zlib.compress(b"".join(_NO_FILTER + row for row in rows))
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", content) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
