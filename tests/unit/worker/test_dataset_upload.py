"""Uploaded archives: packed like folders, or rejected if they are damaged."""

import io
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from pathlib import Path

import pytest

from edgepress_common.errors import InvalidInputError, InvalidSpecError, NotFoundError, StepCancelledError
from edgepress_common.spec import FolderDataset, UploadDataset
from edgepress_common.spec.groups import GroupsByPattern
from edgepress_worker.datasets import pack_dataset
from edgepress_worker.datasets.archive import unpack_images
from edgepress_worker.datasets.meter import Meter
from edgepress_worker.environment import Environment
from fakes.archives import ARCHIVERS, SIDE, pack_upload, tar_of, zip_of
from fakes.image_folders import photograph, write_class_folders
from fakes.step_context import PlainContext

COUNTS = {"ant": 4, "bee": 6}


@pytest.mark.slow
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
    assert pack_upload(ARCHIVERS[archiver](tmp_path / "archive", root), context) == expected
    assert list(context.scratch.iterdir()) == []


def test_what_is_not_an_image_is_left_in_the_archive(tmp_path: Path, context: PlainContext) -> None:
    """Notes, a Mac's clutter, hidden files; and a Windows archiver's backslashes are folders."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("ant\\0.png", "ant\\1.png", "bee\\0.png", "bee\\1.png"):
            content = io.BytesIO()
            photograph(len(name)).save(content, "PNG")
            archive.writestr(name, content.getvalue())
            archive.writestr(f"__MACOSX/{name}", b"attributes")
        archive.writestr("ant/._0.png", b"attributes")
        archive.writestr("ant/.hidden.png", b"an image, perhaps")
        archive.writestr("README.md", b"notes")
        archive.writestr("ant/script.py", b"raise SystemExit")
    _, result = pack_upload(tmp_path / "a.zip", context)
    assert (result.classes, result.train_counts, result.unreadable_count) == (("ant", "bee"), (1, 1), 0)
    assert {(file.name, file.reason) for file in result.ignored} == {
        ("ant/.hidden.png", "is hidden"),
        ("ant/script.py", "is not an image by its name"),
        ("README.md", "is not an image by its name"),
    }


@pytest.mark.parametrize("archiver", ARCHIVERS)
@pytest.mark.parametrize("share", [0.4, 0.97])
def test_an_archive_that_is_cut_off_is_refused(
    tmp_path: Path, context: PlainContext, archiver: str, share: float
) -> None:
    """A truncated archive is not read as a smaller one."""
    root = write_class_folders(tmp_path / "set", {"ant": 20, "bee": 20})
    whole = ARCHIVERS[archiver](tmp_path / "whole", root).read_bytes()
    if archiver == "tar":
        whole = whole[: len(whole) - 10_240]  # padding; what is left ends within the last members
    (tmp_path / "cut").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InvalidInputError, match=r"the upload [0-9a-f]{64} (can't be read to its end|is cut off)"):
        pack_upload(tmp_path / "cut", context)


def test_a_tar_that_is_cut_between_two_members_is_refused(tmp_path: Path, context: PlainContext) -> None:
    """Python's reader reports no error for such a file."""
    whole = tar_of(tmp_path / "whole", write_class_folders(tmp_path / "set", COUNTS), "")
    with tarfile.open(whole) as archive:
        last = archive.getmembers()[-1].offset
    (tmp_path / "cut").write_bytes(whole.read_bytes()[:last])
    with pytest.raises(InvalidInputError, match="is truncated: the end mark of a tar is missing"):
        pack_upload(tmp_path / "cut", context)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"\x1f\x8bbroken", b"BZhbroken", b"PK\x03\x04broken"])
def test_what_is_not_an_archive_is_refused(tmp_path: Path, context: PlainContext, content: bytes) -> None:
    """The error names the upload."""
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(
        InvalidInputError,
        match=r"the upload [0-9a-f]{64} (is not an archive of a supported format|can't be read to its end)",
    ):
        pack_upload(tmp_path / "a", context)


def test_an_archive_without_two_classes_is_refused_by_its_digest(tmp_path: Path, context: PlainContext) -> None:
    """The error does not name the folder that it was unpacked to."""
    archive = zip_of(tmp_path / "a.zip", write_class_folders(tmp_path / "set", {"only": 3}))
    with pytest.raises(InvalidSpecError, match=r"dataset\.sha256: found 1 class with images") as error:
        pack_upload(archive, context)
    (problem,) = error.value.problems
    assert problem.value == context.store.put_file(archive).sha256


def test_an_upload_that_is_not_there_is_named(tmp_path: Path, context: PlainContext) -> None:
    """The upload may have been deleted meanwhile."""
    dataset = UploadDataset(sha256="0" * 64, image_size=SIDE)
    with pytest.raises(NotFoundError, match="0" * 64):
        pack_dataset(dataset, context, Environment(dataset_roots=(), downloads=tmp_path))


def test_unpacking_is_cancelled_between_members(tmp_path: Path, context: PlainContext) -> None:
    """Until then its progress is reported."""
    archive = zip_of(tmp_path / "a.zip", write_class_folders(tmp_path / "set", COUNTS))
    unpack_images(archive, context.scratch / "images", Meter(context))
    assert [report.fraction for report in context.reports] == sorted(report.fraction for report in context.reports)
    assert "unpacking" in context.reports[-1].message
    context.cancelled = True
    with pytest.raises(StepCancelledError):
        unpack_images(archive, context.scratch / "again", Meter(context))


