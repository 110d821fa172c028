"""Kind ``upload``: a zip or tar of class folders that was posted to the gateway."""

from collections.abc import Iterator
from contextlib import contextmanager

from edgepress_common.errors import InvalidInputError, InvalidSpecError
from edgepress_common.layout import read_layout
from edgepress_common.spec.dataset import UploadDataset
from edgepress_worker.datasets.archive import class_folders_root, unpack_images
from edgepress_worker.datasets.folder import labelled_files
from edgepress_worker.datasets.source import LabelledSet, Workplace

_FIELD = "dataset.sha256"


class UploadSource:
    """Unpacks the images to the temporary folder."""

    preparation_share = 0.3

    @contextmanager
    def open(self, dataset: UploadDataset, workplace: Workplace) -> Iterator[LabelledSet]:
        """See `Source.open`."""
        archive = workplace.store.local_path(dataset.sha256)
        folder = workplace.folder / "upload"
        try:
            unpack_images(archive, folder, workplace.meter)
            root = class_folders_root(folder)
            layout = read_layout(root, field=_FIELD)
        except InvalidSpecError as error:  # it names a temporary folder, which tells nobody anything
            raise InvalidSpecError(
                [problem.model_copy(update={"value": dataset.sha256}) for problem in error.problems]
            ) from error
        except InvalidInputError as error:
            raise InvalidInputError(f"the upload {dataset.sha256} {error}") from error
        yield labelled_files(layout, root)
