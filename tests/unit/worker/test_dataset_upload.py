"""Archives that were uploaded: opened as hostile."""

import io
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgepress_common.errors import InvalidInputError, InvalidSpecError, NotFoundError, StepCancelledError
from edgepress_common.messages import Outputs
from edgepress_common.results import PackResult
from edgepress_common.spec import FolderDataset, UploadDataset
from edgepress_worker.datasets import pack_dataset
from edgepress_worker.datasets.archive import Limits, unpack_images
from edgepress_worker.datasets.meter import Meter
from edgepress_worker.run import Environment
from fakes.image_folders import photograph, write_class_folders
from fakes.step_context import PlainContext

SIDE = 16
COUNTS = {"ant": 4, "bee": 6}


@pytest.fixture
def context(tmp_path: Path) -> PlainContext:
    """Of a step whose folder is under the test's own."""
    return PlainContext(tmp_path / "context")


def packed(archive: Path, context: PlainContext) -> tuple[Outputs, PackResult]:
    """Packs an archive as if it had been uploaded."""
    reference = context.store.put_file(archive)
    dataset = UploadDataset(sha256=reference.sha256, image_size=SIDE)
    return pack_dataset(dataset, context, Environment(dataset_roots=(), downloads=archive.parent / "none"))


def zip_of(path: Path, folder: Path, top: str = "") -> Path:
    """A zip with a folder's files below ``top``, and entries for the folders too."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, f"{top}{file.relative_to(folder)}")
    return path


def tar_of(path: Path, folder: Path, mode: str, top: str = ".") -> Path:
    """A tar likewise, as ``tar -c`` makes it."""
    with tarfile.open(path, f"w:{mode}") as archive:  # type: ignore[call-overload]  # the mode is one of a few
        archive.add(folder, top)
    return path


ARCHIVERS: dict[str, Callable[[Path, Path], Path]] = {
    "zip": zip_of,
    "zip with a top folder": lambda path, folder: zip_of(path, folder, top="my cells/v2/"),
    "tar": lambda path, folder: tar_of(path, folder, ""),
    "tar.gz": lambda path, folder: tar_of(path, folder, "gz"),
    "tar.bz2": lambda path, folder: tar_of(path, folder, "bz2"),
    "tar.xz with a top folder": lambda path, folder: tar_of(path, folder, "xz", top="cells"),
}


@pytest.mark.parametrize("archiver", ARCHIVERS)
@pytest.mark.parametrize("is_split", [True, False])
def test_an_archive_is_packed_like_the_folder_it_holds(
    tmp_path: Path, context: PlainContext, archiver: str, is_split: bool
) -> None:
    """Zip or tar, compressed or not, with a folder around it or not, with a split or without."""
    root = tmp_path / "set"
    if is_split:
        write_class_folders(root / "train", COUNTS)
        write_class_folders(root / "val", COUNTS, seed=77)
    else:
        write_class_folders(root, COUNTS)
    folder = FolderDataset(path=str(root), image_size=SIDE)
    expected = pack_dataset(folder, context, Environment(dataset_roots=(tmp_path,), downloads=tmp_path))
    assert packed(ARCHIVERS[archiver](tmp_path / "archive", root), context) == expected
    assert list(context.scratch.iterdir()) == []


def test_what_is_no_image_is_left_in_the_archive(tmp_path: Path, context: PlainContext) -> None:
    """Notes, a Mac's clutter, hidden files; and a Windows archiver's backslashes are folders."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("ant\\0.png", "ant\\1.png", "bee\\0.png", "bee\\1.png"):
            content = io.BytesIO()
            photograph(len(name)).save(content, "PNG")
            archive.writestr(name, content.getvalue())
            archive.writestr(f"__MACOSX/{name}", b"attributes")
        archive.writestr("ant/._0.png", b"attributes")
        archive.writestr("README.md", b"notes")
        archive.writestr("ant/script.py", b"raise SystemExit")
    _, result = packed(tmp_path / "a.zip", context)
    assert (result.classes, result.train_counts, result.unreadable_count) == (("ant", "bee"), (1, 1), 0)


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
        packed(make(tmp_path / "archive", name), context)
    assert not (tmp_path / "a.png").exists()


