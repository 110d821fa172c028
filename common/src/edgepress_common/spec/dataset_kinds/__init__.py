"""The kinds of data set, one file each: parameters and declaration, see `edgepress_common.spec.dataset_kind`."""

from typing import TYPE_CHECKING

from edgepress_common.registry import Registry
from edgepress_common.spec.dataset_kind import DatasetKind, DatasetParameters

DATASET_KINDS: Registry[DatasetKind] = Registry(DatasetKind, package=__name__, path=__path__, folder="dataset_kinds")

if TYPE_CHECKING:
    Dataset = DatasetParameters
else:
    Dataset = DATASET_KINDS.parameters_union()
