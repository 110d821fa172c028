"""The artifact stores: whole or not at all, and never other bytes than were stored. One contract for each of them."""

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgepress_common.artifacts import ArtifactStore, CorruptArtifactError, FolderStore, MissingArtifactError
from edgepress_common.artifacts.address import S3Address
from edgepress_common.artifacts.copies import LocalCopies
from edgepress_common.artifacts.s3 import S3Store, connect, find_fault
from edgepress_common.errors import NotFoundError, UnavailableError
from fakes.s3_server import CREDENTIALS, new_bucket, s3_client

Tamper = Callable[[str, bytes], None]

LATER = datetime.now(UTC) + timedelta(days=1)
EARLIER = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture
def folder_store(tmp_path: Path) -> FolderStore:
    """An empty folder."""
    return FolderStore(tmp_path / "store")


@pytest.fixture
def bucket(s3_endpoint: str) -> S3Address:
    """An empty bucket."""
    return new_bucket(s3_endpoint)


@pytest.fixture
def s3_store(bucket: S3Address, tmp_path: Path) -> S3Store:
    """An empty part of an empty bucket."""
    return S3Store(bucket, LocalCopies(tmp_path / "copies", 1 << 30), lambda: s3_client(bucket))


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest) -> ArtifactStore:
    """An empty store of each kind."""
    store: ArtifactStore = request.getfixturevalue(f"{request.param}_store")
    return store


@pytest.fixture
def tamper(store: ArtifactStore, request: pytest.FixtureRequest, tmp_path: Path) -> Tamper:
    """Changes what a store keeps, behind its back."""

    def in_folder(sha256: str, content: bytes) -> None:
        path = tmp_path / "store" / sha256[:2] / sha256
        path.chmod(0o644)
        path.write_bytes(content)

    def in_bucket(sha256: str, content: bytes) -> None:
        bucket = request.getfixturevalue("bucket")
        s3_client(bucket).put_object(Bucket=bucket.bucket, Key=bucket.prefix + sha256, Body=content)
        (tmp_path / "copies" / sha256[:2] / sha256).unlink()

    return in_folder if isinstance(store, FolderStore) else in_bucket


def test_bytes_come_back_under_their_digest(store: ArtifactStore) -> None:
    """The name is the SHA-256, the size the length."""
    reference = store.put_bytes(b"weights", "text/plain")
    assert reference.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert (reference.size_bytes, reference.media_type) == (7, "text/plain")
    assert store.local_path(reference.sha256).read_bytes() == b"weights"
    assert store.has(reference.sha256)


@pytest.mark.parametrize("is_cached", [True, False])
def test_a_part_is_read_without_the_rest(store: ArtifactStore, tmp_path: Path, is_cached: bool) -> None:
    """From the middle, beyond the end, and from an artifact that does not exist; with and without a local copy."""
    reference = store.put_bytes(b"weights", "text/plain")
    if not is_cached and isinstance(store, S3Store):
        (tmp_path / "copies" / reference.sha256[:2] / reference.sha256).unlink()
    assert store.read(reference.sha256, 2, 3) == b"igh"
    assert store.read(reference.sha256, 5, 100) == b"ts"
    assert store.read(reference.sha256, 7, 1) == b""
    with pytest.raises(NotFoundError, match="no artifact 0"):
        store.read("0" * 64, 0, 1)


@pytest.mark.parametrize("move", [True, False])
def test_a_file_is_stored_by_copy_or_by_moving(store: ArtifactStore, tmp_path: Path, move: bool) -> None:
    """Moved, it is gone from where it was; copied, it stays."""
    source = tmp_path / "file"
    source.write_bytes(b"x" * 3_000_000)
    reference = store.put_file(source, move=move)
    assert store.local_path(reference.sha256).stat().st_size == reference.size_bytes == 3_000_000
    assert source.exists() is not move


class StoreOnAnotherMount(FolderStore):
    """A store on another volume of the same disk: both look like one filesystem, and renaming fails."""

    def _rename(self, path: Path, sha256: str) -> None:
        if path.parent != self._incoming:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        super()._rename(path, sha256)


def test_a_file_that_can_not_be_renamed_into_the_store_is_copied(tmp_path: Path) -> None:
    """The original file is removed as well."""
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


