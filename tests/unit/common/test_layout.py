"""Class folders: what counts as a set, what is said of one that isn't, and which paths a spec may name."""

import os
import re
from pathlib import Path

import pytest

from edgepress_common.errors import InvalidSpecError
from edgepress_common.layout import find_under_roots, join_layouts, read_class_folders, read_layout


def write_files(root: Path, *paths: str) -> Path:
    """Files with a byte each; listing never opens them."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    return root


def problem(error: pytest.ExceptionInfo[InvalidSpecError]) -> str:
    """What a user would read: all of the one problem's fields."""
    (only,) = error.value.problems
    return f"{only.field}: {only.value} {only.message}; accepted: {only.accepted}"


def test_class_folders_without_a_split_are_listed_by_name(tmp_path: Path) -> None:
    """The classes are the folders' names, sorted; the images follow by class, then by name."""
    write_files(tmp_path, "cat/2.jpg", "cat/1.PNG", "ant/b.tiff", "ant/a.jpeg")
    layout = read_layout(tmp_path)
    assert layout.classes == ("ant", "cat")
    assert [(image.path, image.label) for image in layout.train] == [
        ("ant/a.jpeg", 0),
        ("ant/b.tiff", 0),
        ("cat/1.PNG", 1),
        ("cat/2.jpg", 1),
    ]
    assert layout.validation == ()


@pytest.mark.parametrize("name", ["validation", "val"])
def test_a_split_on_disk_is_taken_over(tmp_path: Path, name: str) -> None:
    """Folders named train and validation, or val, hold the class folders of each; one image is enough there."""
    write_files(tmp_path, "train/a/1.png", "train/b/2.png", f"{name}/a/3.png", f"{name}/b/4.png")
    layout = read_layout(tmp_path)
    assert layout.classes == ("a", "b")
    assert [image.path for image in layout.train] == ["train/a/1.png", "train/b/2.png"]
    assert [image.path for image in layout.validation] == [f"{name}/a/3.png", f"{name}/b/4.png"]


def test_what_is_no_image_is_passed_over(tmp_path: Path) -> None:
    """Notes, hidden files, hidden folders, empty folders, folders named like images and dead links don't count."""
    write_files(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png")
    before = read_layout(tmp_path)
    write_files(tmp_path, "README.md", "a/notes.txt", "a/.hidden.png", ".cache/c.png", "b/sub.png/3.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "a" / "dead.png").symlink_to(tmp_path / "nowhere")
    assert read_layout(tmp_path) == before


@pytest.mark.parametrize("change", ["add", "remove", "rename", "grow", "touch"])
def test_another_content_is_another_fingerprint(tmp_path: Path, change: str) -> None:
    """Paths, sizes and times of change make the fingerprint."""
    write_files(tmp_path, "a/1.png", "a/2.png", "a/3.png", "b/1.png", "b/2.png")
    before = read_layout(tmp_path).fingerprint
    assert read_layout(tmp_path).fingerprint == before
    file = tmp_path / "a" / "1.png"
    status = file.stat()
    match change:
        case "add":
            write_files(tmp_path, "a/4.png")
        case "remove":
            file.unlink()
        case "rename":
            file.rename(tmp_path / "a" / "0.png")
        case "grow":
            file.write_bytes(b"xx")
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        case "touch":
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert read_layout(tmp_path).fingerprint != before


def test_moving_an_image_to_validation_is_another_fingerprint(tmp_path: Path) -> None:
    """The split is part of what a set is."""
    names = [f"{part}/{name}/{number}.png" for part in ("train", "val") for name in "ab" for number in (1, 2)]
    write_files(tmp_path, *names)
    before = read_layout(tmp_path).fingerprint
    (tmp_path / "train/a/1.png").rename(tmp_path / "val/a/3.png")
    assert read_layout(tmp_path).fingerprint != before


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ([], "found 0 classes with images; accepted: two or more class folders with images in them"),
        (["a/1.png", "a/2.png", "b/notes.txt"], r"found 1 class with images \(a\)"),
        (["1.png", "2.png"], "found 0 classes"),
        (
            ["a/1.png", "a/2.png", "b/1.png"],
            "classes with a single image, which can't be split: b; accepted: 2 or more",
        ),
        (
            ["train/a/1.png", "train/b/1.png", "val/a/1.png", "val/c/1.png"],
            "train and val classes that are only in one of train and validation: b, c; accepted: the same in both",
        ),
    ],
)
def test_what_is_no_set_is_refused_with_what_was_found(tmp_path: Path, paths: list[str], said: str) -> None:
    """Too few classes, a class that can't be split, classes that differ."""
    write_files(tmp_path, *paths)
    with pytest.raises(InvalidSpecError) as error:
        read_layout(tmp_path)
    assert problem(error).startswith(f"dataset.path: {tmp_path}")
    assert re.search(said, problem(error))


