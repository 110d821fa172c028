"""The size of a zipped file."""

import os
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from edgepress_worker.zip_size import FileSize, block_starts, deflated, weigh, zip_bytes


def test_size_is_that_of_an_archive_on_disk(tmp_path: Path) -> None:
    """The figure is the size of the archive that zipfile would have written."""
    model = tmp_path / "model"
    model.write_bytes(bytes(300_000) + np.random.default_rng(3).bytes(100_000))
    archive = tmp_path / "model.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        written.write(model, "model")
    assert zip_bytes(model) == archive.stat().st_size


def test_blocks_of_a_long_file_are_one_stream(tmp_path: Path) -> None:
    """An inflater restores the file; the size differs by a hundred bytes a block at most from that of one block."""
    random, model = np.random.default_rng(3), tmp_path / "model"
    model.write_bytes(random.integers(0, 40, 17_000_000, np.uint8).tobytes() + bytes(9_000_000))
    starts = block_starts(model)
    assert len(starts) == 4
    stream = b"".join(deflated(model, start) for start in starts)
    assert zlib.decompress(stream, -zlib.MAX_WBITS) == model.read_bytes()
    archive = tmp_path / "model.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        written.write(model, "model")
    assert zip_bytes(model) == pytest.approx(archive.stat().st_size, abs=100 * len(starts))


def test_size_depends_on_the_bytes_alone(tmp_path: Path) -> None:
    """Neither a file's name nor its time of change is part of the figure, even a time that zip cannot write."""
    short, long = tmp_path / "a", tmp_path / ("b" * 64)
    for path in (short, long):
        path.write_bytes(b"weights" * 1000)
    os.utime(long, (0, 0))
    assert zip_bytes(short) == zip_bytes(long)


def test_an_empty_file_has_a_size(tmp_path: Path) -> None:
    """It is that of an archive of an empty file."""
    (tmp_path / "model").touch()
    with zipfile.ZipFile(tmp_path / "model.zip", "w", zipfile.ZIP_DEFLATED) as written:
        written.write(tmp_path / "model", "model")
    assert zip_bytes(tmp_path / "model") == (tmp_path / "model.zip").stat().st_size


def test_zeros_shrink_and_noise_does_not(tmp_path: Path) -> None:
    """Zeros nearly vanish, and random bytes keep their size."""
    zeros, noise = tmp_path / "zeros", tmp_path / "noise"
    zeros.write_bytes(bytes(1_000_000))
    noise.write_bytes(np.random.default_rng(3).bytes(1_000_000))
    assert zip_bytes(zeros) < 2_000
    assert zip_bytes(noise) > 1_000_000


def test_files_are_weighed_in_their_order(tmp_path: Path) -> None:
    """Each size is that of the file alone, though all are measured concurrently."""
    files = [tmp_path / name for name in "abc"]
    for number, file in enumerate(files):
        file.write_bytes(np.random.default_rng(number).bytes(1000 * (3 - number)))
    assert weigh(*files) == tuple(FileSize(file.stat().st_size, zip_bytes(file)) for file in files)
