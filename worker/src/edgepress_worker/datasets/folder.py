"""Kind ``folder``: class folders on the server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from edgepress_common.layout import Layout, find_under_roots, read_layout
from edgepress_common.spec.dataset import FolderDataset
from edgepress_worker.datasets.decoding import FileImage
from edgepress_worker.datasets.source import LabelledSet, Workplace


class FolderSource:
    """Reads the files where they are."""

    preparation_share = 0.0

    @contextmanager
    def open(self, dataset: FolderDataset, workplace: Workplace) -> Iterator[LabelledSet]:
        """See `Source.open`."""
        root = find_under_roots(dataset.path, workplace.environment.dataset_roots)
        layout = read_layout(root)
        workplace.check_unchanged(dataset.path, layout.fingerprint)
        yield labelled_files(layout, root)


def labelled_files(layout: Layout, root: Path) -> LabelledSet:
    """The images of a folder that has been listed."""
    files = layout.train + layout.validation
    brings_split = len(layout.validation) > 0
    return LabelledSet(
        classes=layout.classes,
        names=[_printable(file.path) for file in files],
        labels=np.array([file.label for file in files], dtype=np.int64),
        validates=np.arange(len(files)) >= len(layout.train) if brings_split else None,
        images=(FileImage(f"{root}/{file.path}") for file in files),
    )


def _printable(path: str) -> str:
    # A file's name may be any bytes; what is sent around and shown must be text.
    return path if path.isascii() else path.encode(errors="backslashreplace").decode()
