"""Packs a folder of images as a zip, with everything in it that the gateway would look at.

The gateway chooses the files: it recognizes images by their content, counts what it can't read, and names what it
leaves out. Files that were left out here would be missing without a trace. Only what operating systems add is left out.
"""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from edgepress_common.errors import InvalidInputError
from edgepress_common.layout import is_clutter, is_companion


def write_folder(folder: Path, file: BinaryIO) -> None:
    """Write a folder as a zip, links followed and empty folders included.

    Args:
        folder: The folder of class folders.
        file: Receives the zip.

    Raises:
        InvalidInputError: The folder has no images, or something that can't be packed.
        OSError: A file or folder can't be read.
    """
    found = sorted(_below(folder))
    if not any(path.is_file() and not is_companion(path.name) for path in found):
        raise InvalidInputError(
            f"{folder} has no images; accepted: class folders of images (JPEG, PNG, TIFF, WebP, BMP, GIF)"
        )
    # Images are compressed already.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        for path in found:
            if not path.is_dir() and not path.is_file():
                raise InvalidInputError(f"{path} is neither a file nor a link to one; remove it, or repair the link")
            try:
                archive.write(path, path.relative_to(folder))
            except UnicodeEncodeError as error:
                raise InvalidInputError(f"the name {str(path)!a} is not UTF-8; rename the file") from error


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, followlinks=True, onerror=_raise):
        around = Path(parent).resolve()
        folders[:] = [name for name in folders if not is_clutter(name)]
        for name in folders:
            if around.is_relative_to((around / name).resolve()):
                raise InvalidInputError(f"the link {parent}/{name} leads to a folder that contains it; remove the link")
        yield from (Path(parent, name) for name in (*folders, *names) if not is_clutter(name))


def _raise(error: OSError) -> None:
    raise error
