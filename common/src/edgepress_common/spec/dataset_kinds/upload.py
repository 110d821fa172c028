"""An archive that was uploaded."""

from typing import Literal

from pydantic import Field

from edgepress_common.artifacts import Sha256
from edgepress_common.spec.dataset_kind import DatasetKind, SplittableDataset, is_unset
from edgepress_common.spec.groups import GroupsByPattern


class UploadDataset(SplittableDataset):
    """A zip or tar archive of class folders that was uploaded to ``/v1/datasets``."""

    kind: Literal["upload"] = "upload"
    sha256: Sha256 = Field(description="SHA-256 that the upload returned.")
    groups: GroupsByPattern | None = Field(
        default=None, exclude_if=is_unset, description="Groups of related images; a split keeps each group together."
    )

    @property
    def title(self) -> str:
        """Return the beginning of the SHA-256."""
        return self.sha256[:12]


KIND = DatasetKind(
    kind="upload",
    title="Upload",
    position=40,
    summary="A zip or tar archive of class folders that was uploaded to /v1/datasets.",
    parameters=UploadDataset,
    fingerprint=lambda dataset, _roots: dataset.sha256,
    # Since version 2, transparent images are composed on white and 16-bit grey keeps its range. Folders and .npz files
    # have new fingerprints since then, so they keep version 1.
    code_version=2,
)
