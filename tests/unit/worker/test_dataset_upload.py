"""Archives that were uploaded: packed like folders, or refused where they are damaged."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from edgepress_common.errors import InvalidInputError, InvalidSpecError, NotFoundError, StepCancelledError
from edgepress_common.spec import FolderDataset, UploadDataset
from edgepress_worker.datasets import pack_dataset
from edgepress_worker.datasets.archive import unpack_images
from edgepress_worker.datasets.meter import Meter
from edgepress_worker.run import Environment
from fakes.archives import ARCHIVERS, SIDE, pack_upload, tar_of, zip_of
from fakes.image_folders import photograph, write_class_folders
from fakes.step_context import PlainContext

COUNTS = {"ant": 4, "bee": 6}


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
    _, result = pack_upload(tmp_path / "a.zip", context)
    assert (result.classes, result.train_counts, result.unreadable_count) == (("ant", "bee"), (1, 1), 0)


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
        pack_upload(tmp_path / "cut", context)


def test_a_tar_that_is_cut_between_two_members_is_refused(tmp_path: Path, context: PlainContext) -> None:
    """Where Python's reader sees nothing wrong."""
    whole = tar_of(tmp_path / "whole", write_class_folders(tmp_path / "set", COUNTS), "")
    with tarfile.open(whole) as archive:
        last = archive.getmembers()[-1].offset
    (tmp_path / "cut").write_bytes(whole.read_bytes()[:last])
    with pytest.raises(InvalidInputError, match="is cut off: the end mark of a tar is missing"):
        pack_upload(tmp_path / "cut", context)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"\x1f\x8bbroken", b"BZhbroken", b"PK\x03\x04broken"])
def test_what_is_no_archive_is_refused(tmp_path: Path, context: PlainContext, content: bytes) -> None:
    """Naming the upload."""
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"the upload [0-9a-f]{64} (is no archive|can't be read to its end)"):
        pack_upload(tmp_path / "a", context)


def test_an_archive_without_two_classes_is_refused_by_its_digest(tmp_path: Path, context: PlainContext) -> None:
    """The folder it was unpacked to is nobody's business."""
    archive = zip_of(tmp_path / "a.zip", write_class_folders(tmp_path / "set", {"only": 3}))
    with pytest.raises(InvalidSpecError, match=r"dataset\.sha256: found 1 class with images") as error:
        pack_upload(archive, context)
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
