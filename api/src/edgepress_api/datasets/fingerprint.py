"""What a data set holds, as a digest: two jobs share their steps only if their images are the same.

Cheap enough for a request: files are listed, never opened. Also where a spec learns that its data set is not there.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from sqlalchemy.orm import Session

from edgepress_api.database import DatasetRow
from edgepress_api.upload_pages import find_upload
from edgepress_common.errors import FieldProblem, InvalidSpecError
from edgepress_common.layout import file_fingerprint, find_under_roots, read_layout
from edgepress_common.spec import (
    BuiltinDataset,
    Dataset,
    FolderDataset,
    NctCrcHeDataset,
    NpzDataset,
    UploadDataset,
)


@dataclass(frozen=True)
class Fingerprints:
    """Looks at data sets.

    Attributes:
        roots: Folders that data sets on the server may lie under.
    """

    roots: tuple[Path, ...]

    def of(self, session: Session, dataset: Dataset, *, viewer: str | None = None) -> str:
        """Digest of a data set's content, for a user who has uploaded it or, with None, for whoever sees all.

        Raises:
            InvalidSpecError: It isn't there, or can be seen from outside not to be one.
        """
        match dataset:
            case BuiltinDataset():
                return dataset.name
            case NctCrcHeDataset():
                return dataset.training_set  # its archives have published checksums, which the worker verifies
            case UploadDataset():
                return _uploaded(session, dataset, viewer)
            case FolderDataset():
                return read_layout(find_under_roots(dataset.path, self.roots)).fingerprint
            case NpzDataset():
                return _archive(find_under_roots(dataset.path, self.roots), dataset)
            case _:
                assert_never(dataset)


def _uploaded(session: Session, dataset: UploadDataset, viewer: str | None) -> str:
    if find_upload(session, DatasetRow, dataset.sha256, owner=viewer) is None:
        raise _problem("dataset.sha256", dataset.sha256, "no such upload", "a sha256 of GET /v1/datasets")
    return dataset.sha256


def _archive(path: Path, dataset: NpzDataset) -> str:
    accepted = "an .npz file with train_images and train_labels, and val_ or test_ likewise"
    try:
        with zipfile.ZipFile(path) as archive:
            missing = {"train_images.npy", "train_labels.npy"} - set(archive.namelist())
        if missing:
            raise _problem("dataset.path", dataset.path, f"lacks {', '.join(sorted(missing))}", accepted)
        return file_fingerprint(path)
    except FileNotFoundError:
        raise _problem("dataset.path", dataset.path, "there is no such file", accepted) from None
    except (zipfile.BadZipFile, OSError) as error:
        raise _problem("dataset.path", dataset.path, f"can't be read as .npz: {error}", accepted) from None


def _problem(field: str, value: str, message: str, accepted: str) -> InvalidSpecError:
    return InvalidSpecError([FieldProblem(field=field, value=value, message=message, accepted=accepted)])
