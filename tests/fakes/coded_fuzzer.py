"""Decodes damaged and hostile coded files.

After each: it is restored bit for bit, or refused by a `CodedFileError` of a few words; nothing takes long. At the end:
the process has not grown by much.
"""

import hashlib
import io
import random
import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgepress_common.bundle_files import decode
from edgepress_worker.coded.file import coded_file
from edgepress_worker.coded.images import _node
from edgepress_worker.coded.sequences import Channels, number, smallest
from fakes.mutations import mutated_bytes
from fakes.tensors_to_code import tensors

MOST_SECONDS = 60.0  # for one file, on a busy machine: what `decode.MOST_WORK` steps take, twice
MOST_GROWTH_BYTES = 400 << 20
_MOST_BYTES = 1 << 24
_MODELS = Path(__file__).parent / "models"


@dataclass
class CodedFuzzer:
    """See the module.

    Attributes:
        seed: Seed of what is decoded.
        outcomes: Number of files by kind and outcome.
        slowest_seconds: Time of the file that took longest.
    """

    seed: int = 0
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    slowest_seconds: float = 0.0

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        models = [path.read_bytes() for path in sorted(_MODELS.glob("*.tflite"))]
        self._valid = [(coded_file(model), model) for model in models] + [*_containers()]

    def send(self, inputs: int) -> None:
        """Decode so many files of each kind.

        Raises:
            AssertionError: The decoder did something that it must not do.
        """
        for kind, make in {"damaged coded files": self._damaged, "hostile coded files": self._hostile}.items():
            counted = self.outcomes.setdefault(kind, Counter())
            before = _peak_bytes()
            for _ in range(inputs):
                coded, original = make()
                began = time.monotonic()
                counted[_outcome(coded, original)] += 1
                seconds = time.monotonic() - began
                assert seconds < MOST_SECONDS, f"{kind}: {seconds:.0f} s for {coded[:100].hex()}"
                self.slowest_seconds = max(self.slowest_seconds, seconds)
            assert _peak_bytes() - before < MOST_GROWTH_BYTES, f"{kind}: the process grew too much"

    def _damaged(self) -> tuple[bytes, bytes]:
        coded, original = self._rng.choice(self._valid)
        return mutated_bytes(self._rng, coded), original

    def _hostile(self) -> tuple[bytes, bytes]:
        """Return a file that follows the format for as long as it is likely to be read, with extreme numbers."""
        size = self._rng.choice((1, 1000, 1 << 20, _MOST_BYTES, _MOST_BYTES + 1))
        content = bytearray(_header(size, bytes(32)) + number(self._rng.choice((1, 2, 1 << 16))) + number(0))
        for _ in range(self._rng.randint(1, 4)):
            length = self._rng.choice((0, 1, 24, 4096, size // 2, size, 1 << 26, 1 << 30))
            node = self._node(length, self._rng.randint(0, 8))
            content += number(0) + number(length) + number(len(node)) + node
        return bytes(content), b""

    def _node(self, length: int, depth: int) -> bytes:
        kind = self._rng.choice((decode.RANS, decode.RANS, *range(12)))
        width = self._rng.choice((1, 2, 4, 8, 3))
        inner = self._node(length // width, depth - 1) if depth else b"\x02\x00"
        match kind:
            case decode.RAW | decode.LZMA:
                return bytes((kind,)) + self._rng.randbytes(self._rng.choice((1, 100, 5000)))
            case decode.RANS:
                return self._lanes(length)
            case decode.DELTA | decode.PLANES | decode.HASHED:
                bits = bytes((self._rng.choice((0, 1, 16, 17)),)) if kind == decode.HASHED else b""
                return bytes((kind, width)) + bits + inner * (width if kind == decode.PLANES else 1)
            case decode.CODEBOOK:
                entries = self._rng.choice((1, 256, 1 << 16))
                return bytes((kind,)) + number(width) + number(entries) + b"\2\0" + inner
            case decode.MASK:
                return bytes((kind, width)) + bytes(width) + inner + inner
            case _:
                return bytes((kind, width)) + number(self._rng.choice((0, 1, 9, length))) + number(width) + inner

    def _lanes(self, length: int) -> bytes:
        """Return lanes that end well, of symbols that cost nothing: the most work for the fewest bytes."""
        bits = self._rng.choice((7, 8, 12, 15, 16))
        lanes = self._rng.choice((1, 2, 64, 4096, 5000, max(length, 1)))
        tables = self._rng.choice((1, 1, lanes))
        table = self._rng.choice((b"\0\7", b"\1\0\1\1", self._rng.randbytes(4))) * min(tables, 4096)
        layout = self._rng.randint(0, 3)
        head = bytes((decode.RANS, bits, layout)) + number(lanes) + number(tables)
        states = decode.LOWEST.to_bytes(4, "little") * min(lanes, 4096)
        classes = b"" if layout != decode.CLASSED else self._classes(length, tables)
        return head + number(len(table)) + b"\0" + table + classes + states + number(0)

    def _classes(self, length: int, tables: int) -> bytes:
        axes = self._rng.choice(((length, 1, 1), (1, 1, length), (length // 8, 2, 4), (1, 1, 1), (2**16, 2**16, 1)))
        levels = b"".join(bytes((decode.CONSTANT, self._rng.randrange(256))) for _ in axes)
        return b"".join(map(number, axes)) + levels + self._rng.randbytes(min(tables, 4096) - 1)


def _outcome(coded: bytes, original: bytes) -> str:
    restored = io.BytesIO()
    try:
        decode.decode(io.BytesIO(coded), restored, most_bytes=_MOST_BYTES)
    except decode.CodedFileError as error:
        words = str(error)
    else:
        words = ""
    if words:
        assert len(words) < 400
        return "refused"
    assert restored.getvalue() == original
    return "restored"


def _header(size: int, digest: bytes) -> bytes:
    return decode.MAGIC + bytes((1,)) + size.to_bytes(8, "little") + digest


def _containers() -> list[tuple[bytes, bytes]]:
    """Return coded files of one part each."""
    found = []
    for _, values in tensors():
        for channels in (None, Channels(16, decode.BLOCKED)):
            content = np.ascontiguousarray(values).view(np.uint8)
            original = content.tobytes()
            coded = _header(len(original), hashlib.sha256(original).digest()) + number(1) + number(0)
            part = smallest(content, values.itemsize, channels).write()
            coded += number(0) + number(len(original)) + number(len(part)) + part
            found.append((coded, original))
    codes = np.random.default_rng(1).normal(0, np.geomspace(0.3, 30, 16)[:, np.newaxis], (16, 1152)).astype(np.int8)
    part = smallest(codes.reshape(-1).view(np.uint8), 1, axes=(16, 9, 128)).write()
    assert part[2] == decode.CLASSED
    head = _header(codes.size, hashlib.sha256(codes.tobytes()).digest()) + number(1) + number(0) + number(0)
    found.append((head + number(codes.size) + number(len(part)) + part, codes.tobytes()))
    images = np.random.default_rng(0).normal(128, 20, (2, 12, 16, 3)).astype(np.uint8)
    node = b"".join(_node(images))
    original = images.tobytes()
    head = _header(len(original), hashlib.sha256(original).digest()) + number(1) + number(0) + number(0)
    found.append((head + number(len(original)) + number(len(node)) + node, original))
    return found


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
