"""Uploaded data sets: kept once, listed in pages."""

import io
import tarfile
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from edgepress_api.database import Database, DatasetRow
from edgepress_api.database.page_tokens import write_page_token
from edgepress_api.datasets.uploads import DATASETS
from edgepress_api.models.uploads import MODELS
from edgepress_api.uploads.pages import list_uploads, show_upload
from edgepress_api.uploads.storing import store_upload
from edgepress_common.artifacts import FolderStore
from edgepress_common.errors import InvalidInputError, InvalidQueryError, NotFoundError
from edgepress_common.spec import UploadDataset


def zipped(name: str = "cat/1.png") -> bytes:
    """A zip with one file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, b"image")
    return content.getvalue()


def tarred(mode: str, *names: str, format_: int = tarfile.USTAR_FORMAT, size_bytes: int = 0) -> bytes:
    """A tar with files, by default one image."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode, format=format_) as archive:  # type: ignore[call-overload]  # the mode is a parameter
        for name in names or ("cat/1.png",):
            member = tarfile.TarInfo(name)
            member.size = size_bytes
            archive.addfile(member, io.BytesIO(bytes(size_bytes)))
    return content.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """An empty store."""
    return FolderStore(tmp_path / "artifacts")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (zipped(), "application/zip"),
        (tarred("w"), "application/x-tar"),
        (tarred("w:gz"), "application/gzip"),
        (tarred("w:bz2"), "application/x-bzip2"),
        (tarred("w:xz"), "application/x-xz"),
    ],
    ids=["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"],  # not by their bytes: a gzip has the time in it
)
@pytest.mark.parametrize("chunk_bytes", [1, 100, 100_000])
def test_archives_are_known_by_their_bytes(
    database: Database, store: FolderStore, now: datetime, content: bytes, media_type: str, chunk_bytes: int
) -> None:
    """The pieces can have any size; a spec can then name the upload."""
    pieces = (content[at : at + chunk_bytes] for at in range(0, len(content), chunk_bytes))
    view, is_new = store_upload(DATASETS, database, store, pieces, name="pets", now=now)
    assert is_new
    assert (view.media_type, view.size_bytes) == (media_type, len(content))
    assert store.local_path(view.sha256).read_bytes() == content
    assert UploadDataset.model_validate(view.dataset.model_dump() | {"image_size": 32}).sha256 == view.sha256


def test_the_same_upload_again_changes_nothing(database: Database, store: FolderStore, now: datetime) -> None:
    """It keeps the name that it had first."""
    first, _ = store_upload(DATASETS, database, store, [zipped()], name="pets", now=now)
    again, is_new = store_upload(DATASETS, database, store, [zipped()], name="other", now=now + timedelta(days=1))
    assert (again, is_new) == (first, False)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK", b"\x89PNG\r\n" * 100])
def test_what_is_not_an_archive_is_not_kept(
    database: Database, store: FolderStore, now: datetime, tmp_path: Path, content: bytes
) -> None:
    """The error says how it begins, and what is accepted."""
    with pytest.raises(InvalidInputError, match="accepted: a zip or tar of class folders"):
        store_upload(DATASETS, database, store, [content], name="x", now=now)
    assert not [path for path in tmp_path.rglob("artifacts/**/*") if path.is_file()]


TARS = ["w", "w:gz", "w:bz2", "w:xz"]


@pytest.mark.parametrize("mode", TARS)
@pytest.mark.parametrize("chunk_bytes", [1000, 100_000])
def test_a_tar_without_an_image_is_refused(
    database: Database, store: FolderStore, now: datetime, tmp_path: Path, mode: str, chunk_bytes: int
) -> None:
    """The error names files that it has; nothing is kept."""
    content = tarred(mode, "notes.txt", "cat/labels.csv", size_bytes=200_000)
    pieces = (content[at : at + chunk_bytes] for at in range(0, len(content), chunk_bytes))
    with pytest.raises(InvalidInputError, match=r"does not contain an image \(it has 'notes.txt', 'cat/labels.csv'"):
        store_upload(DATASETS, database, store, pieces, name="x", now=now)
    assert not [path for path in tmp_path.rglob("artifacts/**/*") if path.is_file()]


@pytest.mark.slow
@pytest.mark.parametrize("mode", TARS)
def test_a_tar_whose_image_comes_late_is_accepted(
    database: Database, store: FolderStore, now: datetime, mode: str
) -> None:
    """An image behind other files, with a name of any length, in a second stream, or too far behind to look for."""
    late = tarred(mode, "notes.txt", "cat/1.png", size_bytes=300_000)
    long_names = [tarred(mode, "a" * 300, format_=each) for each in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)]
    joined = tarred(mode, "notes.txt") + tarred(mode)
    far = tarred(mode, *(f"{number}.txt" for number in range(5)), size_bytes=16 << 20)
    for content in (late, *long_names, joined, far):
        pieces = (content[at : at + 100_000] for at in range(0, len(content), 100_000))
        view, _ = store_upload(DATASETS, database, store, pieces, name="x", now=now)
        assert view.size_bytes == len(content)


