"""Kind ``upload``: a zip or tar archive of class folders that was uploaded to the gateway."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from edgepress_common.errors import InvalidInputError, InvalidSpecError
from edgepress_common.layout import read_layout
from edgepress_common.spec.dataset_kinds.upload import UploadDataset
from edgepress_worker.datasets.archive import unpack_images
from edgepress_worker.datasets.folder import labelled_files
from edgepress_worker.datasets.groups import groups_by_pattern
from edgepress_worker.datasets.source import DatasetSource, LabelledSet, Workplace

_FIELD = "dataset.sha256"


class UploadSource:
    """Unpacks the images to the temporary folder."""

    preparation_share = 0.3

    @contextmanager
    def open(self, dataset: UploadDataset, workplace: Workplace) -> Iterator[LabelledSet]:
        """See `DatasetSource.open`."""
        archive = workplace.store.local_path(dataset.sha256)
        folder = workplace.folder / "upload"
        try:
            unpacked = unpack_images(archive, folder, workplace.meter)
            layout = read_layout(folder, field=_FIELD)
        except InvalidSpecError as error:  # the path of the temporary folder is not useful to the user
            raise InvalidSpecError(
                [problem.model_copy(update={"value": dataset.sha256}) for problem in error.problems]
            ) from error
        except InvalidInputError as error:
            raise InvalidInputError(f"the upload {dataset.sha256} {error}") from error
        layout = dataclasses.replace(layout, ignored=(*layout.ignored, *unpacked.ignored))
        groups = None if dataset.groups is None else groups_by_pattern(dataset.groups, layout)
        labelled = labelled_files(layout, groups=groups, cautions=unpacked.cautions)
        yield dataclasses.replace(labelled, fingerprint_of=None)  # the archive is verified by its SHA-256


SOURCE: DatasetSource[UploadDataset] = UploadSource()