def test_a_path_that_leads_to_no_folder_is_refused(tmp_path: Path) -> None:
    """Nothing there, and a file where a folder should be."""
    with pytest.raises(InvalidSpecError, match="there is no such folder"):
        read_layout(tmp_path / "nowhere")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InvalidSpecError, match="can't be used: Not a directory"):
        read_layout(tmp_path / "file")


def test_a_file_may_have_any_name_but_a_class_must_be_text(tmp_path: Path) -> None:
    """Old disks have names in other encodings; a class's name is shown and sent around."""
    write_files(tmp_path, "a/1.png", "b/1.png", "b/2.png")
    odd = os.fsdecode(b"caf\xe9.png")
    (tmp_path / "a" / odd).write_bytes(b"x")
    assert [image.path for image in read_layout(tmp_path).train][1] == f"a/{odd}"
    (tmp_path / "a").rename(tmp_path / os.fsdecode(b"caf\xe9"))
    with pytest.raises(InvalidSpecError, match="can't encode"):
        read_layout(tmp_path)


def test_two_folders_can_be_joined_to_one_set(tmp_path: Path) -> None:
    """One trains, the other validates; their paths say which is which."""
    write_files(tmp_path, "big/a/1.png", "big/b/1.png", "small/a/1.png", "small/b/1.png")
    parts = [read_class_folders(tmp_path / name, prefix=f"{name}/") for name in ("big", "small")]
    layout = join_layouts(*parts, what="big and small")
    assert [image.path for image in layout.train] == ["big/a/1.png", "big/b/1.png"]
    assert [image.path for image in layout.validation] == ["small/a/1.png", "small/b/1.png"]
    write_files(tmp_path, "small/c/1.png")
    larger = read_class_folders(tmp_path / "small")
    with pytest.raises(InvalidSpecError, match="only in one of train and validation: c"):
        join_layouts(parts[0], larger, what="big and small")


def test_a_path_under_a_root_is_found(tmp_path: Path) -> None:
    """Directly, below, through dots and through links that stay inside; it need not exist."""
    (tmp_path / "sets" / "cells").mkdir(parents=True)
    (tmp_path / "sets" / "link").symlink_to("cells")
    roots = [tmp_path / "other", tmp_path / "sets"]
    for text in ("sets/cells", "sets/link", "sets/cells/../cells", "other/../sets/cells"):
        assert find_under_roots(str(tmp_path / text), roots) == tmp_path / "sets/cells"
    assert find_under_roots(str(tmp_path / "sets/new"), roots) == tmp_path / "sets/new"


@pytest.mark.parametrize("text", ["/etc", "{roots}/../elsewhere", "{roots}/escape/x", "{roots}-not", "relative", ""])
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, text: str) -> None:
    """By itself, by dots, by a link, by a like beginning: the answer names the roots."""
    roots = tmp_path / "roots"
    roots.mkdir()
    (roots / "escape").symlink_to(tmp_path)
    with pytest.raises(InvalidSpecError, match="lies outside the folders") as error:
        find_under_roots(text.format(roots=roots), [roots])
    assert problem(error).endswith(f"accepted: a path under {roots}")


@pytest.mark.parametrize("text", ["nul\0l", "x" * 5000, "loop"])
def test_what_can_be_no_path_is_refused(tmp_path: Path, text: str) -> None:
    """Whatever a user sends is an answer, never a crash."""
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InvalidSpecError):
        read_layout(find_under_roots(f"{tmp_path}/{text}", [tmp_path]))


def test_without_roots_no_path_is_accepted(tmp_path: Path) -> None:
    """A server that was given no folders takes data sets by upload only."""
    with pytest.raises(InvalidSpecError) as error:
        find_under_roots(str(tmp_path), [])
    assert "none: this server has no folders" in problem(error)
