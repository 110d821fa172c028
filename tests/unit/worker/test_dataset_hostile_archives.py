"""Archives that were made to do harm: opened as hostile."""

import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgepress_common.errors import InvalidInputError
from edgepress_worker.datasets.archive import ArchiveLimits, unpack_images
from edgepress_worker.datasets.meter import Meter
from fakes.archives import pack_upload, tar_of, zip_of
from fakes.image_folders import write_class_folders
from fakes.step_context import PlainContext


def zip_with(path: Path, name: str, mode: int = stat.S_IFREG) -> Path:
    """A zip with one member that says of itself what a file system wouldn't."""
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = (mode | 0o644) << 16
        archive.writestr(info, b"/etc/passwd")
    return path


def tar_with(path: Path, name: str, kind: bytes = tarfile.REGTYPE) -> Path:
    """A tar likewise."""
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo(name)
        info.type = kind
        info.linkname = "/etc/passwd"
        archive.addfile(info)
    return path


@pytest.mark.parametrize("make", [zip_with, tar_with])
@pytest.mark.parametrize(
    "name",
    [
        "/etc/a.png",
        "../a.png",
        "a/../../b.png",
        "a/..",
        "C:/a.png",
        "c:a.png",
        "a/b\n.png",
        f"{'x' * 300}.png",
        "a/" * 600,
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(
    tmp_path: Path, context: PlainContext, make: Callable[[Path, str], Path], name: str
) -> None:
    """Absolute, upwards, with a drive, with control characters, or longer than file systems take."""
    with pytest.raises(InvalidInputError, match=r"has a member .* accepted:"):
        pack_upload(make(tmp_path / "archive", name), context)
    assert not (tmp_path / "a.png").exists()


def test_backslashes_cannot_lead_elsewhere_either(tmp_path: Path, context: PlainContext) -> None:
    """They count as separators before a name is judged."""
    with pytest.raises(InvalidInputError, match="has a member"):
        pack_upload(zip_with(tmp_path / "archive", "a\\..\\..\\b.png"), context)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, context: PlainContext, kind: bytes) -> None:
    """The error names the entry; it is not created."""
    with pytest.raises(InvalidInputError, match=r"has a member 'a/1\.png' that is a link or a device"):
        pack_upload(tar_with(tmp_path / "archive", "a/1.png", kind), context)


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, context: PlainContext, mode: int) -> None:
    """The error names the entry; it is not created."""
    with pytest.raises(InvalidInputError, match=r"has a member 'a/1\.png' that is a link or a device"):
        pack_upload(zip_with(tmp_path / "archive", "a/1.png", mode), context)


def unpacked(archive: Path, context: PlainContext, limits: ArchiveLimits) -> None:
    """Unpacks under limits of the test's own."""
    unpack_images(archive, context.scratch / "images", Meter(context), limits)


@pytest.mark.parametrize("kind", ["zip", "gz", "xz"])
@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (ArchiveLimits(members=3), "has more than 3 members, the limit"),
        (ArchiveLimits(unpacked_bytes=2_500_000), r"more than 2500000 bytes, the limit \(for any archive\)"),
        (ArchiveLimits(ratio=10, harmless_bytes=1000), r"10 times the archive's size"),
        (ArchiveLimits(disk_share=0.0), r"0 bytes, the limit \(0% of the free disk\)"),
    ],
)
def test_an_archive_that_grows_too_large_is_refused(
    tmp_path: Path, context: PlainContext, kind: str, limits: ArchiveLimits, said: str
) -> None:
    """Limits on members, bytes, ratio and free space are checked before it is written."""
    for name in "abcd":
        (tmp_path / "set" / name).mkdir(parents=True)
        (tmp_path / "set" / name / "0.tif").write_bytes(bytes(1_000_000))
    archive = tmp_path / "archive"
    zip_of(archive, tmp_path / "set") if kind == "zip" else tar_of(archive, tmp_path / "set", kind)
    with pytest.raises(InvalidInputError, match=said):
        unpacked(archive, context, limits)


