"""Artifacts as objects of a bucket, in AWS's S3 or any server that speaks it.

An object appears whole or not at all, so nothing is needed for that. To be read, it is copied to this machine and
verified there; what is put leaves a copy too, since the next step mostly runs where the one before it ran.

What S3 has not is a deletion that is taken back if the object was put in the meantime (`S3Store.remove` looks just
before). So whoever removes must leave alone what anybody could be putting: see `edgepress_api.cleaning`.
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

from edgepress_common.artifacts import NAME, OWNER, ArtifactRef, CorruptArtifactError, StoredArtifact
from edgepress_common.artifacts_address import S3Address
from edgepress_common.artifacts_copies import LocalCopies
from edgepress_common.errors import NotFoundError, UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})

# Put again after so long, bytes are sent again, so that the object counts as new: a tenth of what cleaning waits.
_FRESH = timedelta(minutes=6)

_log = logging.getLogger(__name__)


def connect(address: S3Address) -> "S3Client":
    """A client for a bucket's server, with the credentials that AWS's tools would find."""
    config = Config(
        retries={"mode": "standard", "max_attempts": 4},
        connect_timeout=10,
        read_timeout=60,
        # Servers other than AWS's know neither buckets as host names nor, many of them, the newer checksums. What is
        # read is verified by its name anyway.
        s3={"addressing_style": "path" if address.endpoint else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return Session().client("s3", endpoint_url=address.endpoint, region_name=address.region, config=config)


class S3Store:
    """Artifacts in a bucket. Can be used by several threads.

    Args:
        address: Which bucket, and which part of it.
        copies: Copies on this machine.
        connect: Gives a client; called when one is first needed, since a worker forks before that.
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

    def put_chunks(self, chunks: Iterable[bytes], media_type: str = "application/octet-stream") -> ArtifactRef:
        """See `ArtifactStore.put_chunks`."""
        return self._upload(self._copies.put_chunks(chunks, media_type))

    def local_path(self, sha256: str) -> Path:
        """See `ArtifactStore.local_path`. Whoever asks for the same at the same time waits for one download."""
        lock = self._lock(sha256)
        with lock.held:
            try:
                return self._copies.local_path(sha256)
            except NotFoundError:
                pass
            except CorruptArtifactError:
                _log.warning("the copy of artifact %s has gone bad and is fetched again", sha256)
                self._copies.forget(sha256)
            with self._answering(sha256):
                self._copies.fetch(sha256, lambda path: self._download(sha256, path))
            path = self._copies.local_path(sha256)
        self._copies.make_room()
        return path

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
        """See `ArtifactStore.remove`, and the module for what is missing to it."""
        found = self._look_up(sha256)
        if found is None or found.stored_at >= stored_before:
            return False
        with self._answering(sha256):
            self._client.delete_object(Bucket=self._address.bucket, Key=self._key(sha256))
        self._copies.forget(sha256)
        return True

    def remove_unfinished(self, *, begun_before: datetime) -> int:
        """See `ArtifactStore.remove_unfinished`: uploads in parts, which nobody sees and which are paid for."""
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
        """See `ArtifactStore.owner`: an object beside the artifacts."""
        with suppress(NotFoundError), self._answering(OWNER):
            answer = self._client.get_object(Bucket=self._address.bucket, Key=self._key(OWNER))
            return answer["Body"].read().decode("utf-8").strip()
        return None

    def claim(self, owner: str) -> str:
        """See `ArtifactStore.claim`. Of several who claim it at once, one gets it, if the server knows conditions."""
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
        """See `ArtifactStore.free_bytes`: a bucket does not tell."""
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
        self._copies.make_room()
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
        """Puts what the library raises into the vocabulary."""
        try:
            yield
        except ClientError as error:
            if sha256 and error.response["Error"]["Code"] in _MISSING:
                raise NotFoundError(f"no artifact {sha256} in the store") from None
            raise self._away(error) from error
        except (BotoCoreError, Boto3Error) as error:
            raise self._away(error) from error

    def _away(self, error: Exception) -> UnavailableError:
        return UnavailableError(f"the artifact store {self._address} can't be used: {error}")


class _Lock:
    """A lock that can be referred to weakly, so that it goes with the last who holds it."""

    def __init__(self) -> None:
        self.held = threading.Lock()
