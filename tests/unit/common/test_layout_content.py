"""A data set's fingerprint: what its files hold, under which names, in which part."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from edgepress_common.layout import ContentDigests, layout_fingerprint, read_layout

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
