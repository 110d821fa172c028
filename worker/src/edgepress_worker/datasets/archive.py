"""Unpacks the images of an archive that somebody sent.

The archive is taken for hostile. Only regular files named like images are written, to where their names lead below the
folder given; a name that leads elsewhere, a link or a device is refused, and so is an archive with too many members, or
one that would grow past a limit.
"""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from edgepress_common.errors import InvalidInputError
from edgepress_common.layout import IMAGE_SUFFIXES
from edgepress_worker.datasets.archive_members import Member, read_members
from edgepress_worker.datasets.meter import Meter

_GIB = 1 << 30
_MAX_PART_BYTES = 255  # of one name, as Linux's file systems have it
_MAX_PATH_BYTES = 1024  # well under Linux's 4096, with room for where the folder lies
_CLUTTER = "__MACOSX"  # what a Mac adds to a zip: a file with attributes for each image, named like the image


@dataclass(frozen=True)
class Limits:
    """How large an archive may become.

    Attributes:
        members: How many entries it may have, folders and all.
        unpacked_bytes: What they may come to together.
        ratio: How many times the archive's own size that may be. Images are compressed already; even uncompressed
            TIFF seldom shrinks to a tenth.
        harmless_bytes: Below that, the ratio doesn't matter.
        disk_share: Share of the free disk they may take.
    """

    members: int = 1_000_000
    unpacked_bytes: int = 256 * _GIB
    ratio: int = 100
    harmless_bytes: int = 64 << 20
    disk_share: float = 0.8

    def of(self, archive_bytes: int, free_bytes: int) -> tuple[int, str]:
        """The lowest limit in bytes for an archive of the given size, and what to call it."""
        return min(
            (self.unpacked_bytes, "for any archive"),
            (max(self.harmless_bytes, self.ratio * archive_bytes), f"{self.ratio} times the archive's size"),
            (int(self.disk_share * free_bytes), f"{self.disk_share:.0%} of the free disk"),
        )


def unpack_images(archive: Path, folder: Path, meter: Meter, limits: Limits | None = None) -> None:
    """Writes the images of a zip or tar.

    Args:
        archive: The file; tars may be compressed by gzip, bzip2 or xz.
        folder: Is made, and must be new.
        meter: Told how much of the archive is read.
        limits: What is accepted.

    Raises:
        InvalidInputError: The archive is damaged, or has what is not accepted; see the module.
        OSError: The folder can't be written to.
        StepCancelledError: The step is to stop.
    """
    limits = limits or Limits()
    folder.mkdir()
    archive_bytes = archive.stat().st_size
    max_bytes, limit_name = limits.of(archive_bytes, shutil.disk_usage(folder).free)
    unpacked_bytes = 0
    with archive.open("rb") as file:
        for count, member in enumerate(read_members(file), start=1):
            if count > limits.members:
                raise InvalidInputError(f"has more members than the {limits.members} that are accepted")
            unpacked_bytes += member.size_bytes
            if unpacked_bytes > max_bytes:
                raise InvalidInputError(f"unpacks to more than {max_bytes} bytes, the limit ({limit_name})")
            parts = _safe_parts(member)
            if member.kind == "file" and _is_wanted(parts):
                _write(member, folder.joinpath(*parts))
            meter.tell(member.share, f"unpacking member {count}")


def _safe_parts(member: Member) -> tuple[str, ...]:
    """A member's name, as folders and file below the target."""
    name = member.name
    parts = tuple(part for part in name.split("/") if part not in {"", "."})
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in parts or re.search(r"[\x00-\x1f\x7f]", name):
        raise InvalidInputError(f"has a member {name!r}; accepted: plain names below the archive's top")
    longest = max((len(os.fsencode(part)) for part in parts), default=0)
    if longest > _MAX_PART_BYTES or len(os.fsencode(name)) > _MAX_PATH_BYTES:
        accepted = f"names of up to {_MAX_PART_BYTES} bytes, in paths of up to {_MAX_PATH_BYTES}"
        raise InvalidInputError(f"has a member {name[:60]!r}...; accepted: {accepted}")
    if member.kind == "other":
        raise InvalidInputError(f"has a member {name!r} that is a link or a device; accepted: files and folders")
    return parts


def _is_wanted(parts: tuple[str, ...]) -> bool:
    is_clutter = any(part.startswith(".") or part == _CLUTTER for part in parts)
    return bool(parts) and not is_clutter and parts[-1].lower().endswith(IMAGE_SUFFIXES)


def _write(member: Member, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            for chunk in member.chunks():
                file.write(chunk)
    except (FileExistsError, NotADirectoryError) as error:
        raise InvalidInputError(f"has {member.name!r} twice, or as a file and a folder") from error


def class_folders_root(folder: Path) -> Path:
    """Where the class folders (or ``train`` and ``validation``) begin: below the single folders at an archive's top."""
    while True:
        inside = _folders(folder)
        if len(inside) != 1 or not _folders(inside[0]):
            return folder
        folder = inside[0]


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()]
