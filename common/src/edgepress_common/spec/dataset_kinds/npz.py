"""One ``.npz`` file on the server."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from edgepress_common.damaged_zip import DAMAGED_ZIP
from edgepress_common.errors import FieldProblem, InvalidSpecError
from edgepress_common.layout import file_fingerprint, find_under_roots, open_regular
from edgepress_common.spec.dataset_kind import DatasetKind, SplittableDataset


class NpzDataset(SplittableDataset):
    """One ``.npz`` file in the layout of MedMNIST: ``train_images`` and ``train_labels``, ``val_...``, ``test_...``."""

    kind: Literal["npz"] = "npz"
    path: str = Field(min_length=1, max_length=4096, description="File on the server, under an allowed root.")
    validation: Literal["val", "test"] = Field(
        default="val", description="Part of the file used for validation; with val, test_images are the test part."
    )

    @property
    def title(self) -> str:
        """Return the name of the file."""
        return Path(self.path).name


def _fingerprint(dataset: NpzDataset, roots: Sequence[Path]) -> str:
    path = find_under_roots(dataset.path, roots)
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            missing = {"train_images.npy", "train_labels.npy"} - set(archive.namelist())
        if missing:
            raise _problem(dataset, f"lacks {', '.join(sorted(missing))}")
        return file_fingerprint(path)
    except FileNotFoundError:
        raise _problem(dataset, "the file does not exist") from None
    except (*DAMAGED_ZIP, OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise _problem(dataset, f"can't be read as .npz: {reason}") from None


def _problem(dataset: NpzDataset, message: str) -> InvalidSpecError:
    accepted = "an .npz file with train_images and train_labels, and the same arrays for val_ or test_"
    return InvalidSpecError(
        [FieldProblem(field="dataset.path", value=dataset.path, message=message, accepted=accepted)]
    )


KIND = DatasetKind(
    kind="npz",
    title="NumPy archive",
    position=30,
    summary="One .npz file on the server, in the layout of MedMNIST.",
    parameters=NpzDataset,
    fingerprint=_fingerprint,
)
