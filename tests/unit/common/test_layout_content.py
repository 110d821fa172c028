"""A data set's fingerprint: what its files hold, under which names, in which part."""

import hashlib
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from edgepress_common.errors import InvalidSpecError
from edgepress_common.layout import (
    UNREADABLE,
    ContentDigests,
    file_fingerprint,
    layout_fingerprint,
    open_regular,
    read_group_table,
    read_layout,
)
from edgepress_common.spec import DATASET_KINDS, NpzDataset

OLD_NS = 1_000_000_000 * 1_600_000_000


def write_set(root: Path) -> Path:
    """A split set of small files of different content."""
    for part in ("train", "val"):
        for name in "ab":
            for number in "123":
                path = root / part / name / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{part} {name} {number}")
    return root


def fingerprint(root: Path, digests: ContentDigests | None = None) -> str:
    """The fingerprint of a folder."""
    layout = read_layout(root)
    return layout_fingerprint(layout, (digests or ContentDigests()).of([root / file.path for file in layout.files]))


def test_a_copy_has_the_same_fingerprint(tmp_path: Path) -> None:
    """Wherever it lies and whenever it was written."""
    one = write_set(tmp_path / "one")
    shutil.copytree(one, tmp_path / "other")
    for path in (tmp_path / "other").rglob("*.png"):
        os.utime(path, ns=(OLD_NS, OLD_NS))
    assert fingerprint(tmp_path / "other") == fingerprint(one)


@pytest.mark.parametrize("change", ["add", "remove", "rename", "move to another part", "same size and time"])
def test_another_content_is_another_fingerprint(tmp_path: Path, change: str) -> None:
    """This also holds for content of the same size and times, in a process that has cached the old digest."""
    root, digests = write_set(tmp_path / "set"), ContentDigests()
    file = root / "train" / "a" / "1.png"
    os.utime(file, ns=(OLD_NS, OLD_NS))
    before = fingerprint(root, digests)
    assert fingerprint(root, digests) == before
    match change:
        case "add":
            (root / "train" / "a" / "4.png").write_text("new")
        case "remove":
            file.unlink()
        case "rename":
            file.rename(file.with_name("0.png"))
        case "move to another part":
            file.rename(root / "val" / "a" / "0.png")
        case "same size and time":
            file.write_text(file.read_text()[::-1])
            os.utime(file, ns=(OLD_NS, OLD_NS))
    assert fingerprint(root, digests) != before


def test_notes_do_not_count(tmp_path: Path) -> None:
    """Files that are not packed do not change the fingerprint."""
    root = write_set(tmp_path / "set")
    before = fingerprint(root)
    (root / "train" / "a" / "notes.txt").write_text("notes")
    assert fingerprint(root) == before


def test_digests_are_those_of_the_contents_in_order(tmp_path: Path) -> None:
    """Many files are read in parallel, and their digests are the same when they are remembered."""
    paths = [tmp_path / str(number) for number in range(300)]
    for path in paths:
        path.write_text(path.name)
    digests = ContentDigests()
    expected = [hashlib.sha256(path.name.encode()).hexdigest() for path in paths]
    assert digests.of(paths) == expected
    assert digests.of(paths) == expected
    assert digests.of([]) == []


@pytest.mark.parametrize("name", ["pipe", "/dev/zero"])
def test_what_has_no_end_is_never_read(tmp_path: Path, name: str) -> None:
    """A pipe would hang the gateway, a device fill its memory: as a file of arrays, a table of groups, an image."""
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / name
    with pytest.raises(OSError, match="is not a regular file"):
        open_regular(path)
    with pytest.raises(OSError, match="is not a regular file"):
        file_fingerprint(path)
    assert ContentDigests().of([path]) == [UNREADABLE]
    dataset = NpzDataset(path=str(path), image_size=32)
    with pytest.raises(InvalidSpecError, match=r"can't be read as \.npz: is not a regular file"):
        DATASET_KINDS["npz"].fingerprint(dataset, [tmp_path, Path("/dev")])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x" * 200_000, "is not a table; see line"),
        (b"image,group\n" + b"y" * 200_000 + b",1\n", "is not a table; see line"),
        (b"image\x1b,other\n", r"has the columns image\\x1b, other"),
        (b"image,group\na\n", "is not a table; see line 2"),
        (b"\xff\xfe", "can't be used"),
        (b"", "has the columns none"),
    ],
)
def test_a_table_of_groups_that_is_none_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """The error names the field of the spec."""
    (tmp_path / "groups.csv").write_bytes(content)
    with pytest.raises(InvalidSpecError, match=words):
        read_group_table("groups.csv", tmp_path, [tmp_path])


def test_a_table_of_groups_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    """At once."""
    os.mkfifo(tmp_path / "groups.csv")
    with pytest.raises(InvalidSpecError, match="is not a regular file"):
        read_group_table("groups.csv", tmp_path, [tmp_path])


@pytest.mark.parametrize(("place", "value"), [(6, 255), (46, 255)])
def test_a_damaged_file_of_arrays_is_refused(tmp_path: Path, place: int, value: int) -> None:
    """A version of zip that Python lacks, and a name that is not UTF-8."""
    path = tmp_path / "set.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("train_images.npy", "train_labels.npy"):
            archive.writestr(name, b"array")
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 8 : entry + 10] = (0x800).to_bytes(2, "little")
    content[entry + place] = value
    path.write_bytes(content)
    with pytest.raises(InvalidSpecError, match=r"can't be read as \.npz"):
        DATASET_KINDS["npz"].fingerprint(NpzDataset(path=str(path), image_size=32), [tmp_path])
