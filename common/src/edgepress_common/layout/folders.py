"""Lists folders of images, one level at a time, with every link checked.

A link that leads out of the folders that are open to specs is rejected: otherwise, a user who can write to one of them
could read every file that the server can read.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from edgepress_common.layout.file_names import is_called_image, is_clutter, is_companion, is_hidden_image
from edgepress_common.layout.model import LeftOutFile
from edgepress_common.layout.roots import is_under

_MOST_NESTED = 1000  # maximum number of nested files that are reported one by one


class OutsideError(ValueError):
    """A link leads out of the folders that are open to specs."""


@dataclass(frozen=True)
class Lister:
    """Lists folders below a root.

    Attributes:
        root: The folder that paths are relative to.
        roots: Folders that links may lead into; None for anywhere.
    """

    root: Path
    roots: tuple[Path, ...] | None

    def folders(self, folder: Path) -> list[Path]:
        """Return the subfolders of a folder, sorted by name, without hidden ones.

        Raises:
            OutsideError: A link leads outside.
            OSError: The folder can't be listed.
        """
        return [Path(entry.path) for entry in self._entries(folder) if entry.is_dir() and not is_clutter(entry.name)]

    def class_files(self, folder: Path) -> "ClassFiles":
        """Return the files of a class folder.

        Raises:
            OutsideError: A link leads outside.
            OSError: The folder can't be listed.
        """
        found = ClassFiles()
        for entry in self._entries(folder):
            path = self.relative(entry.path)
            if entry.is_dir():
                if not is_clutter(entry.name):
                    found.unusable.extend(self._nested(Path(entry.path)))
            elif is_clutter(entry.name):
                if is_hidden_image(entry.name):
                    found.ignored.append(LeftOutFile(path, "is hidden"))
            elif is_companion(entry.name):
                found.ignored.append(LeftOutFile(path, "is not an image by its name"))
            elif entry.is_file():
                found.images.append(path)
            else:
                found.unusable.append(LeftOutFile(path, "is neither a file nor a link to one"))
        return found

    def loose_images(self, folder: Path) -> Iterator[LeftOutFile]:
        """Yield the files directly in a folder of class folders that are named like images."""
        for entry in self._entries(folder):
            if is_called_image(entry.name) and not is_clutter(entry.name) and not entry.is_dir():
                yield LeftOutFile(self.relative(entry.path), "lies outside the class folders")

    def relative(self, path: str | Path) -> str:
        """Return a path relative to the root, as in `Layout`."""
        return Path(path).relative_to(self.root).as_posix()

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            if entry.is_symlink() and self.roots is not None and not is_under(Path(entry.path).resolve(), self.roots):
                shown = ascii(self.relative(entry.path))
                raise OutsideError(f"the link {shown} leads out of the folders that data sets are taken from")
        return found

    def _nested(self, folder: Path) -> Iterator[LeftOutFile]:
        """Yield files in subfolders of a class folder, up to a maximum number; links to folders are not followed."""
        reason = "lies in a folder inside its class folder"
        count = 0
        for parent, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if not is_clutter(name))
            for name in sorted(names):
                if not is_clutter(name) and not is_companion(name) and count < _MOST_NESTED:
                    count += 1
                    yield LeftOutFile(self.relative(f"{parent}/{name}"), reason)


@dataclass(frozen=True)
class ClassFiles:
    """The files of a class folder.

    Attributes:
        images: Paths of the files to open, sorted by name.
        unusable: Files that can't be read, see `Layout.unusable`.
        ignored: Files that are not read on purpose, see `Layout.ignored`.
    """

    images: list[str] = field(default_factory=list)
    unusable: list[LeftOutFile] = field(default_factory=list)
    ignored: list[LeftOutFile] = field(default_factory=list)

    def summary(self) -> str:
        """Describe the content of a folder without images, such as ``12 x .xml``."""
        if self.unusable:
            return f"{len(self.unusable)} files in folders inside it or links to nothing"
        return suffix_counts([each.path for each in self.ignored]) or "empty"


def suffix_counts(paths: Sequence[str]) -> str:
    """Return the number of files of each suffix, most frequent first, such as ``12 x .xml, 1 x .txt``."""
    counts = Counter(PurePosixPath(path).suffix.lower() or "without suffix" for path in paths)
    return ", ".join(f"{count} x {suffix}" for suffix, count in counts.most_common(5))
