"""Artifacts as objects in a bucket of AWS S3 or of another server with the S3 API.

S3 writes objects atomically. To read an artifact, the store downloads it to a local cache and verifies it there. Stored
files are added to the cache as well, because the next step usually runs on the same machine.

S3 cannot delete an object on the condition that it was not written in the meantime; `S3Store.remove` only checks just
before. The caller must therefore not remove artifacts that could be written now: see
`edgepress_api.garbage_collection`.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from boto3.exceptions import Boto3Error
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from edgepress_common.artifacts.address import S3Address
from edgepress_common.artifacts.copies import LocalCopies
from edgepress_common.artifacts.reference import (
    NAME,
    OWNER,
    ArtifactRef,
    CorruptArtifactError,
    MissingArtifactError,
    StoredArtifact,
)
from edgepress_common.errors import NotFoundError, StoreUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
_BEYOND = frozenset({"InvalidRange", "416"})
_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})

# An object that is stored again after this time is sent again, so that its storage time is renewed. The time is a tenth
# of the grace period of garbage collection.
_FRESH = timedelta(minutes=6)

_log = logging.getLogger(__name__)


def connect(address: S3Address, attempts: int = 4) -> "S3Client":
    """Return a client for the server of a bucket, with the credentials that AWS's tools find.

    Args:
        address: Server and bucket.
        attempts: Number of attempts for each request.
    """
    config = Config(
        retries={"mode": "standard", "max_attempts": attempts},
        connect_timeout=10,
        read_timeout=60,
        # Other servers than AWS do not support bucket names as host names, and many do not support the newer checksums.
        # The store verifies what it reads by the SHA-256 in any case.
        s3={"addressing_style": "path" if address.endpoint else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return Session().client("s3", endpoint_url=address.endpoint, region_name=address.region, config=config)


def find_fault(address: S3Address, client: "S3Client") -> str | None:
    """Return that a bucket does not exist, in words; None if it exists or this can't be found out.

    A server that does not answer may be started later, and credentials may allow access to objects alone. Both are
    logged.
    """
    try:
        client.head_bucket(Bucket=address.bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING | {"NoSuchBucket"}:
            return f"the bucket {address.bucket!r} of {address} does not exist; create it, Edgepress does not"
        _log.warning("the artifact store %s can't be checked: %s", address, error)
    except (BotoCoreError, Boto3Error) as error:
        _log.warning("the artifact store %s does not answer yet: %s", address, error)
    return None


class S3Store:
    """Artifacts in a bucket. Thread-safe.

    Args:
        address: Bucket and prefix.
        copies: The local cache.
        connect: Function that returns a client. It is called at the first use, because a worker forks before that.
    """

    def __init__(self, address: S3Address, copies: LocalCopies, connect: Callable[[], "S3Client"]) -> None:
        self._address = address
        self._copies = copies
        self._connect = connect
        self._locks: WeakValueDictionary[str, _Lock] = WeakValueDictionary()
        self._locks_lock = threading.Lock()

    @cached_property
    def _client(self) -> "S3Client":
        return self._connect()

    def put_file(self, path: Path, media_type: str = "application/octet-stream", *, move: bool = False) -> ArtifactRef:
        """See `ArtifactStore.put_file`."""
        return self._upload(self._copies.put_file(path, media_type, move=move))

    def put_bytes(self, content: bytes, media_type: str = "application/octet-stream") -> ArtifactRef:
        """See `ArtifactStore.put_bytes`."""
        return self._upload(self._copies.put_bytes(content, media_type))

    def put_chunks(
        self,
        chunks: Iterable[bytes],
        media_type: str = "application/octet-stream",
        *,
        check: Callable[[Path], None] = lambda _: None,
    ) -> ArtifactRef:
        """See `ArtifactStore.put_chunks`."""
        return self._upload(self._copies.put_chunks(chunks, media_type, check=check))

    def local_path(self, sha256: str) -> Path:
        """See `ArtifactStore.local_path`. Concurrent calls for one artifact share a single download."""
        lock = self._lock(sha256)
        with lock.held:
            try:
                return self._copies.local_path(sha256)
            except NotFoundError:
                pass
            except CorruptArtifactError:
                _log.warning("the local copy of artifact %s is corrupt and is downloaded again", sha256)
                self._copies.forget(sha256)
            with self._answering(sha256):
                began = datetime.now(UTC)
                try:
                    self._copies.fetch(sha256, lambda path: self._download(sha256, path))
                except CorruptArtifactError:
                    # As in `FolderStore.local_path`: the step that produces the artifact again must not find it.
                    self.remove(sha256, stored_before=began)
                    raise
            path = self._copies.local_path(sha256)
        self._copies.evict()
        return path

    def read(self, sha256: str, start: int, length: int) -> bytes:
        """See `ArtifactStore.read`: from the local copy, or by a request for the range."""
        with suppress(NotFoundError):
            return self._copies.read(sha256, start, length)
        with self._answering(sha256):
            try:
                answer = self._client.get_object(
                    Bucket=self._address.bucket, Key=self._key(sha256), Range=f"bytes={start}-{start + length - 1}"
                )
            except ClientError as error:
                if error.response["Error"]["Code"] in _BEYOND:
                    return b""
                raise
            return answer["Body"].read()

    def has(self, sha256: str) -> bool:
        """See `ArtifactStore.has`."""
        return self._look_up(sha256) is not None

    def list_artifacts(self) -> Iterator[StoredArtifact]:
        """See `ArtifactStore.list_artifacts`."""
        address = self._address
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=address.bucket, Prefix=address.prefix)
        with self._answering():
            for page in pages:
                for entry in page.get("Contents", ()):
                    name = entry["Key"].removeprefix(address.prefix)
                    if NAME.fullmatch(name):
                        yield StoredArtifact(
                            sha256=name, size_bytes=entry["Size"], stored_at=entry["LastModified"].astimezone(UTC)
                        )

    def remove(self, sha256: str, *, stored_before: datetime) -> bool:
        """See `ArtifactStore.remove`. The check and the deletion are not atomic; see the module."""
        found = self._look_up(sha256)
        if found is None or found.stored_at >= stored_before:
            return False
        with self._answering(sha256):
            self._client.delete_object(Bucket=self._address.bucket, Key=self._key(sha256))
        self._copies.forget(sha256)
        return True

    def remove_unfinished(self, *, begun_before: datetime) -> int:
        """See `ArtifactStore.remove_unfinished`: multipart uploads, which listings do not show but S3 charges for."""
        address = self._address
        removed = 0
        pages = self._client.get_paginator("list_multipart_uploads")
        with self._answering():
            for page in pages.paginate(Bucket=address.bucket, Prefix=address.prefix):
                for upload in page.get("Uploads", ()):
                    if upload["Initiated"] < begun_before:
                        self._client.abort_multipart_upload(
                            Bucket=address.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                        )
                        removed += 1
        return removed

    def owner(self) -> str | None:
        """See `ArtifactStore.owner`: an object next to the artifacts."""
        with suppress(NotFoundError), self._answering(OWNER):
            answer = self._client.get_object(Bucket=self._address.bucket, Key=self._key(OWNER))
            return answer["Body"].read().decode("utf-8").strip()
        return None

    def claim(self, owner: str) -> str:
        """See `ArtifactStore.claim`. Of concurrent claims, one succeeds if the server supports conditional writes."""
        found = self.owner()
        if found is None:
            with self._answering():
                try:
                    self._client.put_object(
                        Bucket=self._address.bucket, Key=self._key(OWNER), Body=owner.encode(), IfNoneMatch="*"
                    )
                except ClientError as error:
                    if error.response["Error"]["Code"] not in _TAKEN:
                        raise
            found = self.owner()
        return found or owner

    def free_bytes(self) -> int | None:
        """See `ArtifactStore.free_bytes`: a bucket does not report free space."""
        return None

    def _upload(self, reference: ArtifactRef) -> ArtifactRef:
        stored = self._look_up(reference.sha256)
        fresh = datetime.now(UTC) - _FRESH
        if stored is None or stored.size_bytes != reference.size_bytes or stored.stored_at < fresh:
            with self._answering(reference.sha256):
                self._client.upload_file(
                    str(self._copies.local_path(reference.sha256)),
                    self._address.bucket,
                    self._key(reference.sha256),
                    ExtraArgs={"ContentType": reference.media_type},
                )
        self._copies.evict()
        return reference

    def _download(self, sha256: str, path: Path) -> None:
        self._client.download_file(self._address.bucket, self._key(sha256), str(path))

    def _look_up(self, sha256: str) -> StoredArtifact | None:
        with suppress(NotFoundError), self._answering(sha256):
            head = self._client.head_object(Bucket=self._address.bucket, Key=self._key(sha256))
            return StoredArtifact(
                sha256=sha256, size_bytes=head["ContentLength"], stored_at=head["LastModified"].astimezone(UTC)
            )
        return None

    def _key(self, sha256: str) -> str:
        return f"{self._address.prefix}{sha256}"

    def _lock(self, sha256: str) -> "_Lock":
        with self._locks_lock:
            return self._locks.setdefault(sha256, _Lock())

    @contextmanager
    def _answering(self, sha256: str | None = None) -> Iterator[None]:
        """Translate exceptions of boto3 to those of Edgepress."""
        try:
            yield
        except ClientError as error:
            if sha256 and error.response["Error"]["Code"] in _MISSING:
                raise MissingArtifactError(f"no artifact {sha256} in the store", sha256) from None
            raise self._unavailable(error) from error
        except (BotoCoreError, Boto3Error) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StoreUnavailableError:
        return StoreUnavailableError(f"the artifact store {self._address} is unavailable: {error}")


class _Lock:
    """A lock that supports weak references: it is deleted when the last thread has released it."""

    def __init__(self) -> None:
        self.held = threading.Lock()
