"""How labelled images lie in folders: found by listing, without opening one.

Two layouts: ``<root>/<class>/*``, to be split; and ``<root>/train/<class>/*`` with ``validation`` (or ``val``) beside
it. The classes are the folders' names, sorted. The gateway lists to validate and to fingerprint, the worker to pack.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from edgepress_common.errors import FieldProblem, InvalidSpecError
from edgepress_common.frozen import Frozen

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
_VALIDATION_NAMES = ("validation", "val")
_MIN_CLASSES = 2


class ImageFile(Frozen):
    """One file: its path relative to the root, and the label its folder gives it."""

    path: str
    label: int


class Layout(Frozen):
    """A folder of images.

    Attributes:
        classes: Names, in the order of the labels.
        train: Training images, or all images where the folder brings no split.
        validation: Validation images; empty where the folder brings no split.
        fingerprint: Digest of all paths, sizes and times of change: another one means another set.
    """

    classes: tuple[str, ...]
    train: tuple[ImageFile, ...]
    validation: tuple[ImageFile, ...]
    fingerprint: str


def read_layout(root: Path, *, field: str = "dataset.path") -> Layout:
    """Lists a folder of class folders.

    Args:
        root: The folder.
        field: What to call it in errors.

    Raises:
        InvalidSpecError: It isn't there, isn't a folder, or doesn't hold at least two classes of images, the same ones
            in training and validation.
    """
    if not root.is_dir():
        raise _problem(field, root, "there is no such folder", "a folder of class folders that the server can read")
    names = {path.name for path in root.iterdir() if path.is_dir()}
    validation_name = next((name for name in _VALIDATION_NAMES if "train" in names and name in names), None)
    if validation_name is None:
        parts = {"train": root}
    else:
        parts = {"train": root / "train", "validation": root / validation_name}
    found = {part: dict(_class_folders(folder)) for part, folder in parts.items()}
    classes = tuple(sorted(found["train"]))
    if len(classes) < _MIN_CLASSES:
        raise _problem(
            field,
            root,
            f"found {len(classes)} class{'' if len(classes) == 1 else 'es'} with images"
            + (f" ({classes[0]})" if classes else ""),
            f"two or more class folders with images in them ({', '.join(IMAGE_SUFFIXES)})",
        )
    if validation_name is not None and set(found["validation"]) != set(classes):
        odd = sorted(set(found["validation"]) ^ set(classes))
        raise _problem(
            field, root, f"classes differ between train and {validation_name}: {', '.join(odd)}", "the same in both"
        )
    digest = hashlib.sha256()
    listed = {part: tuple(_listed(root, folders, classes, digest)) for part, folders in found.items()}
    return Layout(
        classes=classes,
        train=listed["train"],
        validation=listed.get("validation", ()),
        fingerprint=digest.hexdigest(),
    )


def _class_folders(folder: Path) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    for class_folder in sorted(folder.iterdir()):
        if not class_folder.is_dir() or class_folder.name.startswith("."):
            continue
        with os.scandir(class_folder) as entries:
            images = [
                entry
                for entry in entries
                if entry.name.lower().endswith(IMAGE_SUFFIXES) and not entry.name.startswith(".") and entry.is_file()
            ]
        if images:
            yield class_folder.name, sorted(images, key=lambda entry: entry.name)


def _listed(
    root: Path, folders: dict[str, list[os.DirEntry[str]]], classes: tuple[str, ...], digest: "hashlib._Hash"
) -> Iterator[ImageFile]:
    for label, name in enumerate(classes):
        for entry in folders[name]:
            path = str(Path(entry.path).relative_to(root))
            status = entry.stat()
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="surrogateescape"))
            yield ImageFile(path=path, label=label)


def _problem(field: str, root: Path, message: str, accepted: str) -> InvalidSpecError:
    return InvalidSpecError([FieldProblem(field=field, value=str(root), message=message, accepted=accepted)])