def test_what_breaks_off_leaves_nothing(store: ArtifactStore, tmp_path: Path) -> None:
    """An upload that ends in an error is as if it had never begun."""

    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        store.put_chunks(chunks())
    assert list(store.list_artifacts()) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_changed_bytes_are_never_handed_out(store: ArtifactStore, tamper: Tamper) -> None:
    """Stored bytes that were tampered with are reported once, also after they have been read, and are gone then.

    So the step that gave them is not taken for done, and what it gives again is stored.
    """
    reference = store.put_bytes(b"original")
    store.local_path(reference.sha256)
    tamper(reference.sha256, b"tampered")
    with pytest.raises(CorruptArtifactError, match=reference.sha256) as caught:
        store.local_path(reference.sha256)
    assert caught.value.sha256 == reference.sha256
    assert not store.has(reference.sha256)
    with pytest.raises(MissingArtifactError, match=reference.sha256) as missing:
        store.local_path(reference.sha256)
    assert missing.value.sha256 == reference.sha256
    assert store.put_bytes(b"original") == reference
    assert store.local_path(reference.sha256).read_bytes() == b"original"


def test_an_artifact_that_is_not_there_is_named(store: ArtifactStore) -> None:
    """So that a person can look for it."""
    with pytest.raises(NotFoundError, match="f" * 64):
        store.local_path("f" * 64)
    assert not store.has("f" * 64)


def test_artifacts_can_not_be_written_by_accident(store: ArtifactStore) -> None:
    """Their files are read-only."""
    path = store.local_path(store.put_bytes(b"fixed").sha256)
    assert path.stat().st_mode & 0o222 == 0


def test_all_artifacts_are_listed(store: ArtifactStore) -> None:
    """Only artifacts are listed, with their size and the time of storing."""
    assert list(store.list_artifacts()) == []
    references = [store.put_bytes(content) for content in (b"a", b"bb", b"bb")]
    listed = list(store.list_artifacts())
    assert {(each.sha256, each.size_bytes) for each in listed} == {
        (each.sha256, each.size_bytes) for each in references
    }
    assert len(listed) == 2
    assert all(EARLIER < each.stored_at < LATER for each in listed)


def test_a_removed_artifact_is_not_found(store: ArtifactStore) -> None:
    """It can be put again. Removing an unknown artifact does nothing."""
    kept, removed = store.put_bytes(b"kept"), store.put_bytes(b"removed")
    path = store.local_path(removed.sha256)
    with path.open("rb") as open_file:
        assert store.remove(removed.sha256, stored_before=LATER)
        assert open_file.read() == b"removed"
    assert [each.sha256 for each in store.list_artifacts()] == [kept.sha256]
    assert not store.has(removed.sha256)
    with pytest.raises(NotFoundError):
        store.local_path(removed.sha256)
    assert not store.remove(removed.sha256, stored_before=LATER)
    assert store.local_path(store.put_bytes(b"removed").sha256).read_bytes() == b"removed"


def test_an_artifact_put_since_is_not_removed(store: ArtifactStore) -> None:
    """A step is about to refer to it."""
    reference = store.put_bytes(b"new")
    assert not store.remove(reference.sha256, stored_before=EARLIER)
    assert store.local_path(reference.sha256).read_bytes() == b"new"


def test_a_large_file_is_stored_completely(store: ArtifactStore, tmp_path: Path) -> None:
    """It is larger than the default part of an upload to S3."""
    source = tmp_path / "large"
    block = bytes(range(256)) * 4096
    source.write_bytes(block * 20)
    reference = store.put_file(source)
    assert hashlib.sha256(store.local_path(reference.sha256).read_bytes()).hexdigest() == reference.sha256
    assert reference.size_bytes == 20 << 20


def test_a_file_written_long_ago_is_stored_now(folder_store: FolderStore, tmp_path: Path) -> None:
    """The time of storing counts, or garbage collection would consider it old."""
    source = tmp_path / "file"
    source.write_bytes(b"old")
    os.utime(source, (0, 0))
    reference = folder_store.put_file(source, move=True)
    assert not folder_store.remove(reference.sha256, stored_before=EARLIER)


def test_a_put_that_was_killed_leaves_what_can_be_removed(folder_store: FolderStore, tmp_path: Path) -> None:
    """It can be removed once it is old enough; an active put is not disturbed."""
    incoming = tmp_path / "store" / "incoming"
    incoming.mkdir(parents=True)
    (incoming / "killed").write_bytes(b"half")
    assert folder_store.remove_unfinished(begun_before=EARLIER) == 0
    assert folder_store.remove_unfinished(begun_before=LATER) == 1
    assert list(incoming.iterdir()) == []


def test_an_upload_in_parts_that_was_killed_is_aborted(s3_store: S3Store, bucket: S3Address) -> None:
    """It is not listed, but its storage is paid for."""
    client = s3_client(bucket)
    client.create_multipart_upload(Bucket=bucket.bucket, Key=f"{bucket.prefix}{'a' * 64}")
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)  # the server says of every upload that it was begun in 2010
    assert s3_store.remove_unfinished(begun_before=long_ago) == 0
    assert s3_store.remove_unfinished(begun_before=LATER) == 1
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket.bucket)