def test_backslashes_cannot_lead_elsewhere_either(tmp_path: Path, context: PlainContext) -> None:
    """They count as separators before a name is judged."""
    with pytest.raises(InvalidInputError, match="has a member"):
        packed(zip_with(tmp_path / "archive", "a\\..\\..\\b.png"), context)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, context: PlainContext, kind: bytes) -> None:
    """By name; nothing is made of them."""
    with pytest.raises(InvalidInputError, match=r"has a member 'a/1\.png' that is a link or a device"):
        packed(tar_with(tmp_path / "archive", "a/1.png", kind), context)


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, context: PlainContext, mode: int) -> None:
    """Likewise."""
    with pytest.raises(InvalidInputError, match=r"has a member 'a/1\.png' that is a link or a device"):
        packed(zip_with(tmp_path / "archive", "a/1.png", mode), context)


def unpacked(archive: Path, context: PlainContext, limits: Limits) -> None:
    """Unpacks under limits of the test's own."""
    unpack_images(archive, context.scratch / "images", Meter(context), limits)


@pytest.mark.parametrize("kind", ["zip", "gz", "xz"])
@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(members=3), "has more members than the 3 that are accepted"),
        (Limits(unpacked_bytes=2_500_000), r"more than 2500000 bytes, the limit \(for any archive\)"),
        (Limits(ratio=10, harmless_bytes=1000), r"10 times the archive's size"),
        (Limits(disk_share=0.0), r"0 bytes, the limit \(0% of the free disk\)"),
    ],
)
def test_an_archive_that_grows_too_large_is_refused(
    tmp_path: Path, context: PlainContext, kind: str, limits: Limits, said: str
) -> None:
    """Before it is written: by members, by bytes, by ratio, by what the disk has left."""
    for name in "abcd":
        (tmp_path / "set" / name).mkdir(parents=True)
        (tmp_path / "set" / name / "0.tif").write_bytes(bytes(1_000_000))
    archive = tmp_path / "archive"
    zip_of(archive, tmp_path / "set") if kind == "zip" else tar_of(archive, tmp_path / "set", kind)
    with pytest.raises(InvalidInputError, match=said):
        unpacked(archive, context, limits)


def test_a_small_archive_may_shrink_as_much_as_it_likes(tmp_path: Path, context: PlainContext) -> None:
    """A few blank images are no bomb."""
    (tmp_path / "set" / "a").mkdir(parents=True)
    (tmp_path / "set" / "a" / "0.tif").write_bytes(bytes(10_000_000))
    unpacked(zip_of(tmp_path / "archive", tmp_path / "set"), context, Limits())
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
        unpacked(path, context, Limits())
    assert (context.scratch / "images/a/0.png").stat().st_size <= 1000


