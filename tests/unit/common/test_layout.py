"""Class folders: what counts as a set, what is said of one that isn't, and which paths a spec may name."""

import os
import re
from pathlib import Path

import pytest

from edgepress_common.errors import InvalidSpecError
from edgepress_common.layout import Layout, find_under_roots, join_layouts, read_class_folders, read_layout


def write_files(root: Path, *paths: str) -> Path:
    """Files with a byte each; listing never opens them."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    return root


def problem(error: pytest.ExceptionInfo[InvalidSpecError]) -> str:
    """Return the text of the error's only problem, with all its fields."""
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


SPLITS = [
    ("train", "validation", "test"),
    ("train", "val", "test"),
    ("train", "valid", "test"),
    ("Training", "Validation", "Testing"),
    ("training_set", "validation_set", "test_set"),
    ("TRAIN", "DEV", "TEST"),
    ("train", "eval", "test"),
    ("seg_train", "seg_val", "seg_test"),
    ("train_images", "val_images", "test1"),
]


@pytest.mark.parametrize("names", SPLITS)
def test_the_folders_of_a_split_are_recognized_by_their_usual_names(
    tmp_path: Path, names: tuple[str, str, str]
) -> None:
    """Each contains the class folders of its part; one image of each class is sufficient."""
    train, validation, test = names
    write_files(tmp_path, *(f"{part}/{label}/{part}.png" for part in names for label in "ab"))
    layout = read_layout(tmp_path)
    assert layout.classes == ("a", "b")
    assert [image.path for image in layout.train] == [f"{train}/a/{train}.png", f"{train}/b/{train}.png"]
    assert [image.path for image in layout.validation] == [
        f"{validation}/a/{validation}.png",
        f"{validation}/b/{validation}.png",
    ]
    assert [image.path for image in layout.test] == [f"{test}/a/{test}.png", f"{test}/b/{test}.png"]
    assert (layout.unusable, layout.ignored) == ((), ())


def test_a_training_folder_may_come_with_a_test_folder_only(tmp_path: Path) -> None:
    """The training images are then split; a test folder without labels is ignored by name."""
    write_files(tmp_path, *(f"train/{label}/{number}.png" for label in "ab" for number in "12"))
    write_files(tmp_path, "test/a/1.png", "test/b/1.png")
    layout = read_layout(tmp_path)
    assert (len(layout.train), len(layout.validation), len(layout.test)) == (4, 0, 2)
    for label in "ab":
        (tmp_path / "test" / label / "1.png").rename(tmp_path / "test" / f"{label}.png")
        (tmp_path / "test" / label).rmdir()
    layout = read_layout(tmp_path)
    assert layout.test == ()
    assert ignored(layout) == {"test/": "has no class folders, so its images have no labels"}


def ignored(layout: Layout) -> dict[str, str]:
    """Return the files that are ignored and not counted as unreadable, with the reasons."""
    return {file.path: file.reason for file in layout.ignored}


def test_a_folder_called_like_a_split_may_be_a_class_among_others(tmp_path: Path) -> None:
    """Vehicles: a bus, a car, a train, a freight train."""
    write_files(tmp_path, *(f"{name}/{n}.png" for name in ("bus", "freight_train", "train") for n in "12"))
    assert read_layout(tmp_path).classes == ("bus", "freight_train", "train")


def test_folders_around_everything_are_left_behind(tmp_path: Path) -> None:
    """Archives have such folders; they may also be inside the folders of a split."""
    write_files(tmp_path, *(f"x/y/{part}/{part}/{label}/1.png" for part in ("train", "val") for label in "ab"))
    assert [image.path for image in read_layout(tmp_path).validation] == [
        "val/val/a/1.png",
        "val/val/b/1.png",
    ]
    assert read_layout(tmp_path).root == tmp_path / "x" / "y"


