"""Kind ``folder``: class folders on the server."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import assert_never

import numpy as np

from edgepress_common.class_names import printable
from edgepress_common.layout import (
    Layout,
    LeftOutFile,
    find_under_roots,
    layout_fingerprint,
    read_group_table,
    read_layout,
)
from edgepress_common.results import UnreadableImage
from edgepress_common.spec.dataset_kinds.folder import FolderDataset
from edgepress_common.spec.groups import GroupsByPattern, GroupsByTable
from edgepress_worker.datasets.decoding import FileImage
from edgepress_worker.datasets.groups import groups_by_pattern, groups_by_table
from edgepress_worker.datasets.source import TEST, TRAIN, VALIDATION, DatasetSource, LabelledSet, Workplace


class FolderSource:
    """Reads the files of the folder in place."""

    preparation_share = 0.0

    @contextmanager
    def open(self, dataset: FolderDataset, workplace: Workplace) -> Iterator[LabelledSet]:
        """See `DatasetSource.open`."""
        roots = workplace.environment.dataset_roots
        layout = read_layout(find_under_roots(dataset.path, roots), roots=roots)
        match dataset.groups:
            case None:
                yield labelled_files(layout)
            case GroupsByPattern() as pattern:
                yield labelled_files(layout, groups=groups_by_pattern(pattern, layout))
            case GroupsByTable(table=name):
                table = read_group_table(name, layout.root, roots)
                groups = groups_by_table(table.groups, layout)
                yield labelled_files(layout, groups=groups, extra=table.digest)
            case _ as unknown:
                assert_never(unknown)


def labelled_files(
    layout: Layout, *, groups: Sequence[str] | None = None, extra: str = "", cautions: tuple[str, ...] = ()
) -> LabelledSet:
    """Return the images of a listed folder.

    Args:
        layout: The listed folder.
        groups: Group of each image; None if unknown.
        extra: Additional content that the fingerprint depends on.
        cautions: Caveats about how the data set was read.
    """
    files = layout.files
    counts = (len(layout.train), len(layout.validation), len(layout.test))
    return LabelledSet(
        classes=layout.classes,
        names=[printable(file.path) for file in files],
        labels=np.array([file.label for file in files], dtype=np.int64),
        parts=np.repeat(np.array([TRAIN, VALIDATION, TEST], dtype=np.int8), counts),
        images=(FileImage(f"{layout.root}/{file.path}") for file in files),
        groups=groups,
        unusable=_named(layout.unusable),
        ignored=_named(layout.ignored),
        cautions=cautions,
        fingerprint_of=lambda digests: layout_fingerprint(layout, digests, extra),
    )


def _named(files: tuple[LeftOutFile, ...]) -> tuple[UnreadableImage, ...]:
    return tuple(UnreadableImage(name=printable(file.path), reason=file.reason) for file in files)


SOURCE: DatasetSource[FolderDataset] = FolderSource()