def test_a_header_cannot_ask_for_memory(tmp_path: Path, context: PlainContext) -> None:
    """A tar's extended header of gigabytes, a zip's directory of gigabytes, a dictionary of gigabytes."""
    info = tarfile.TarInfo("pax")
    info.type = tarfile.XHDTYPE
    info.size = 3 << 30
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + bytes(5000))
    with pytest.raises(InvalidInputError, match="asks for 3221225472 bytes of memory at once"):
        unpacked(tmp_path / "a.tar", context, Limits())
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    (tmp_path / "a.tar.xz").write_bytes(lzma.compress(bytes(10_240), filters=filters))
    (context.scratch / "images").rmdir()
    with pytest.raises(InvalidInputError, match="Memory usage limit"):
        unpacked(tmp_path / "a.tar.xz", context, Limits())


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_in_a_compression_that_inflates_without_bound_is_refused(
    tmp_path: Path, context: PlainContext, method: int
) -> None:
    """Python's reader would hold whatever a few KB of them become."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("a/0.png", bytes(1000))
    with pytest.raises(InvalidInputError, match="unusual compression; accepted: stored, deflated"):
        packed(tmp_path / "a.zip", context)


@pytest.mark.parametrize("archiver", ARCHIVERS)
@pytest.mark.parametrize("share", [0.4, 0.97])
def test_an_archive_that_is_cut_off_is_refused(
    tmp_path: Path, context: PlainContext, archiver: str, share: float
) -> None:
    """Never taken for a smaller one."""
    root = write_class_folders(tmp_path / "set", {"ant": 20, "bee": 20})
    whole = ARCHIVERS[archiver](tmp_path / "whole", root).read_bytes()
    if archiver == "tar":
        whole = whole[: len(whole) - 10_240]  # padding; what is left ends within the last members
    (tmp_path / "cut").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InvalidInputError, match=r"the upload [0-9a-f]{64} (can't be read to its end|is cut off)"):
        packed(tmp_path / "cut", context)


def test_a_tar_that_is_cut_between_two_members_is_refused(tmp_path: Path, context: PlainContext) -> None:
    """Where Python's reader sees nothing wrong."""
    whole = tar_of(tmp_path / "whole", write_class_folders(tmp_path / "set", COUNTS), "")
    with tarfile.open(whole) as archive:
        last = archive.getmembers()[-1].offset
    (tmp_path / "cut").write_bytes(whole.read_bytes()[:last])
    with pytest.raises(InvalidInputError, match="is cut off: the end mark of a tar is missing"):
        packed(tmp_path / "cut", context)


def test_a_name_that_comes_twice_is_refused(tmp_path: Path, context: PlainContext) -> None:
    """Also as a file and as a folder: the later would replace the earlier, or worse."""
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        archive.writestr("a/0.png", b"1")
        archive.writestr("a/./0.png", b"2")
    with pytest.raises(InvalidInputError, match=r"has 'a/./0\.png' twice"):
        packed(tmp_path / "twice.zip", context)
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        archive.writestr("a/0.png", b"1")
        archive.writestr("a/0.png/1.png", b"2")
    with pytest.raises(InvalidInputError, match="twice, or as a file and a folder"):
        packed(tmp_path / "both.zip", context)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"\x1f\x8bbroken", b"BZhbroken", b"PK\x03\x04broken"])
def test_what_is_no_archive_is_refused(tmp_path: Path, context: PlainContext, content: bytes) -> None:
    """Naming the upload."""
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"the upload [0-9a-f]{64} (is no archive|can't be read to its end)"):
        packed(tmp_path / "a", context)


def test_an_archive_without_two_classes_is_refused_by_its_digest(tmp_path: Path, context: PlainContext) -> None:
    """The folder it was unpacked to is nobody's business."""
    archive = zip_of(tmp_path / "a.zip", write_class_folders(tmp_path / "set", {"only": 3}))
    with pytest.raises(InvalidSpecError, match=r"dataset\.sha256: found 1 class with images") as error:
        packed(archive, context)
    (problem,) = error.value.problems
    assert problem.value == context.store.put_file(archive).sha256


def test_an_upload_that_is_not_there_is_named(tmp_path: Path, context: PlainContext) -> None:
    """It may have been deleted since."""
    dataset = UploadDataset(sha256="0" * 64, image_size=SIDE)
    with pytest.raises(NotFoundError, match="0" * 64):
        pack_dataset(dataset, context, Environment(dataset_roots=(), downloads=tmp_path))


def test_unpacking_is_cancelled_between_members(tmp_path: Path, context: PlainContext) -> None:
    """And reported until then."""
    archive = zip_of(tmp_path / "a.zip", write_class_folders(tmp_path / "set", COUNTS))
    unpack_images(archive, context.scratch / "images", Meter(context))
    assert [report.fraction for report in context.reports] == sorted(report.fraction for report in context.reports)
    assert "unpacking" in context.reports[-1].message
    context.cancelled = True
    with pytest.raises(StepCancelledError):
        unpack_images(archive, context.scratch / "again", Meter(context))
