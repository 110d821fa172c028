"""Coded files restore .tflite files bit for bit, in fewer bytes than a zip."""

import hashlib
import io
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from edgepress_common.bundle_files import decode, decoder_py
from edgepress_common.spec.exports import ExportKind
from edgepress_worker.coded.file import coded_file
from edgepress_worker.coded.sequences import number, smallest
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.sparse_file import with_zeros_left_out
from edgepress_worker.zip_size import zip_bytes
from fakes.coded_fuzzer import CodedFuzzer
from fakes.small_network import Kernel, small_network, written

_MODELS = Path(__file__).parents[2] / "fakes" / "models"


def _restored(coded: bytes) -> bytes:
    target = io.BytesIO()
    decode.decode(io.BytesIO(coded), target)
    return target.getvalue()


def _pruned(kernel: Kernel) -> Kernel:
    return kernel * (np.random.default_rng(2).random(kernel.shape) >= 0.9)


def _clustered(kernel: Kernel) -> Kernel:
    return (np.round(kernel * 8).clip(-4, 3) / 8).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("kind", get_args(ExportKind))
@pytest.mark.parametrize("change", [lambda kernel: kernel, _pruned, _clustered], ids=["dense", "pruned", "clustered"])
def test_every_export_is_restored(kind: ExportKind, change: Callable[[Kernel], Kernel], tmp_path: Path) -> None:
    """Bit for bit, with zeros and without, and smaller than zipped."""
    path = written(small_network(change), kind, tmp_path)
    sparse = with_zeros_left_out(TfliteFile.read(path))
    for content in filter(None, (path.read_bytes(), sparse)):
        coded = coded_file(bytes(content))
        assert _restored(coded) == content
        path.write_bytes(content)
        assert len(coded) < zip_bytes(path)


@pytest.mark.parametrize("path", sorted(_MODELS.glob("*.tflite")), ids=lambda path: path.stem)
def test_small_files_are_restored(path: Path) -> None:
    """A file with next to no weights is one as well."""
    assert _restored(coded_file(path.read_bytes())) == path.read_bytes()


def test_files_of_version_1_stay_readable() -> None:
    """This one was written by the first release that wrote any."""
    assert _restored((_MODELS / "tiny_int8.epz").read_bytes()) == (_MODELS / "tiny_int8.tflite").read_bytes()


@pytest.fixture(scope="module")
def coded() -> bytes:
    """A coded file."""
    return coded_file((_MODELS / "tiny_float32.tflite").read_bytes())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda coded: b"PK" + coded, "this is not a coded file"),
        (lambda _: b"", "ends early"),
        (
            lambda coded: coded[:4] + b"\x03" + coded[5:],
            "has version 3; this decoder reads versions 1 to 2: use the decoder of",
        ),
        (lambda coded: coded[:5] + (2**40).to_bytes(8, "little") + coded[13:], "accepted: at most 1073741824"),
        (lambda coded: coded[:13] + bytes(32) + coded[45:], "damaged: the SHA-256"),
        (lambda coded: coded[:-1], "ends early"),
        (lambda coded: coded + b"\0", "bytes follow the last part"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(coded: bytes, change: Callable[[bytes], bytes], words: str) -> None:
    """The error also says what to do."""
    with pytest.raises(decode.CodedFileError, match=words):
        _restored(change(coded))


def test_a_file_that_can_not_be_restored_leaves_nothing_behind(coded: bytes, tmp_path: Path) -> None:
    """The target keeps what it has."""
    source, target = tmp_path / "a.epz", tmp_path / "a.tflite"
    source.write_bytes(coded[:-9])
    target.write_bytes(b"before")
    with pytest.raises(decode.CodedFileError):
        decode.decode_file(source, target)
    assert target.read_bytes() == b"before"
    assert sorted(tmp_path.iterdir()) == [source, target]


def test_the_example_of_the_documentation_is_restored() -> None:
    """Its bytes are those of the page that describes the format."""
    page = (Path(__file__).parents[3] / "docs" / "coded-files.md").read_text()
    assert _restored(bytes.fromhex(page.rsplit("```", 2)[1])) == bytes([7] * 5)


def test_memory_is_that_of_a_part() -> None:
    """A file of sixteen parts of random weights takes no more memory than a file of one, and a few times the part."""
    part = np.random.default_rng(5).laplace(0, 20, 1 << 20).clip(-127, 127).astype(np.int8).view(np.uint8)
    node = smallest(part).write()
    peaks = []
    for parts in (1, 16):
        content = part.tobytes() * parts
        coded = decode.MAGIC + bytes((1,)) + len(content).to_bytes(8, "little")
        coded += hashlib.sha256(content).digest() + number(parts) + number(0)
        coded += (number(0) + number(len(part)) + number(len(node)) + node) * parts
        with Path(os.devnull).open("wb") as target:
            tracemalloc.start()
            decode.decode(io.BytesIO(coded), target)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2 * len(part)
    assert peaks[1] < len(node) + 8 * len(part) + decode.LZMA_FILTERS[0]["dict_size"]


def test_work_is_bounded() -> None:
    """A few bytes can ask for hours of work, one symbol at a time: they are refused before any of it is done."""
    symbols = 1 << 22
    node = bytes((decode.RANS, 8, decode.INTERLEAVED)) + number(1) + number(1) + number(2) + b"\0\0\7"
    node += decode.LOWEST.to_bytes(4, "little") + number(0)
    coded = decode.MAGIC + bytes((1,)) + symbols.to_bytes(8, "little") + bytes(32) + number(1) + number(0)
    began = time.monotonic()
    with pytest.raises(decode.CodedFileError, match="takes more than 2097152 steps"):
        _restored(coded + number(0) + number(symbols) + number(len(node)) + node)
    assert time.monotonic() - began < 1


def test_the_decoder_runs_by_itself(coded: bytes, tmp_path: Path) -> None:
    """Alone in a folder, without any package of the project."""
    (tmp_path / "decode.py").write_text(decoder_py())
    (tmp_path / "model.epz").write_bytes(coded)
    command = [sys.executable, "-I", "decode.py", "model.epz"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    restored = (tmp_path / "model.tflite").read_bytes()
    assert restored == (_MODELS / "tiny_float32.tflite").read_bytes()
    assert hashlib.sha256(restored).hexdigest() in ran.stdout
    (tmp_path / "model.epz").write_bytes(coded[:-1])
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, "model.epz: damaged" in ran.stderr, "Traceback" in ran.stderr) == (1, True, False)
    program = decoder_py()
    imported = {line.split()[1].split(".")[0] for line in program.splitlines() if line.startswith(("import ", "from "))}
    assert imported - {*sys.stdlib_module_names} == {"numpy"}


@pytest.mark.slow
def test_damaged_and_hostile_files_are_refused() -> None:
    """Each with an error of its own, within bounds of memory and time; `make fuzz` tries 10,000."""
    fuzzer = CodedFuzzer(seed=1)
    fuzzer.send(150)
    assert {*fuzzer.outcomes} == {"damaged coded files", "hostile coded files"}
    assert all(outcomes["refused"] > 100 for outcomes in fuzzer.outcomes.values())
