"""How labelled images lie in folders: found by listing, without opening one.

Two layouts: ``<root>/<class>/*``, to be split; and ``<root>/train/<class>/*`` with ``validation`` (or ``val``) beside
it. The classes are the folders' names, sorted; hidden folders and files, and files that are not named like an image,
are passed over. The gateway lists to validate and to fingerprint, the worker to pack.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgepress_common.errors import FieldProblem, InvalidSpecError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
_VALIDATION_NAMES = ("validation", "val")
_MIN_CLASSES = 2
_MIN_IMAGES_TO_SPLIT = 2  # one to train on, one to validate on


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One file.

    Attributes:
        path: Relative to the root, with ``/``. As the file system has it: bytes that are not UTF-8 are kept as lone
            surrogates, see `os.fsdecode`.
        label: What its folder says it is, as an index into the classes.
    """

    path: str
    label: int


@dataclass(frozen=True)
class Layout:
    """A folder of images.

    Attributes:
        classes: Names, in the order of the labels.
        train: Training images, or all images where the folder brings no split; by class, then by name.
        validation: Validation images; empty where the folder brings no split.
        fingerprint: Digest of all paths, sizes and times of change: another one means another set.
    """

    classes: tuple[str, ...]
    train: tuple[ImageFile, ...]
    validation: tuple[ImageFile, ...]
    fingerprint: str


def find_under_roots(text: str, roots: Sequence[Path], *, field: str = "dataset.path") -> Path:
    """Where a path of a spec leads, if that lies under one of the roots once every link is followed.

    Args:
        text: The path, as sent. It need not exist.
        roots: Folders that are open to specs.
        field: What to call it in errors.

    Raises:
        InvalidSpecError: It lies elsewhere, or can't be a path.
    """
    accepted = f"a path under {', '.join(map(str, roots))}" if roots else "none: this server has no folders for it"
    with _problems_of(field, text, accepted):
        path = Path(text).resolve()
        if any(path.is_relative_to(root.resolve()) for root in roots):
            return path
    raise _problem(field, text, "lies outside the folders that data sets are taken from", accepted)


def file_fingerprint(path: Path) -> str:
    """Digest of a file's size and time of change: another one means other content.

    Raises:
        OSError: It can't be looked at.
    """
    status = path.stat()
    return hashlib.sha256(f"{path}\0{status.st_size}\0{status.st_mtime_ns}".encode()).hexdigest()


def read_layout(root: Path, *, field: str = "dataset.path") -> Layout:
    """Lists a folder of class folders, with or without a split.

    Args:
        root: The folder.
        field: What to call it in errors.

    Raises:
        InvalidSpecError: It isn't there, isn't a folder, can't be listed, or doesn't hold at least two classes of
            images, the same ones in training and validation, and two images of each class where it is to be split.
    """
    with _problems_of(field, root, "a folder of class folders that the server can read"):
        names = {path.name for path in root.iterdir() if path.is_dir()}
    validation_name = next((name for name in _VALIDATION_NAMES if "train" in names and name in names), None)
    if validation_name is None:
        layout = read_class_folders(root, field=field)
        _check_can_be_split(layout, root, field)
        return layout
    parts = [read_class_folders(root / name, prefix=f"{name}/", field=field) for name in ("train", validation_name)]
    return join_layouts(*parts, what=f"{root}: train and {validation_name}", field=field)


def read_class_folders(folder: Path, *, prefix: str = "", field: str = "dataset.path") -> Layout:
    """Lists ``<folder>/<class>/*``; all images count as training images.

    Args:
        folder: Parent of the class folders.
        prefix: What the images' paths begin with, before the class.
        field: What to call the folder in errors.

    Raises:
        InvalidSpecError: See `read_layout`; a single image of a class will do here.
    """
    accepted = f"two or more class folders with images in them ({', '.join(IMAGE_SUFFIXES)})"
    digest = hashlib.sha256()
    images: list[ImageFile] = []
    classes: list[str] = []
    with _problems_of(field, folder, accepted):
        for class_folder in sorted(_visible_folders(folder), key=lambda entry: entry.name):
            entries = sorted(_image_entries(class_folder), key=lambda entry: entry.name)
            if not entries:
                continue
            class_folder.name.encode()  # a class is shown and sent around: refused here, if it is no text
            for entry in entries:
                path = f"{prefix}{class_folder.name}/{entry.name}"
                status = entry.stat()
                mark = f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n"
                digest.update(mark.encode(errors="surrogateescape"))
                images.append(ImageFile(path, label=len(classes)))
            classes.append(class_folder.name)
    if len(classes) < _MIN_CLASSES:
        found = f"found {len(classes)} class{'' if len(classes) == 1 else 'es'} with images"
        raise _problem(field, folder, found + (f" ({classes[0]})" if classes else ""), accepted)
    return Layout(classes=tuple(classes), train=tuple(images), validation=(), fingerprint=digest.hexdigest())


def join_layouts(train: Layout, validation: Layout, *, what: str, field: str = "dataset.path") -> Layout:
    """One layout of two: the first trains, the second validates.

    Args:
        train: Its training images become those of the whole.
        validation: Its training images become the validation images of the whole.
        what: The two, as errors are to call them.
        field: Likewise their field.

    Raises:
        InvalidSpecError: Their classes differ.
    """
    if train.classes != validation.classes:
        odd = ", ".join(sorted(set(train.classes) ^ set(validation.classes)))
        raise _problem(field, what, f"classes that are only in one of train and validation: {odd}", "the same in both")
    fingerprint = hashlib.sha256(f"{train.fingerprint}\n{validation.fingerprint}".encode()).hexdigest()
    return Layout(train.classes, train.train, validation.train, fingerprint)


def _check_can_be_split(layout: Layout, root: Path, field: str) -> None:
    counts = [0] * len(layout.classes)
    for image in layout.train:
        counts[image.label] += 1
    scarce = [name for name, count in zip(layout.classes, counts, strict=True) if count < _MIN_IMAGES_TO_SPLIT]
    if scarce:
        message = f"classes with a single image, which can't be split: {', '.join(scarce)}"
        raise _problem(field, root, message, f"{_MIN_IMAGES_TO_SPLIT} or more images of each class")


def _visible_folders(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from (entry for entry in entries if not entry.name.startswith(".") and entry.is_dir())


def _image_entries(class_folder: os.DirEntry[str]) -> Iterator[os.DirEntry[str]]:
    with os.scandir(class_folder) as entries:
        for entry in entries:
            is_image = entry.name.lower().endswith(IMAGE_SUFFIXES) and not entry.name.startswith(".")
            if is_image and entry.is_file():
                yield entry


@contextmanager
def _problems_of(field: str, value: object, accepted: str) -> Iterator[None]:
    """Whatever the file system says of a path that somebody sent is a problem of the field it was sent in."""
    try:
        yield
    except FileNotFoundError as error:
        raise _problem(field, value, "there is no such folder", accepted) from error
    except OSError as error:
        raise _problem(field, value, f"can't be used: {error.strerror}", accepted) from error
    except (ValueError, RuntimeError) as error:  # a null character; a loop of links; a name that is no text
        raise _problem(field, value, f"can't be used: {error}", accepted) from error


def _problem(field: str, value: object, message: str, accepted: str) -> InvalidSpecError:
    return InvalidSpecError([FieldProblem(field=field, value=str(value), message=message, accepted=accepted)])
