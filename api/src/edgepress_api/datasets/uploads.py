"""Uploaded data sets: archives of class folders, as they are for the worker to unpack."""

from collections.abc import Iterator, Mapping
from itertools import chain

from edgepress_api.database import DatasetRow
from edgepress_api.datasets import tar_listing, zip_listing
from edgepress_api.uploads.kind import UploadKind
from edgepress_common.answers.uploads import DatasetPage, DatasetView
from edgepress_common.artifacts import ArtifactRef, ArtifactStore
from edgepress_common.errors import InvalidInputError

_ZIP = "application/zip"
# Signatures of the archives that the worker unpacks, each with its offset.
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, zip_listing.SIGNATURE, _ZIP),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (257, b"ustar", "application/x-tar"),
)
_BEGINNING_BYTES = 512  # the first block of a tar, which contains the last of the signatures


def _put(store: ArtifactStore, chunks: Iterator[bytes]) -> tuple[ArtifactRef, Mapping[str, object]]:
    beginning = _beginning(chunks)
    media_type = _archive_type(beginning)
    whole = chain([beginning], chunks)
    is_zip = media_type == _ZIP
    checked = zip_listing.with_an_image(whole) if is_zip else tar_listing.with_an_image(whole, media_type)
    artifact = store.put_chunks(checked, media_type)
    return artifact, {"media_type": media_type}


def _beginning(chunks: Iterator[bytes]) -> bytes:
    beginning = b""
    for chunk in chunks:
        beginning += chunk
        if len(beginning) >= _BEGINNING_BYTES:
            break
    return beginning


def _archive_type(beginning: bytes) -> str:
    if not beginning:
        raise InvalidInputError("the upload is empty; accepted: a zip or tar of class folders")
    for place, signature, media_type in _SIGNATURES:
        if beginning.startswith(signature, place):
            return media_type
    raise InvalidInputError(
        f"the upload begins with {beginning[:8]!r}, so it is not a supported archive; "
        "accepted: a zip or tar of class folders, the tar plain or compressed with gzip, bzip2 or xz"
    )


DATASETS = UploadKind(
    resource="datasets",
    noun="data set",
    field="dataset",
    file="archive",
    content="A zip or tar of class folders, or of `train` and `validation` with class folders inside.",
    media_types=(
        *(media_type for _, _, media_type in _SIGNATURES),
        "application/x-zip-compressed",
        "application/x-gzip",
        "application/octet-stream",
    ),
    row=DatasetRow,
    view=DatasetView,
    page=DatasetPage,
    put=_put,
)