class RawInfo(zipfile.ZipInfo):
    """A member of a zip whose name has an encoding that the zip does not declare."""

    encoding = "utf-8"

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802  zipfile's own name
        return self.filename.encode(self.encoding), self.flag_bits & ~0x800


def zip_in(path: Path, encoding: str, names: list[str]) -> Path:
    """A zip of class folders with three images each."""
    with zipfile.ZipFile(path, "w") as archive:
        for label, name in enumerate(names):
            for number in range(3):
                content = io.BytesIO()
                photograph(10 * label + number).save(content, "PNG")
                info = RawInfo(f"{name}/{number}.png")
                info.encoding = encoding
                archive.writestr(info, content.getvalue())
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "names", "guessed"),
    [
        ("utf-8", ["Ga\u0308nseblu\u0308mchen", "Lo\u0308wenzahn"], None),
        ("utf-8", ["たんぽぽ", "ひまわり"], None),
        ("cp932", ["たんぽぽ", "ひまわり"], "cp932"),
        ("cp932", ["良品", "不良品"], "cp932"),
        ("gbk", ["蒲公英", "向日葵"], "gbk"),
        ("gbk", ["猫", "狗"], "gbk"),
        ("big5", ["貓", "狗", "蒲公英"], "big5"),
        ("cp949", ["고양이", "강아지", "해바라기"], "cp949"),
        ("cp866", ["кошка", "собака"], "cp866"),
        ("cp850", ["Gänseblümchen", "Löwenzahn"], "cp850"),
        ("cp850", ["café", "thé"], "cp850"),
        ("cp852", ["růže", "kopřiva"], "cp852"),
    ],
)
def test_names_in_a_zip_of_any_program_are_read(
    tmp_path: Path, context: PlainContext, encoding: str, names: list[str], guessed: str | None
) -> None:
    """A Mac writes UTF-8 and doesn't say so; Windows writes the code page of its language. A guess is named as one."""
    _, result = pack_upload(zip_in(tmp_path / "a.zip", encoding, names), context)
    assert result.classes == tuple(sorted(unicodedata.normalize("NFC", name) for name in names))
    guess = f"The archive does not specify the encoding of its names; they were read as {guessed}, the likeliest."
    assert result.cautions == ((guess,) if guessed else ())


def test_the_name_that_a_zip_gives_in_unicode_counts(tmp_path: Path, context: PlainContext) -> None:
    """Info-ZIP writes it in addition to the name in the system's code page."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for label, name in enumerate(["кошка", "собака"]):
            for number in range(2):
                content = io.BytesIO()
                photograph(10 * label + number).save(content, "PNG")
                info = RawInfo(f"{name[::-1]}/{number}.png")
                info.encoding = "cp866"
                checksum = zlib.crc32(info.filename.encode("cp866"))
                extra = b"\x01" + struct.pack("<I", checksum) + f"{name}/{number}.png".encode()
                info.extra = struct.pack("<HH", 0x7075, len(extra)) + extra
                archive.writestr(info, content.getvalue())
    _, result = pack_upload(tmp_path / "a.zip", context)
    assert (result.classes, result.cautions) == (("кошка", "собака"), ())


def test_a_class_without_images_does_not_vanish_from_an_archive(tmp_path: Path, context: PlainContext) -> None:
    """A folder of notes, and an empty folder: both are refused by name, as on a disk."""
    root = write_class_folders(tmp_path / "set", COUNTS)
    (root / "cow").mkdir()
    for content, said in ((None, r"cow \(empty\)"), ("notes", "cow")):
        if content is not None:
            (root / "cow" / "notes.txt").write_text(content)
        with pytest.raises(InvalidSpecError, match=f"class folders without an image: {said}"):
            pack_upload(zip_of(tmp_path / "a.zip", root), context)


def test_images_of_other_suffixes_are_unpacked_and_notes_are_named(tmp_path: Path, context: PlainContext) -> None:
    """An image can have any suffix, and is recognized by its content."""
    root = write_class_folders(tmp_path / "set", COUNTS)
    photograph(99).save(root / "ant" / "photo", "PNG")
    photograph(98).save(root / "ant" / "photo.webp")
    (root / "ant" / "notes.txt").write_text("notes")
    _, result = pack_upload(zip_of(tmp_path / "a.zip", root), context)
    assert sum(result.train_counts) + sum(result.validation_counts) == 12
    assert [(file.name, file.reason) for file in result.ignored] == [("ant/notes.txt", "is not an image by its name")]


def test_the_groups_of_an_archive_are_found_by_a_pattern(tmp_path: Path, context: PlainContext) -> None:
    """The classes are below the outer folders."""
    root = write_class_folders(tmp_path / "set", {"ant": 20, "bee": 20})
    reference = context.store.put_file(zip_of(tmp_path / "a.zip", root, top="x/y/"))
    dataset = UploadDataset(
        sha256=reference.sha256, image_size=SIDE, groups=GroupsByPattern(pattern="^[a-z]+/0([0-9])"), test_fraction=0.5
    )
    with pytest.raises(InvalidInputError, match="the class ant has images of 2 groups; accepted: 3 or more"):
        pack_dataset(dataset, context, Environment(dataset_roots=(), downloads=tmp_path))
