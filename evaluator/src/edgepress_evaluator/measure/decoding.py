"""Time to restore the .tflite file from its coded file, once; reading and writing files is not part of it."""

import io
import time
from pathlib import Path

from edgepress_common.bundle_files.decode import CodedFileError, decode

_MS_PER_SECOND = 1000


def decode_ms(coded: Path | None) -> float | None:
    """Return the time in milliseconds; None without a coded file that this version decodes."""
    if coded is None:
        return None
    source, restored = io.BytesIO(coded.read_bytes()), io.BytesIO()
    began = time.perf_counter()
    try:
        decode(source, restored)
    except CodedFileError:
        return None
    return _MS_PER_SECOND * (time.perf_counter() - began)