def test_every_file_of_a_class_is_an_image_or_is_left_out_with_a_reason(tmp_path: Path) -> None:
    """Files of any suffix are accepted until they are opened; notes are ignored; other non-images are unreadable."""
    images = ["a/0", "a/1.JFIF", "a/2.heic", "a/3.webp", "a/4.npy", "b/1.bmp", "b/2.gif"]
    write_files(tmp_path, *images, "README.md", "a/notes.txt", "a/.hidden.png", "a/._1.JFIF", "a/.DS_Store")
    write_files(tmp_path, ".cache/c.png", "a/Thumbs.db", "loose.png", "b/sub.png/3.png", "__MACOSX/a/._1.JFIF")
    (tmp_path / "a" / "dead.png").symlink_to(tmp_path / "nowhere")
    layout = read_layout(tmp_path)
    assert [image.path for image in layout.train] == images
    assert ignored(layout) == {
        "a/.hidden.png": "is hidden",
        "a/notes.txt": "is not an image by its name",
        "loose.png": "lies outside the class folders",
    }
    assert {file.path: file.reason for file in layout.unusable} == {
        "a/dead.png": "is neither a file nor a link to one",
        "b/sub.png/3.png": "lies in a folder inside its class folder",
    }


def test_names_are_compared_in_composed_form(tmp_path: Path) -> None:
    """One class, whether its folder comes from Linux or from a Mac; two folders side by side are one class as well."""
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    write_files(tmp_path, f"train/{composed}/1.png", "train/tea/1.png", f"val/{decomposed}/1.png", "val/tea/1.png")
    layout = read_layout(tmp_path)
    assert layout.classes == (composed, "tea")
    assert [image.path for image in layout.validation] == [f"val/{decomposed}/1.png", "val/tea/1.png"]
    write_files(tmp_path, f"train/{decomposed}/2.png")
    assert [image.label for image in read_layout(tmp_path).train] == [0, 0, 1]


def test_spaces_at_the_ends_of_names_make_no_other_class(tmp_path: Path) -> None:
    """They can't be seen in a list, or in a line of labels.txt."""
    write_files(tmp_path, "train/tea /1.png", "train/tea/2.png", "train/b/1.png", "val/ tea/1.png", "val/b/1.png")
    layout = read_layout(tmp_path)
    assert layout.classes == ("b", "tea")
    assert [image.path for image in layout.train] == ["train/b/1.png", "train/tea/2.png", "train/tea /1.png"]
    write_files(tmp_path, "train/ /1.png")
    with pytest.raises(InvalidSpecError, match="a name of spaces only"):
        read_layout(tmp_path)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [("x\u00a0y", "x y", r"'x y', 'x\xa0y'"), ("Tea", "tea", "'Tea', 'tea'")],
)
def test_names_that_look_alike_are_shown_so_that_they_can_be_told_apart(
    tmp_path: Path, one: str, other: str, said: str
) -> None:
    """The names are escaped where they are the reason why two parts do not fit."""
    write_files(tmp_path, f"train/{one}/1.png", "train/b/1.png", f"val/{other}/1.png", "val/b/1.png")
    with pytest.raises(InvalidSpecError) as error:
        read_layout(tmp_path)
    assert f"only in one of train and validation: {said}" in problem(error)


@pytest.mark.parametrize(
    "name", ["a\nb", "a\x1b[2Jb", "a\u2028b", "a\x85b", "a\u202egnp", "a\x7f", "a\u200b", "a\ufeff"]
)
def test_a_class_whose_name_would_break_a_line_is_refused(tmp_path: Path, name: str) -> None:
    """The error has its name escaped; class names are lines of labels.txt and text on terminals."""
    write_files(tmp_path, f"{name}/1.png", f"{name}/2.png", "c/1.png", "c/2.png")
    with pytest.raises(InvalidSpecError) as error:
        read_layout(tmp_path)
    assert re.search(rf"the class folder {re.escape(ascii(name))} has an? ", problem(error))


