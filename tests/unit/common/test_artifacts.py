"""The artifact store: whole or not at all, and never other bytes than were stored."""

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgepress_common.artifacts import ArtifactStore, CorruptArtifactError, FolderStore
from edgepress_common.errors import NotFoundError


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """An empty store."""
    return FolderStore(tmp_path / "store")


def test_bytes_come_back_under_their_digest(store: ArtifactStore) -> None:
    """The name is the SHA-256, the size the length."""
    reference = store.put_bytes(b"weights", "text/plain")
    assert reference.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert (reference.size_bytes, reference.media_type) == (7, "text/plain")
    assert store.local_path(reference.sha256).read_bytes() == b"weights"
    assert store.has(reference.sha256)


@pytest.mark.parametrize("move", [True, False])
def test_a_file_is_stored_by_copy_or_by_moving(store: ArtifactStore, tmp_path: Path, move: bool) -> None:
    """Moved, it is gone from where it was; copied, it stays."""
    source = tmp_path / "file"
    source.write_bytes(b"x" * 3_000_000)
    reference = store.put_file(source, move=move)
    assert store.local_path(reference.sha256).stat().st_size == reference.size_bytes == 3_000_000
    assert source.exists() is not move


class StoreOnAnotherMount(FolderStore):
    """As where folder and store are two volumes of one disk: they look like one filesystem, and renaming fails."""

    def _rename(self, path: Path, sha256: str) -> None:
        if path.parent != self._incoming:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        super()._rename(path, sha256)


def test_a_file_that_can_not_be_renamed_into_the_store_is_copied(tmp_path: Path) -> None:
    """And is gone from where it was all the same."""
    source = tmp_path / "file"
    source.write_bytes(b"pack")
    store = StoreOnAnotherMount(tmp_path / "store")
    reference = store.put_file(source, move=True)
    assert store.local_path(reference.sha256).read_bytes() == b"pack"
    assert not source.exists()


def test_storing_the_same_again_changes_nothing(store: ArtifactStore) -> None:
    """Equal bytes are one artifact."""
    first = store.put_bytes(b"same")
    inode = store.local_path(first.sha256).stat().st_mode
    assert store.put_bytes(b"same") == first
    assert store.local_path(first.sha256).stat().st_mode == inode


def test_what_breaks_off_leaves_nothing(store: FolderStore, tmp_path: Path) -> None:
    """An upload that ends in an error is as if it had never begun."""

    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        store.put_chunks(chunks())
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_changed_bytes_are_never_handed_out(store: ArtifactStore, tmp_path: Path) -> None:
    """A file that was tampered with is reported, also after it has been read once."""
    reference = store.put_bytes(b"original")
    path = store.local_path(reference.sha256)
    path.chmod(0o644)
    path.write_bytes(b"tampered")
    with pytest.raises(CorruptArtifactError, match=reference.sha256):
        store.local_path(reference.sha256)


def test_an_artifact_that_is_not_there_is_named(store: ArtifactStore) -> None:
    """So that a person can look for it."""
    with pytest.raises(NotFoundError, match="f" * 64):
        store.local_path("f" * 64)
    assert not store.has("f" * 64)


def test_artifacts_can_not_be_written_by_accident(store: ArtifactStore) -> None:
    """Their files are read-only."""
    path = store.local_path(store.put_bytes(b"fixed").sha256)
    assert path.stat().st_mode & 0o222 == 0