def test_a_small_archive_may_have_any_ratio(tmp_path: Path, context: PlainContext) -> None:
    """An archive of a few blank images is not refused as a bomb."""
    (tmp_path / "set" / "a").mkdir(parents=True)
    (tmp_path / "set" / "a" / "0.tif").write_bytes(bytes(10_000_000))
    unpacked(zip_of(tmp_path / "archive", tmp_path / "set"), context, ArchiveLimits())
    assert (context.scratch / "images/a/0.tif").stat().st_size == 10_000_000


def test_a_zip_gives_no_more_than_it_claims(tmp_path: Path, context: PlainContext) -> None:
    """A member whose directory entry understates its size is damaged, not large."""
    path = tmp_path / "archive"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/0.png", bytes(5_000_000))
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match="can't be read to its end: Bad CRC-32"):
        unpacked(path, context, ArchiveLimits())
    assert (context.scratch / "images/a/0.png").stat().st_size <= 1000


def test_a_header_cannot_ask_for_memory(tmp_path: Path, context: PlainContext) -> None:
    """A tar's extended header of gigabytes, a zip's directory of gigabytes, a dictionary of gigabytes."""
    info = tarfile.TarInfo("pax")
    info.type = tarfile.XHDTYPE
    info.size = 3 << 30
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + bytes(5000))
    with pytest.raises(InvalidInputError, match="asks for 3221225472 bytes of memory at once"):
        unpacked(tmp_path / "a.tar", context, ArchiveLimits())
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    (tmp_path / "a.tar.xz").write_bytes(lzma.compress(bytes(10_240), filters=filters))
    (context.scratch / "images").rmdir()
    with pytest.raises(InvalidInputError, match="Memory usage limit"):
        unpacked(tmp_path / "a.tar.xz", context, ArchiveLimits())


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_in_a_compression_that_inflates_without_bound_is_refused(
    tmp_path: Path, context: PlainContext, method: int
) -> None:
    """Python's reader would keep all in memory that a few KB of them expand to."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("a/0.png", bytes(1000))
    with pytest.raises(InvalidInputError, match="unusual compression; accepted: stored, deflated"):
        pack_upload(tmp_path / "a.zip", context)


def test_a_name_that_comes_twice_is_refused(tmp_path: Path, context: PlainContext) -> None:
    """This includes a file and a folder of the same name: the later one would replace the earlier."""
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        archive.writestr("a/0.png", b"1")
        archive.writestr("a/./0.png", b"2")
    with pytest.raises(InvalidInputError, match=r"has 'a/./0\.png' twice"):
        pack_upload(tmp_path / "twice.zip", context)
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        archive.writestr("a/0.png", b"1")
        archive.writestr("a/0.png/1.png", b"2")
    with pytest.raises(InvalidInputError, match="twice, or as a file and a folder"):
        pack_upload(tmp_path / "both.zip", context)


def test_a_file_that_is_an_archive_in_two_ways_is_read_in_one(tmp_path: Path, context: PlainContext) -> None:
    """A tar with a zip behind it is a tar; what the zip has, which leads elsewhere, is never looked at."""
    write_class_folders(tmp_path / "set", {"ant": 4, "bee": 4})
    tar = tar_of(tmp_path / "a.tar", tmp_path / "set", "")
    expected = pack_upload(tar, context)
    both = tmp_path / "both"
    both.write_bytes(tar.read_bytes() + zip_with(tmp_path / "a.zip", "../../a.png").read_bytes())
    assert zipfile.is_zipfile(both)
    assert pack_upload(both, context) == expected


def test_a_picture_that_is_an_archive_as_well_is_not_an_archive(tmp_path: Path, context: PlainContext) -> None:
    """Readers of zips find one at the end of any file; here the first bytes count."""
    write_class_folders(tmp_path / "set", {"ant": 4, "bee": 4})
    picture = next((tmp_path / "set").rglob("*.*")).read_bytes()
    both = tmp_path / "both"
    both.write_bytes(picture + zip_of(tmp_path / "a.zip", tmp_path / "set").read_bytes())
    assert zipfile.is_zipfile(both)
    with pytest.raises(InvalidInputError, match="accepted: zip, tar"):
        pack_upload(both, context)
