"""Fingerprint of a data set: a digest of its content. Two jobs share steps only if their images are the same.

Files are read once and their digests are cached, so only the first request waits for disks. Computing the fingerprint
also validates that the data set exists.
"""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from edgepress_api.database import DatasetRow
from edgepress_api.uploads.pages import find_upload
from edgepress_common.errors import FieldProblem, InvalidSpecError
from edgepress_common.spec import DATASET_KINDS, Dataset, UploadDataset


@dataclass(frozen=True)
class Fingerprints:
    """Computes fingerprints of data sets.

    Attributes:
        roots: Folders that may contain data sets on the server.
    """

    roots: tuple[Path, ...]

    def of(self, session: Session, dataset: Dataset, *, viewer: str | None = None) -> str:
        """Return the digest of a data set's content.

        An uploaded data set must belong to the viewer; a viewer of None has access to all.

        Raises:
            InvalidSpecError: The data set does not exist, or is not valid.
        """
        if isinstance(dataset, UploadDataset):
            _check_upload(session, dataset, viewer)
        return DATASET_KINDS[dataset.kind].fingerprint(dataset, self.roots)


def _check_upload(session: Session, dataset: UploadDataset, viewer: str | None) -> None:
    if find_upload(session, DatasetRow, dataset.sha256, owner=viewer) is None:
        raise InvalidSpecError(
            [
                FieldProblem(
                    field="dataset.sha256",
                    value=dataset.sha256,
                    message="has not been uploaded",
                    accepted="a sha256 of GET /v1/datasets",
                )
            ]
        )
