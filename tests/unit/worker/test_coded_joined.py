"""Several .tflite files in one coded file: equal parts are stored once, and each file is restored with its SHA-256."""

import hashlib
import io
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgepress_common.bundle_files import decode, decoder_py
from edgepress_common.bundle_files.joining import join_coded_files
from edgepress_common.errors import InvalidInputError
from edgepress_worker.coded.file import coded_file
from edgepress_worker.coded.sequences import number
from fakes.mutations import mutated_bytes
from fakes.small_network import Kernel, small_network, written


def _other_classifier(kernel: Kernel) -> Kernel:
    return kernel if kernel.shape[-1] != 3 else kernel + np.float32(0.5)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Two networks that differ in their last layer, and one that is equal to the first."""
    folder = tmp_path_factory.mktemp("models")
    first = written(small_network(), "float32", folder).read_bytes()
    second = written(small_network(_other_classifier), "float32", folder).read_bytes()
    return {"base/float32.tflite": first, "other one/float32.tflite": second, "copy/float32.tflite": first}


@pytest.fixture(scope="module")
def coded(models: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Their coded files."""
    folder = tmp_path_factory.mktemp("coded")
    paths = {name: folder / f"{at}.epz" for at, name in enumerate(models)}
    for name, path in paths.items():
        path.write_bytes(coded_file(models[name]))
    return paths


@pytest.fixture(scope="module")
def joined(coded: dict[str, Path]) -> bytes:
    """The coded file of all."""
    target = io.BytesIO()
    join_coded_files(coded, target)
    return target.getvalue()


def test_each_file_is_restored_and_shared_parts_are_stored_once(
    models: dict[str, bytes], coded: dict[str, Path], joined: bytes, tmp_path: Path
) -> None:
    """Under its name; the three take little more than one."""
    (tmp_path / "models.epz").write_bytes(joined)
    found = decode.decode_files(tmp_path / "models.epz", tmp_path / "to")
    assert [path.relative_to(tmp_path / "to").as_posix() for path in found] == [*models]
    assert [path.read_bytes() for path in found] == [*models.values()]
    sizes = [path.stat().st_size for path in coded.values()]
    assert len(joined) < 0.6 * sum(sizes)
    headers = decode.read_headers(io.BytesIO(joined))
    assert [header.sha256 for header in headers] == [hashlib.sha256(each).hexdigest() for each in models.values()]


def test_the_decoder_alone_restores_all_of_them(models: dict[str, bytes], joined: bytes, tmp_path: Path) -> None:
    """The program in a bundle; a decoder that expects one file says how many there are."""
    (tmp_path / "decode.py").write_text(decoder_py())
    (tmp_path / "models.epz").write_bytes(joined)
    command = [sys.executable, "-I", "decode.py", "models.epz"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert all((tmp_path / name).read_bytes() == content for name, content in models.items())
    assert len(ran.stdout.splitlines()) == 3
    with pytest.raises(decode.CodedFileError, match=r"has 3 \.tflite files; accepted here: 1"):
        decode.decode(io.BytesIO(joined), io.BytesIO())


@pytest.mark.parametrize("name", ["../a.tflite", "/a.tflite", "a//b", "a/./b", "C:\\a", "a\nb", "a:b"])
def test_a_name_outside_of_the_folder_is_refused(name: str) -> None:
    """A hostile coded file writes only below the folder that it is restored to."""
    content = name.encode()
    coded = decode.MAGIC + b"\2" + number(1) + number(len(content)) + content + bytes(40)
    with pytest.raises(decode.CodedFileError, match="a name that is not accepted; accepted: a relative path"):
        decode.read_headers(io.BytesIO(coded))


def test_a_part_that_repeats_no_other_is_refused() -> None:
    """Refuse a place that no part has, and a part of another size."""
    plain = b"12345678"
    head = decode.MAGIC + b"\2" + number(1) + number(0) + (16).to_bytes(8, "little") + bytes(32) + number(2) + number(0)
    first = number(0) + number(8) + number(9) + bytes((decode.RAW,)) + plain
    for repeated in (number(8) + number(0) + number(1), number(4) + number(0) + number(0)):
        with pytest.raises(decode.CodedFileError, match=r"damaged: a part of . bytes repeats part ."):
            decode.decode(io.BytesIO(head + first + number(0) + repeated), io.BytesIO())


def test_damaged_joined_files_are_refused(models: dict[str, bytes], joined: bytes, tmp_path: Path) -> None:
    """Each with an error, or restored."""
    rng, refused = random.Random(3), 0
    for _ in range(60):
        (tmp_path / "models.epz").write_bytes(mutated_bytes(rng, joined))
        try:
            found = decode.decode_files(tmp_path / "models.epz", tmp_path / "to")
        except decode.CodedFileError:
            refused += 1
        else:
            assert {path.read_bytes() for path in found} <= {*models.values()}
    assert refused > 30
    assert not [*tmp_path.rglob("*.part")]


def test_what_is_not_a_coded_file_is_not_joined(coded: dict[str, Path], joined: bytes, tmp_path: Path) -> None:
    """The error names the file."""
    path = tmp_path / "a.epz"
    content = next(iter(coded.values())).read_bytes()
    for wrong, words in (
        (b"PK", "is not a coded file|ends early"),
        (content[:-1], "ends early"),
        (content + b"\0", "bytes follow its last part"),
        (joined, "has several"),
    ):
        path.write_bytes(wrong)
        with pytest.raises(InvalidInputError, match=words):
            join_coded_files({"a.tflite": path}, io.BytesIO())
