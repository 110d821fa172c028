"""Uploaded data sets: kept once, listed in pages."""

import io
import tarfile
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from edgepress_api.database import Database, DatasetRow
from edgepress_api.datasets.uploads import list_datasets, show_dataset, store_upload
from edgepress_common.artifacts import FolderStore
from edgepress_common.errors import InvalidInputError, InvalidSpecError, NotFoundError
from edgepress_common.spec import UploadDataset


def zipped(name: str = "cat/1.png") -> bytes:
    """A zip with one file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, b"image")
    return content.getvalue()


def tarred(mode: str) -> bytes:
    """A tar with one file."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as archive:  # type: ignore[call-overload]  # the mode is a parameter
        archive.addfile(tarfile.TarInfo("cat/1.png"))
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
    """In whatever pieces they come; and are what a spec can then name."""
    pieces = (content[at : at + chunk_bytes] for at in range(0, len(content), chunk_bytes))
    view, is_new = store_upload(database, store, pieces, name="pets", now=now)
    assert is_new
    assert (view.media_type, view.size_bytes) == (media_type, len(content))
    assert store.local_path(view.sha256).read_bytes() == content
    assert UploadDataset.model_validate(view.dataset.model_dump() | {"image_size": 32}).sha256 == view.sha256


def test_the_same_upload_again_changes_nothing(database: Database, store: FolderStore, now: datetime) -> None:
    """It keeps the name that it had first."""
    first, _ = store_upload(database, store, [zipped()], name="pets", now=now)
    again, is_new = store_upload(database, store, [zipped()], name="other", now=now + timedelta(days=1))
    assert (again, is_new) == (first, False)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK", b"\x89PNG\r\n" * 100])
def test_what_is_no_archive_is_not_kept(
    database: Database, store: FolderStore, now: datetime, tmp_path: Path, content: bytes
) -> None:
    """The error says how it begins, and what is accepted."""
    with pytest.raises(InvalidInputError, match="accepted: a zip or tar of class folders"):
        store_upload(database, store, [content], name="x", now=now)
    assert not [path for path in tmp_path.rglob("artifacts/**/*") if path.is_file()]


def test_an_upload_that_breaks_off_leaves_nothing(
    database: Database, store: FolderStore, now: datetime, tmp_path: Path
) -> None:
    """Neither a row nor a file."""

    def broken() -> Iterator[bytes]:
        yield zipped() + bytes(1000)
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        store_upload(database, store, broken(), name="x", now=now)
    assert not [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
    with database.read() as session:
        assert list_datasets(session, page_size=10).datasets == ()


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
            page = list_datasets(session, page_size=2, page_token=token)
            names += [each.name for each in page.datasets]
            token = page.next_page_token
            if token is None:
                break
    assert names == ["set 4", "set 3", "set 2", "set 1", "set 0"]


@pytest.mark.parametrize("token", ["x", "MjAyNg==", "MDAwMS0wMS0wMSAx", "\xe4", "OTk5OS0xMi0zMVQyMzo1OTo1OS0yMzo1OSB4"])
def test_what_is_no_page_token_is_refused(database: Database, token: str) -> None:
    """Before anything is looked up."""
    with database.read() as session, pytest.raises(InvalidSpecError, match="not a page token"):
        list_datasets(session, page_size=2, page_token=token)


def test_an_unknown_data_set_is_not_found(database: Database) -> None:
    """By its name."""
    with database.read() as session, pytest.raises(NotFoundError, match="has been uploaded"):
        show_dataset(session, "0" * 64)
