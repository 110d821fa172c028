"""Writes the coded file of a .tflite file, and verifies that it restores the same bytes."""

import hashlib
import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from edgepress_common.bundle_files import decode
from edgepress_common.errors import StepFailedError
from edgepress_worker.coded.parts import Part, find_parts
from edgepress_worker.coded.sequences import number, smallest

# The rest is in memory while a file is decoded; what is longer is a part.
_MOST_REST_BYTES = 1 << 18


def coded_file(content: bytes) -> bytes:
    """Return the coded file of a .tflite file.

    Args:
        content: The bytes of the .tflite file.

    Raises:
        StepFailedError: The file can't be coded, or the coded file does not restore it.
    """
    if len(content) > decode.MOST_BYTES:
        raise StepFailedError(f"a .tflite file of {len(content)} bytes can't be coded; accepted: {decode.MOST_BYTES}")
    whole = np.frombuffer(content, np.uint8)
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # numpy and LZMA release Python's lock
        chosen = [each for few in threads.map(_code, _with_gaps(content)) for each in few]
    rest = np.ones(len(whole), np.bool_)
    for part, _, _ in chosen:
        rest[part.offset : part.end] = False
    coded = bytearray(decode.MAGIC + _begin(max((version for _, version, _ in chosen), default=1)))
    coded += len(content).to_bytes(8, "little") + hashlib.sha256(content).digest()
    coded += number(len(chosen)) + number(int(np.count_nonzero(rest)))
    if rest.any():
        coded += _with_length(smallest(whole[rest]).write())
    end = 0
    for part, _, written in chosen:
        coded += number(part.offset - end) + number(len(part.content)) + _with_length(written)
        end = part.end
    _verify(coded, content)
    return bytes(coded)


def _begin(version: int) -> bytes:
    """Return what is before the size of the .tflite file; since version 2, there can be several, with names."""
    return bytes((1,)) if version == 1 else bytes((version, 1, 0))


def _with_length(content: bytes) -> bytes:
    return number(len(content)) + content


def _with_gaps(content: bytes) -> Iterator[Part]:
    """Yield the parts, and the long gaps between them as parts of their own."""
    whole, end = np.frombuffer(content, np.uint8), 0
    for part in (*find_parts(content), Part(len(whole), whole[:0], 1)):
        if part.offset - end > _MOST_REST_BYTES:
            for start in range(end, part.offset, _MOST_REST_BYTES):
                yield Part(start, whole[start : min(start + _MOST_REST_BYTES, part.offset)], 1)
        if len(part.content):
            yield part
        end = part.end


def _code(part: Part) -> tuple[tuple[Part, int, bytes], ...]:
    """Return a part, the version of the format that it needs, and its coded bytes; nothing if it goes with the rest."""
    way = smallest(
        part.content,
        part.width,
        part.channels,
        axes=part.axes,
        blocks=part.blocks,
        may_be_hashed=part.may_be_hashed,
        is_ascending=part.is_ascending,
    )
    if way.is_general and len(part.content) < _MOST_REST_BYTES // 4:
        return ()
    return ((part, way.version, way.write()),)


def _verify(coded: bytearray, content: bytes) -> None:
    restored = io.BytesIO()
    try:
        decode.decode(io.BytesIO(coded), restored)
    except decode.CodedFileError as error:
        raise StepFailedError(f"the coded file does not restore the .tflite file: {error}; report this") from error
    if restored.getbuffer() != content:
        raise StepFailedError("the coded file restores another .tflite file; report this")
