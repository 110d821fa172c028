"""A data set that is part of a library."""

from typing import Literal

from pydantic import Field

from edgepress_common.spec.dataset_kind import DatasetKind, SplittableDataset


class BuiltinDataset(SplittableDataset):
    """A small data set that needs no download: ``digits``, 1,797 handwritten digits, 8x8, from scikit-learn."""

    kind: Literal["builtin"] = "builtin"
    name: Literal["digits"] = Field(default="digits", description="Name of the data set.")

    @property
    def title(self) -> str:
        """Return the name."""
        return self.name


KIND = DatasetKind(
    kind="builtin",
    title="Built in",
    position=10,
    summary="A small data set that needs no download, for a first try.",
    parameters=BuiltinDataset,
    fingerprint=lambda dataset, _roots: dataset.name,
)
