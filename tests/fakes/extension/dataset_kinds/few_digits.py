"""The first of scikit-learn's digits."""

from typing import Literal

from pydantic import Field

from edgepress_common.spec.dataset_kind import DatasetKind, SplittableDataset


class FewDigitsDataset(SplittableDataset):
    """Handwritten digits below a number."""

    kind: Literal["few-digits"] = "few-digits"
    below: int = Field(default=3, ge=2, le=10, description="Digits below it are in the set.")


KIND = DatasetKind(
    kind="few-digits",
    title="Few digits",
    summary="Handwritten digits below a number.",
    parameters=FewDigitsDataset,
    fingerprint=lambda dataset, _roots: f"digits below {dataset.below}",
)
