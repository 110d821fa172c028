"""Recognizes the layout of a folder of images, and lists it.

1. Single folders around the data set, as in archives, are skipped.
2. ``<root>/train/<class>/*`` is a training set, with ``validation`` and ``test`` next to it under any usual name
   (`split_names`). A test folder without class folders has no labels and is ignored.
3. Otherwise, ``<root>/<class>/*`` is a data set without a split. Folders called ``train``, ``test`` and so on that
   contain images directly are rejected: they are parts of a split, not classes.

The classes are the names of the folders in Unicode's composed form, sorted. Each file is an image, unusable, or ignored
with a reason (`folders`); a class folder without an image is rejected.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from edgepress_common.class_names import class_name, printable
from edgepress_common.layout.folders import ClassFiles, Lister
from edgepress_common.layout.joining import join_layouts
from edgepress_common.layout.model import ImageFile, Layout, LeftOutFile
from edgepress_common.layout.problems import problem, problems_of
from edgepress_common.layout.split_names import ACCEPTED, Role, roles_of

_MIN_CLASSES = 2
_MIN_IMAGES_TO_SPLIT = 2  # one to train on, one to validate on
_SHOWN = 5
_ACCEPTED = "two or more class folders with images in them (JPEG, PNG, TIFF, WebP, BMP, GIF)"


def read_layout(root: Path, *, field: str = "dataset.path", roots: Sequence[Path] | None = None) -> Layout:
    """List a folder of class folders, with or without a split.

    Args:
        root: The folder.
        field: Field of the spec that names the folder, for errors.
        roots: Folders that links in the folder may lead to; None for no restriction.

    Raises:
        InvalidSpecError: The folder does not exist, can't be listed, contains links that lead elsewhere, has fewer than
            two classes, has different classes in its parts, or has too few images of a class for a split.
    """
    allowed = None if roots is None else tuple(roots)
    with problems_of(field, printable(str(root)), "a folder of class folders that the server can read"):
        top = _inside(root, Lister(root, allowed))
        lister = Lister(top, allowed)
        folders = {path.name: path for path in lister.folders(top)}
        split = _split_folders(top, folders, lister, field)
        loose = () if split is None else tuple(lister.loose_images(top))
    if split is None:
        layout = _class_folders(top, lister, field)
        _check_can_be_split(layout, root, field)
        return layout
    parts = {role: _class_folders(_inside(path, lister), lister, field) for role, path in split.items()}
    what = f"{root}: {' and '.join(path.name for path in split.values())}"
    joined = join_layouts(parts["train"], parts.get("validation"), parts.get("test"), what=what, field=field)
    if "validation" not in parts:
        _check_can_be_split(joined, root, field)
    others = [path for path in folders.values() if path not in split.values()]
    unread = (LeftOutFile(f"{lister.relative(path)}/", _reason_of(path)) for path in others)
    return dataclasses.replace(joined, ignored=(*joined.ignored, *unread, *loose))


def read_class_folders(folder: Path, *, root: Path | None = None, field: str = "dataset.path") -> Layout:
    """List ``<folder>/<class>/*``; all images count as training images.

    Args:
        folder: Parent of the class folders.
        root: Folder that paths are relative to; None for ``folder``.
        field: Field of the spec, for errors.

    Raises:
        InvalidSpecError: See `read_layout`; here, one image of each class is enough.
    """
    return _class_folders(folder, Lister(root or folder, None), field)


def _inside(folder: Path, lister: Lister) -> Path:
    """Return the innermost of the single folders around a data set."""
    while True:
        inside = lister.folders(folder)
        if len(inside) != 1 or not lister.folders(inside[0]):
            return folder
        folder = inside[0]


def _split_folders(top: Path, folders: dict[str, Path], lister: Lister, field: str) -> dict[Role, Path] | None:
    """Return the folders of a split by part; None if there is no split."""
    named = roles_of(folders)
    with_classes: dict[Role, list[Path]] = {
        role: [folders[name] for name in names if lister.folders(folders[name])] for role, names in named.items()
    }
    if not with_classes.get("train"):
        _refuse_flat_splits(top, named, folders, lister, field)
        return None
    for role, paths in with_classes.items():
        if len(paths) > 1:
            found = ", ".join(path.name for path in paths)
            raise problem(field, top, f"found {len(paths)} folders that may be the {role} part: {found}", "one of them")
    flat = [name for name in named.get("validation", ()) if not with_classes["validation"]]
    if flat:
        raise problem(field, top, f"{flat[0]} has no class folders", f"{flat[0]}/<class>/*, as in train")
    return {role: with_classes[role][0] for role in get_args(Role) if with_classes.get(role)}


def _refuse_flat_splits(
    top: Path, named: dict[Role, list[str]], folders: dict[str, Path], lister: Lister, field: str
) -> None:
    names = {name for names in named.values() for name in names}
    if names and names == set(folders) and any(lister.class_files(folders[name]).images for name in names):
        found = ", ".join(sorted(names))
        raise problem(
            field,
            top,
            f"found {found}, which are parts of a split and hold images but no class folders",
            f"class folders inside, as in {min(names)}/<class>/*: {ACCEPTED}",
        )


def _reason_of(path: Path) -> str:
    is_test = bool(roles_of([path.name]).get("test"))
    return "has no class folders, so its images have no labels" if is_test else "is not a part of the split"


def _class_folders(folder: Path, lister: Lister, field: str) -> Layout:
    with problems_of(field, printable(str(folder)), _ACCEPTED):
        found: dict[str, list[ClassFiles]] = defaultdict(list)
        for path in lister.folders(folder):
            found[class_name(path.name)].append(lister.class_files(path))
        loose = tuple(lister.loose_images(folder))
    classes = tuple(sorted(name for name, parts in found.items() if any(part.images for part in parts)))
    empty = [f"{name} ({parts[0].summary()})" for name, parts in sorted(found.items()) if name not in classes]
    if len(classes) < _MIN_CLASSES:
        raise problem(field, printable(str(folder)), _too_few(classes, empty, len(loose)), _ACCEPTED)
    if empty:
        message = f"class folders without an image: {_listed(empty)}"
        raise problem(field, printable(str(folder)), message, "images in each class folder; remove empty folders")
    parts = [part for name in classes for part in found[name]]
    images = (
        ImageFile(path, label) for label, name in enumerate(classes) for part in found[name] for path in part.images
    )
    return Layout(
        root=lister.root,
        classes=classes,
        train=tuple(images),
        unusable=tuple(file for part in parts for file in part.unusable),
        ignored=(*(file for part in parts for file in part.ignored), *loose),
    )


def _too_few(classes: tuple[str, ...], empty: list[str], loose: int) -> str:
    found = f"found {len(classes)} class{'' if len(classes) == 1 else 'es'} with images"
    found += f" ({classes[0]})" if classes else ""
    found += f"; folders without an image directly in them: {_listed(empty)}" if empty else ""
    return found + (f"; {loose} images outside any class folder" if loose else "")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _check_can_be_split(layout: Layout, root: Path, field: str) -> None:
    counts = [0] * len(layout.classes)
    for image in layout.train:
        counts[image.label] += 1
    scarce = [name for name, count in zip(layout.classes, counts, strict=True) if count < _MIN_IMAGES_TO_SPLIT]
    if scarce:
        message = f"classes with a single image, which can't be split: {', '.join(scarce)}"
        raise problem(field, root, message, f"{_MIN_IMAGES_TO_SPLIT} or more images of each class")
