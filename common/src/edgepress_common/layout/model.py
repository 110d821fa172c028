"""The result of listing a data set."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file to read as an image.

    Attributes:
        path: Path relative to the root, with ``/``. Bytes that are not UTF-8 are kept as lone surrogates, see
            `os.fsdecode`.
        label: Class of the file's folder, as an index into the classes.
    """

    path: str
    label: int


@dataclass(frozen=True, slots=True)
class LeftOutFile:
    """A file or folder that is not read.

    Attributes:
        path: Path relative to the root, as in `ImageFile`.
        reason: Why it is not read, in a few words.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class Layout:
    """The images of a data set, by class and part.

    Attributes:
        root: Folder that paths are relative to. Single folders around the data set, as in archives, are skipped.
        classes: Names in Unicode's composed form (NFC), in the order of the labels.
        train: Training images, or all images if the folder has no split; sorted by class, then by name.
        validation: Validation images; empty if the folder has none.
        test: Test images; empty if the folder has none.
        unusable: Files in class folders that are known to be unreadable without opening them.
        ignored: Files that are not images of a class, such as notes; reported, but never a reason to fail.
    """

    root: Path
    classes: tuple[str, ...]
    train: tuple[ImageFile, ...]
    validation: tuple[ImageFile, ...] = ()
    test: tuple[ImageFile, ...] = ()
    unusable: tuple[LeftOutFile, ...] = ()
    ignored: tuple[LeftOutFile, ...] = ()

    @property
    def files(self) -> tuple[ImageFile, ...]:
        """The images of all parts, in the order training, validation, test."""
        return self.train + self.validation + self.test