def test_a_link_may_lead_elsewhere_under_the_roots_only(tmp_path: Path) -> None:
    """The link may be a class folder, a part of a split, or a single file."""
    write_files(tmp_path, "open/set/a/1.png", "open/set/a/2.png", "open/set/b/1.png", "open/shared/c/1.png")
    write_files(tmp_path, "open/shared/c/2.png", "private/secret/1.png", "private/secret/2.png")
    root, roots = tmp_path / "open" / "set", [tmp_path / "other", tmp_path / "open"]
    (root / "c").symlink_to("../shared/c")
    (root / "b" / "2.png").symlink_to("../../shared/c/2.png")
    assert read_layout(root, roots=roots).classes == ("a", "b", "c")
    for link, target in (("d", "private/secret"), ("b/3.png", "private/secret/1.png"), ("e", "nowhere")):
        (root / link).symlink_to(tmp_path / target)
        with pytest.raises(InvalidSpecError) as error:
            read_layout(root, roots=roots)
        assert f"the link '{link}' leads out of the folders that data sets are taken from" in problem(error)
        (root / link).unlink()
    (root / "train").symlink_to(tmp_path / "private")
    with pytest.raises(InvalidSpecError, match="the link 'train' leads out"):
        read_layout(root, roots=roots)


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ([], "found 0 classes with images; accepted: two or more class folders with images in them"),
        (["a/1.png", "a/2.png", "b/notes.txt"], r"found 1 class with images \(a\); folders .*: b \(1 x \.txt\)"),
        (["1.png", "2.png"], "found 0 classes with images; 2 images outside any class folder"),
        (
            ["a/1.png", "a/2.png", "b/1.png", "b/2.png", "c/1.xml", "c/2.xml", "d/2020/1.png"],
            r"class folders without an image: c \(2 x \.xml\), d \(1 files in folders inside it or links to nothing\)",
        ),
        (
            ["train/cat.1.jpg", "train/dog.1.jpg", "test1/1.jpg"],
            "found test1, train, which are parts of a split and hold images but no class folders; accepted: class",
        ),
        (
            ["train/a/1.png", "train/b/1.png", "val/1.png"],
            r"val has no class folders; accepted: val/<class>/\*, as in train",
        ),
        (
            ["train/a/1.png", "train/b/1.png", "val/a/1.png", "val/b/1.png", "valid/a/1.png", "valid/b/1.png"],
            "found 2 folders that may be the validation part: val, valid; accepted: one of them",
        ),
        (
            ["train/a/1.png", "train/b/1.png", "val/a/1.png", "val/b/1.png", "test/a/1.png", "test/c/1.png"],
            "train and val and test classes that are only in one of train and test: b, c; accepted: the same",
        ),
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
def test_what_is_not_a_set_is_refused_with_what_was_found(tmp_path: Path, paths: list[str], said: str) -> None:
    """Too few classes, a class that can't be split, classes that differ."""
    write_files(tmp_path, *paths)
    with pytest.raises(InvalidSpecError) as error:
        read_layout(tmp_path)
    assert problem(error).startswith(f"dataset.path: {tmp_path}")
    assert re.search(said, problem(error))


def test_a_path_that_leads_to_no_folder_is_refused(tmp_path: Path) -> None:
    """Nothing there, and a file where a folder should be."""
    with pytest.raises(InvalidSpecError, match="the folder does not exist"):
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
    with pytest.raises(InvalidSpecError, match="has bytes that are not UTF-8 in its name"):
        read_layout(tmp_path)


def test_two_folders_can_be_joined_to_one_set(tmp_path: Path) -> None:
    """One trains, the other validates; their paths say which is which."""
    write_files(tmp_path, "big/a/1.png", "big/b/1.png", "small/a/1.png", "small/b/1.png")
    parts = [read_class_folders(tmp_path / name, root=tmp_path) for name in ("big", "small")]
    layout = join_layouts(*parts, what="big and small")
    assert [image.path for image in layout.train] == ["big/a/1.png", "big/b/1.png"]
    assert [image.path for image in layout.validation] == ["small/a/1.png", "small/b/1.png"]
    write_files(tmp_path, "small/c/1.png")
    larger = read_class_folders(tmp_path / "small", root=tmp_path)
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
    """Refused are absolute paths, dots, links and similar prefixes; the error names the roots."""
    roots = tmp_path / "roots"
    roots.mkdir()
    (roots / "escape").symlink_to(tmp_path)
    with pytest.raises(InvalidSpecError, match="lies outside the folders") as error:
        find_under_roots(text.format(roots=roots), [roots])
    assert problem(error).endswith(f"accepted: a path under {roots}")


@pytest.mark.parametrize("text", ["nul\0l", "x" * 5000, "loop"])
def test_an_invalid_path_is_refused(tmp_path: Path, text: str) -> None:
    """Any text from a user leads to an error message, not to a crash."""
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InvalidSpecError):
        read_layout(find_under_roots(f"{tmp_path}/{text}", [tmp_path]))


def test_without_roots_no_path_is_accepted(tmp_path: Path) -> None:
    """A server that was given no folders takes data sets by upload only."""
    with pytest.raises(InvalidSpecError) as error:
        find_under_roots(str(tmp_path), [])
    assert "none: this server has no folders" in problem(error)