def test_another_machine_fetches_once_and_keeps_a_copy(s3_store: S3Store, bucket: S3Address, tmp_path: Path) -> None:
    """This holds for concurrent requests too, and after the object itself is deleted."""
    reference = s3_store.put_bytes(b"shared")
    downloads: list[str] = []

    class Elsewhere(S3Store):
        def _download(self, sha256: str, path: Path) -> None:
            downloads.append(sha256)
            super()._download(sha256, path)

    elsewhere = Elsewhere(bucket, LocalCopies(tmp_path / "elsewhere", 1 << 30), lambda: s3_client(bucket))
    with ThreadPoolExecutor(8) as threads:
        paths = list(threads.map(elsewhere.local_path, [reference.sha256] * 8))
    assert {path.read_bytes() for path in paths} == {b"shared"}
    assert downloads == [reference.sha256]
    assert [path.name for path in (tmp_path / "elsewhere" / "incoming").iterdir()] == []


def test_a_bad_copy_is_fetched_again(s3_store: S3Store) -> None:
    """A machine's own disk may lose what it was given; the bucket still has it."""
    reference = s3_store.put_bytes(b"right")
    copy = s3_store.local_path(reference.sha256)
    copy.chmod(0o644)
    copy.write_bytes(b"wrong")
    assert s3_store.local_path(reference.sha256).read_bytes() == b"right"


def test_copies_not_used_for_longest_go_but_none_that_is_in_use(tmp_path: Path) -> None:
    """There is space for two; copies used in the last hour count as in use."""
    copies = LocalCopies(tmp_path, 20)
    a, b, c, d = (copies.put_bytes(letter * 10).sha256 for letter in (b"a", b"b", b"c", b"d"))
    for sha256, hours in ((a, 2), (b, 4), (c, 3)):
        path = copies.local_path(sha256)
        os.utime(path, (path.stat().st_atime - hours * 3600, path.stat().st_mtime))
    copies.local_path(a)  # used again
    copies.evict()
    assert {each.sha256 for each in copies.list_artifacts()} == {a, d}
    LocalCopies(tmp_path, 0).evict()
    assert {each.sha256 for each in copies.list_artifacts()} == {a, d}


def test_an_unavailable_store_is_reported(tmp_path: Path) -> None:
    """No server listens there: the step will be tried again, and the error names the address."""
    address = S3Address(bucket="unknown", endpoint="http://127.0.0.1:9")
    store = S3Store(address, LocalCopies(tmp_path, 100), lambda: s3_client(address))
    with pytest.raises(UnavailableError, match=r"s3://unknown/ at http://127\.0\.0\.1:9"):
        store.local_path("a" * 64)


def test_a_bucket_that_is_not_there_is_said_to_be(s3_endpoint: str, tmp_path: Path) -> None:
    """It is not created, since that needs permissions and costs money."""
    address = S3Address(bucket="nowhere", endpoint=s3_endpoint)
    store = S3Store(address, LocalCopies(tmp_path, 100), lambda: s3_client(address))
    with pytest.raises(UnavailableError, match="NoSuchBucket"):
        store.put_bytes(b"lost")


def test_a_missing_bucket_is_found_before_anything_is_stored(
    bucket: S3Address, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gateway and worker end with the sentence; they start without a server that does not answer."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    assert find_fault(bucket, connect(bucket)) is None
    missing = bucket.model_copy(update={"bucket": "nothing-here"})
    fault = find_fault(missing, connect(missing))
    assert fault is not None
    assert fault.startswith("the bucket 'nothing-here' of s3://nothing-here/some/part/ at http://127.0.0.1")
    assert caplog.text == ""
    nowhere = S3Address(bucket="unknown", endpoint="http://127.0.0.1:9")
    assert find_fault(nowhere, connect(nowhere, attempts=1)) is None
    assert "the artifact store s3://unknown/ at http://127.0.0.1:9 does not answer yet" in caplog.text


def test_a_store_belongs_to_the_first_that_claims_it(store: ArtifactStore) -> None:
    """Later claims return the first owner; the claim is not listed as an artifact."""
    assert store.owner() is None
    assert [store.claim(owner) for owner in ("mine", "yours")] == ["mine", "mine"]
    assert store.owner() == "mine"
    assert list(store.list_artifacts()) == []


def test_of_many_concurrent_claims_of_a_store_one_succeeds(store: ArtifactStore) -> None:
    """All of them return the same owner."""
    with ThreadPoolExecutor(8) as threads:
        told = set(threads.map(store.claim, (f"claimant {number}" for number in range(8))))
    assert len(told) == 1
