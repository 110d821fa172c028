"""Unpacks the images of an uploaded archive.

The archive is untrusted. Only regular files are written, below the given folder, and no files that usually lie next to
images (notes, scripts) or that an operating system adds. An archive is rejected if it contains a path that leads
outside, a link, a device or too many members, or if its unpacked size exceeds a limit.
"""

import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from edgepress_common.errors import InvalidInputError
from edgepress_common.layout import LeftOutFile, is_clutter, is_companion, is_hidden_image
from edgepress_worker.datasets.archive_members import Member, read_members
from edgepress_worker.datasets.meter import Meter

_GIB = 1 << 30
_MAX_PART_BYTES = 255  # maximum length of a file name on Linux
_MAX_PATH_BYTES = 1024  # well below Linux's 4096, which include the path of the folder


@dataclass(frozen=True)
class ArchiveLimits:
    """Limits of an archive's size.

    Attributes:
        members: Maximum number of entries, including folders.
        unpacked_bytes: Maximum total size of the entries, in bytes.
        ratio: Maximum ratio of the total size to the archive's size. Images are compressed already; even uncompressed
            TIFF files seldom shrink to a tenth.
        harmless_bytes: Total size in bytes below which the ratio is ignored.
        disk_share: Maximum share of the free disk space, 0 to 1.
    """

    members: int = 1_000_000
    unpacked_bytes: int = 256 * _GIB
    ratio: int = 100
    harmless_bytes: int = 64 << 20
    disk_share: float = 0.8

    def of(self, archive_bytes: int, free_bytes: int) -> tuple[int, str]:
        """Return the lowest limit in bytes for an archive, and its description."""
        return min(
            (self.unpacked_bytes, "for any archive"),
            (max(self.harmless_bytes, self.ratio * archive_bytes), f"{self.ratio} times the archive's size"),
            (int(self.disk_share * free_bytes), f"{self.disk_share:.0%} of the free disk"),
        )


@dataclass
class Unpacked:
    """Findings about an archive, in addition to the written files.

    Attributes:
        ignored: Files that are not images.
        guessed_encoding: Encoding that was guessed for names, if the archive does not specify it; None otherwise.
    """

    ignored: list[LeftOutFile] = field(default_factory=list)
    guessed_encoding: str | None = None

    @property
    def cautions(self) -> tuple[str, ...]:
        """Caveats for the user, in full sentences."""
        if self.guessed_encoding is None:
            return ()
        encoding = self.guessed_encoding
        return (
            f"The archive does not specify the encoding of its names; they were read as {encoding}, the likeliest.",
        )


def unpack_images(archive: Path, folder: Path, meter: Meter, limits: ArchiveLimits | None = None) -> Unpacked:
    """Write the images of a zip or tar archive to a folder.

    Args:
        archive: The archive; tar archives may be compressed by gzip, bzip2 or xz.
        folder: Folder to create; it must not exist.
        meter: Receives the share of the archive that is read.
        limits: Limits of the size.

    Raises:
        InvalidInputError: The archive is damaged or rejected; see the module.
        OSError: The folder can't be written to.
        StepCancelledError: The step is cancelled.
    """
    limits = limits or ArchiveLimits()
    folder.mkdir()
    archive_bytes = archive.stat().st_size
    max_bytes, limit_name = limits.of(archive_bytes, shutil.disk_usage(folder).free)
    unpacked_bytes = 0
    unpacked = Unpacked()
    with archive.open("rb") as file:
        for count, member in enumerate(read_members(file), start=1):
            if count > limits.members:
                raise InvalidInputError(f"has more than {limits.members} members, the limit")
            unpacked_bytes += member.size_bytes
            if unpacked_bytes > max_bytes:
                raise InvalidInputError(f"unpacks to more than {max_bytes} bytes, the limit ({limit_name})")
            parts = _safe_parts(member)
            if any(map(is_clutter, parts)):
                if not any(map(is_clutter, parts[:-1])) and is_hidden_image(parts[-1]):
                    unpacked.ignored.append(LeftOutFile("/".join(parts), "is hidden"))
                continue
            unpacked.guessed_encoding = unpacked.guessed_encoding or member.guessed_encoding
            _unpack(member, parts, folder, unpacked)
            meter.tell(member.share, f"unpacking member {count}")
    return unpacked


def _safe_parts(member: Member) -> tuple[str, ...]:
    """Return the path of a member below the target, as folders and file name."""
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


def _unpack(member: Member, parts: tuple[str, ...], folder: Path, unpacked: Unpacked) -> None:
    """Write an image member. For other members, only create the folder, so that no class is lost."""
    is_ignored = member.kind == "file" and is_companion(parts[-1])
    if is_ignored:
        unpacked.ignored.append(LeftOutFile("/".join(parts), "is not an image by its name"))
    try:
        if member.kind == "folder":
            folder.joinpath(*parts).mkdir(parents=True, exist_ok=True)
            return
        path = folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        if is_ignored:
            return
        with path.open("xb") as file:
            for chunk in member.chunks():
                file.write(chunk)
    except (FileExistsError, NotADirectoryError) as error:
        raise InvalidInputError(f"has {member.name!r} twice, or as a file and a folder") from error


def class_folders_root(folder: Path) -> Path:
    """Return the folder with the class folders (or ``train`` and ``validation``), inside single enclosing folders."""
    while True:
        inside = _folders(folder)
        if len(inside) != 1 or not _folders(inside[0]):
            return folder
        folder = inside[0]


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()]
