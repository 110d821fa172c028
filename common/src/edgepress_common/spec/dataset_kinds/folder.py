"""Class folders on the server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from edgepress_common.layout import folder_fingerprint
from edgepress_common.spec.dataset_kind import DatasetKind, SplittableDataset, is_unset
from edgepress_common.spec.groups import GroupsByPattern, GroupsByTable


class FolderDataset(SplittableDataset):
    """Class folders on the server: ``path/<class>/*``, or with ``train/``, ``validation/``, ``test/`` between."""

    kind: Literal["folder"] = "folder"
    path: str = Field(min_length=1, max_length=4096, description="Folder on the server, under an allowed root.")
    groups: GroupsByPattern | GroupsByTable | None = Field(
        default=None, exclude_if=is_unset, description="Groups of related images; a split keeps each group together."
    )

    @property
    def title(self) -> str:
        """Return the name of the folder."""
        return Path(self.path).name


def _fingerprint(dataset: FolderDataset, roots: Sequence[Path]) -> str:
    table = dataset.groups.table if isinstance(dataset.groups, GroupsByTable) else None
    return folder_fingerprint(dataset.path, roots, max_unreadable_share=dataset.max_unreadable_share, table=table)


KIND = DatasetKind(
    kind="folder",
    title="Folder",
    position=20,
    summary="Class folders on the server. The data set is identified by the content of its files.",
    parameters=FolderDataset,
    fingerprint=_fingerprint,
)
