"""Streaming the images of a validation pack."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy

from edgepress_common.errors import UnreadableDatasetError
from edgepress_evaluator.validation_pack import ValidationPack

MIB = 1 << 20


def _write(folder: Path, images: object, labels: object) -> tuple[Path, Path]:
    np.save(folder / "images.npy", np.asarray(images))
    np.save(folder / "labels.npy", np.asarray(labels))
    return folder / "images.npy", folder / "labels.npy"


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (150, 8, 6, 3), dtype=np.uint8)


@pytest.fixture
def pack(tmp_path: Path, images: np.ndarray) -> ValidationPack:
    return ValidationPack.open(*_write(tmp_path, images, np.arange(150)))


def test_chunks_put_together_are_the_images(pack: ValidationPack, images: np.ndarray) -> None:
    """All of them, in order, in more than one chunk."""
    chunks = list(pack.chunks(0, len(pack)))

    assert len(chunks) > 1
    assert np.array_equal(np.concatenate(chunks), images)
    assert pack.image_shape == (8, 6, 3)


def test_chunks_of_a_part_are_that_part(pack: ValidationPack, images: np.ndarray) -> None:
    """The part runs from start up to stop, as with a slice."""
    assert np.array_equal(np.concatenate(list(pack.chunks(70, 141))), images[70:141])


@pytest.mark.parametrize("count", [1, 149, 150, 151, 400])
def test_cycle_begins_again_at_the_end(pack: ValidationPack, images: np.ndarray, count: int) -> None:
    """The given number of images is returned, even if it exceeds the size of the pack."""
    assert np.array_equal(np.concatenate(list(pack.cycle(count))), np.resize(images, (count, 8, 6, 3)))


def test_large_images_come_one_at_a_time(tmp_path: Path) -> None:
    """A chunk never holds more than about a mebibyte, however large one image is."""
    pack = ValidationPack.open(*_write(tmp_path, np.zeros((3, 700, 700, 3), np.uint8), [0, 1, 0]))

    assert [len(chunk) for chunk in pack.chunks(0, 3)] == [1, 1, 1]


def test_streaming_keeps_memory_small(tmp_path: Path) -> None:
    """Half a gibibyte of images goes by in less than 32 MiB of resident memory (a map of the file would show)."""
    shape = (43_690, 64, 64, 3)
    images_path = tmp_path / "images.npy"
    with images_path.open("wb") as file:
        npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + int(np.prod(shape)))
    np.save(tmp_path / "labels.npy", np.zeros(shape[0], np.int64))
    pack = ValidationPack.open(images_path, tmp_path / "labels.npy")
    Path("/proc/self/clear_refs").write_text("5")
    before = _resident_peak_bytes()

    streamed = sum(chunk.nbytes for chunk in pack.chunks(0, len(pack)))

    assert streamed > 500 * MIB
    assert _resident_peak_bytes() - before < 32 * MIB


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 4, 4, 3), np.float32), [0, 1], "float32"),
        (np.zeros((2, 4, 4), np.uint8), [0, 1], "accepted: uint8 (n, height, width, channels)"),
        (np.zeros((0, 4, 4, 3), np.uint8), np.zeros(0, np.int64), "not empty"),
        (np.zeros((2, 4, 4, 3), np.uint8, order="F"), [0, 1], "Fortran order"),
        (np.zeros((2, 4, 4, 3), np.uint8), [0, 1, 1], "2 images but 3 labels"),
        (np.zeros((2, 4, 4, 3), np.uint8), [0.0, 1.0], "accepted: int64 (n,)"),
    ],
)
def test_what_is_not_a_pack_is_refused(tmp_path: Path, images: object, labels: object, message: str) -> None:
    """The message says what was found and what is accepted."""
    with pytest.raises(UnreadableDatasetError, match=re.escape(message)):
        ValidationPack.open(*_write(tmp_path, images, labels))


def test_cut_file_is_refused(tmp_path: Path, images: np.ndarray) -> None:
    """Fewer bytes than the header says are noticed on opening."""
    images_path, labels_path = _write(tmp_path, images, np.arange(150))
    images_path.write_bytes(images_path.read_bytes()[:-1])

    with pytest.raises(UnreadableDatasetError, match="its header has the shape"):
        ValidationPack.open(images_path, labels_path)


@pytest.mark.parametrize("which", ["images.npy", "labels.npy"])
def test_file_of_another_format_is_refused(tmp_path: Path, images: np.ndarray, which: str) -> None:
    """The file is named."""
    files = _write(tmp_path, images, np.arange(150))
    (tmp_path / which).write_bytes(b"not numpy's format at all")

    with pytest.raises(UnreadableDatasetError, match=which):
        ValidationPack.open(*files)


def _resident_peak_bytes() -> int:
    match = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert match is not None
    return int(match[1]) * 1024


def test_the_first_images_are_a_pack_of_their_own(pack: ValidationPack, images: np.ndarray) -> None:
    """It starts again after its last image; a number beyond the end is all of them."""
    first = pack.first(3)
    assert np.array_equal(np.concatenate(list(first.cycle(5))), images[[0, 1, 2, 0, 1]])
    assert (len(first), len(pack.first(None)), len(pack.first(1000))) == (3, 150, 150)
