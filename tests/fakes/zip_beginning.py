"""The least that a gateway takes for a zip of images."""

import struct


def zip_of_bytes(size_bytes: int, name: str = "a/1.png") -> bytes:
    """Return bytes that begin like a zip whose first member is an image; they can't be unpacked."""
    header = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0) + name.encode()
    return header.ljust(size_bytes, b"\0")
