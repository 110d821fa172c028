"""Compares the sizes of .tflite files: raw, zip, xz, zstd, coded, and the order-0 entropy of their weights.

``.venv/bin/python tests/bench/coded_sizes.py PATH...`` prints a row of Markdown for each .tflite file. A path is a
file, or a folder such as the one that ``edgepress pull JOB`` writes. xz has preset 9, zstd level 19; without the
package ``zstandard``, which nothing else needs, its column is empty. The entropy is the sum over the tensors of weights
of the entropy of a tensor's elements, each a byte or a float: the limit of a coder that knows how often each occurs in
the tensor, and nothing else. Coded files can be below it: their tables differ by channel and place.
"""

from __future__ import annotations

import importlib.util
import lzma
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgepress_worker.coded.file import coded_file
from edgepress_worker.coded.frequencies import entropy_bits
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.zip_size import zip_bytes

_HEAD = ("file", "raw", "zip", "xz", "zstd", "coded", "entropy", "coded / entropy", "below zip")


def main(paths: list[Path]) -> None:
    """Print the table of all .tflite files."""
    _print(_HEAD)
    _print(("---", *("--:" for _ in _HEAD[1:])))
    for path in _files(paths):
        _print(_row(path))


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.rglob("*.tflite")) if path.is_dir() else (path,)


def _row(path: Path) -> tuple[str, ...]:
    content = path.read_bytes()
    zipped, coded, entropy = zip_bytes(path), len(coded_file(content)), weight_entropy_bytes(content)
    sizes = (len(content), zipped, len(lzma.compress(content, preset=9)), _zstd_bytes(content), coded, entropy)
    written = ("" if size is None else f"{size:,.0f}" for size in sizes)
    return "/".join(path.parts[-2:]), *written, f"{coded / entropy:.3f}", f"{1 - coded / zipped:.1%}"


def _zstd_bytes(content: bytes) -> int | None:
    if importlib.util.find_spec("zstandard") is None:
        return None
    return len(importlib.import_module("zstandard").compress(content, 19))


def weight_entropy_bytes(content: bytes) -> float:
    """Return the order-0 entropy of all weights of a .tflite file, tensor by tensor, in bytes."""
    file = TfliteFile.parse(content)
    stored = (file.model.tensors[layer.tensor] for layer in file.weights)
    bits = 0.0
    for tensor in stored:
        assert tensor.content is not None
        width = {"float32": 4, "float16": 2, "int16": 2}.get(tensor.type, 1)
        _, counts = np.unique(tensor.content.view(f"<u{width}"), return_counts=True)
        bits += entropy_bits(counts)
    return bits / 8


def _print(cells: tuple[str, ...]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)  # noqa: T201 - this is its output


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or sys.exit(__doc__))
