"""The file of packed images: an .npy from the start, and still one when rows are left out."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgepress_worker.datasets.row_file import RowFile

SIDE = 3


def test_a_new_file_is_an_array_of_the_right_shape(tmp_path: Path) -> None:
    """Numpy reads it, and maps it."""
    RowFile(tmp_path / "a.npy", 5, SIDE)
    array = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert (array.shape, array.dtype, array.flags.c_contiguous) == ((5, SIDE, SIDE, 3), np.uint8, True)


def test_rows_are_where_it_says(tmp_path: Path) -> None:
    """The bytes at a row's offset are those of the row."""
    file = RowFile(tmp_path / "a.npy", 5, SIDE)
    with file.path.open("r+b") as raw:
        raw.seek(file.offset(3))
        raw.write(bytes(range(27)))
    array = np.load(file.path)
    assert array[3].tobytes() == bytes(range(27))
    assert array.sum() == sum(range(27))


@settings(max_examples=60)
@given(kept=st.lists(st.booleans(), min_size=1, max_size=40))
def test_leaving_rows_out_is_as_if_they_had_never_been(
    tmp_path_factory: pytest.TempPathFactory, kept: list[bool]
) -> None:
    """The others keep their order, and the file is, byte for byte, what numpy writes of them."""
    folder = tmp_path_factory.mktemp("rows")
    rows = np.random.default_rng(0).integers(0, 256, (len(kept), SIDE, SIDE, 3), dtype=np.uint8)
    file = RowFile(folder / "a.npy", len(kept), SIDE)
    with file.path.open("r+b") as raw:
        raw.seek(file.offset(0))
        raw.write(rows.tobytes())
    file.keep(np.array(kept))
    np.save(folder / "expected.npy", rows[np.array(kept)])
    assert file.path.read_bytes() == (folder / "expected.npy").read_bytes()


def test_rows_larger_than_a_chunk_are_moved_whole(tmp_path: Path) -> None:
    """Moving overlaps itself, by less than what is moved at once."""
    side = 1300  # a row of 5 MB
    file = RowFile(tmp_path / "a.npy", 3, side)
    content = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    with file.path.open("r+b") as raw:
        raw.seek(file.offset(0))
        raw.write(content.tobytes())
    file.keep(np.array([False, True, True]))
    assert np.array_equal(np.load(file.path), content[1:])


def test_a_file_larger_than_the_free_space_fails_at_once(tmp_path: Path) -> None:
    """The error comes before an image is decoded, and names the file."""
    with pytest.raises(OSError, match=r"\[Errno (27|28)\].*a\.npy"):
        RowFile(tmp_path / "a.npy", 2**30, 1024)