def test_an_upload_that_breaks_off_leaves_nothing(
    database: Database, store: FolderStore, now: datetime, tmp_path: Path
) -> None:
    """Neither a row nor a file."""

    def broken() -> Iterator[bytes]:
        yield zipped() + bytes(1000)
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        store_upload(DATASETS, database, store, broken(), name="x", now=now)
    assert not [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
    with database.read() as session:
        assert list_uploads(session, DATASETS, page_size=10).datasets == ()


def test_data_sets_are_listed_in_pages(database: Database, now: datetime) -> None:
    """The newest first, each once, even those of one moment."""
    with database.write() as session:
        for number in range(5):
            session.add(
                DatasetRow(
                    sha256=f"{number:064d}",
                    name=f"set {number}",
                    media_type="application/zip",
                    size_bytes=2**40,
                    created_at=now + timedelta(microseconds=number // 3),
                )
            )
    names, token = [], None
    with database.read() as session:
        while True:
            page = list_uploads(session, DATASETS, page_size=2, page_token=token)
            names += [each.name for each in page.datasets]
            token = page.next_page_token
            if token is None:
                break
    assert names == ["set 4", "set 3", "set 2", "set 1", "set 0"]


@pytest.mark.parametrize("token", ["x", "MjAyNg==", "\xe4"])
def test_what_is_not_a_page_token_is_refused(database: Database, token: str) -> None:
    """It is refused before a query."""
    with database.read() as session, pytest.raises(InvalidQueryError, match="not a page token"):
        list_uploads(session, DATASETS, page_size=2, page_token=token)


def test_a_page_token_belongs_to_one_kind_and_owner(database: Database, now: datetime) -> None:
    """A token of another user's listing, or of models, is refused."""
    with database.write() as session:
        for number in range(2):
            row = DatasetRow(
                sha256=f"{number:064d}",
                name="x",
                media_type="application/zip",
                size_bytes=1,
                created_at=now,
                owner="anna",
            )
            session.add(row)
    with database.read() as session:
        token = list_uploads(session, DATASETS, owner="anna", page_size=1).next_page_token
        assert len(list_uploads(session, DATASETS, owner="anna", page_size=1, page_token=token).datasets) == 1
        for owner in ("ben", None):
            with pytest.raises(InvalidQueryError, match="not a page token of this listing"):
                list_uploads(session, DATASETS, owner=owner, page_size=1, page_token=token)
        with pytest.raises(InvalidQueryError, match="not a page token of this listing"):
            list_uploads(session, MODELS, owner="anna", page_size=1, page_token=token)


@pytest.mark.parametrize("position", ["x", "2026", "0001-01-01 1", "9999-12-31T23:59:59-23:59 x"])
def test_a_forged_position_is_refused(database: Database, position: str) -> None:
    """Though its digest is right."""
    token = write_page_token(position, of="datasets", owner=None)
    with database.read() as session, pytest.raises(InvalidQueryError, match="not a page token of this listing"):
        list_uploads(session, DATASETS, page_size=1, page_token=token)


def test_an_unknown_data_set_is_not_found(database: Database) -> None:
    """The error names it."""
    with database.read() as session, pytest.raises(NotFoundError, match="has not been uploaded"):
        show_upload(session, DATASETS, "0" * 64)


@pytest.mark.parametrize("chunk_bytes", [1, 7, 100_000])
def test_a_zip_is_kept_only_if_an_image_may_be_in_it(
    database: Database, store: FolderStore, now: datetime, tmp_path: Path, chunk_bytes: int
) -> None:
    """Class folders can have any name; notes, hidden files and the attributes that macOS adds are not classes."""

    def upload(*names: str) -> None:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.writestr(name, b"content " * 100)
        whole = content.getvalue()
        pieces = (whole[at : at + chunk_bytes] for at in range(0, len(whole), chunk_bytes))
        store_upload(DATASETS, database, store, pieces, name="x", now=now)

    said = r"the zip does not contain an image \(it has 'notes.txt', 'cat/.1.png', 'cat/1.csv', ...\)"
    with pytest.raises(InvalidInputError, match=said):
        upload("notes.txt", "cat/.1.png", "cat/1.csv", "__MACOSX/cat/._1.png", "cat/")
    assert not [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
    upload("notes.txt", "cat/1.csv", "cat/1.webp")
    upload("notes.txt", "cat/1")
