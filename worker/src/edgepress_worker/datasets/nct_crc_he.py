"""Kind ``nct-crc-he``: the colorectal tissue of Kather et al. 2018, doi:10.5281/zenodo.1214456.

100,000 tiles of 86 patients to train, 7,180 of 50 others to validate or test, 224x224, nine classes. A job needs two
archives. For each, the first existing source is used:

1. ``<downloads>/<name>/<class>/*``: a folder, unpacked by Edgepress or by the operator;
2. ``<downloads>/<name>.zip``: unpacked to 1, and kept;
3. the archive at Zenodo: downloaded to 2, with its checksum verified.
"""

import dataclasses
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgepress_common.errors import InvalidInputError, UnavailableError
from edgepress_common.layout import join_layouts, read_class_folders
from edgepress_common.spec.dataset_kinds.nct_crc_he import NctCrcHeDataset
from edgepress_worker.datasets.archive import class_folders_root, unpack_images
from edgepress_worker.datasets.download import Downloader, RemoteFile, internet, one_at_a_time
from edgepress_worker.datasets.folder import labelled_files
from edgepress_worker.datasets.meter import Meter
from edgepress_worker.datasets.source import TEST, VALIDATION, DatasetSource, LabelledSet, Workplace

_FIELD = "dataset.training_set"
_VALIDATION_SET = "CRC-VAL-HE-7K"
_TRAINING_SHARE = 0.93  # of the bytes: 11.7 GB, and 0.8 GB for the validation set
_UNPACK_SHARE = 0.2  # of the time to provide an archive, with a fast connection

_ZENODO = "https://zenodo.org/records/1214456/files"
# From the record's version v0.1.
_MD5 = {
    "NCT-CRC-HE-100K": "6fd702d11df6292bc054397ae038a464",
    "NCT-CRC-HE-100K-NONORM": "035777cf327776a71a05c95da6d6325f",
    "CRC-VAL-HE-7K": "2fd1651b4f94ebd818ebf90ad2b6ce06",
}


@dataclass(frozen=True)
class NctCrcHeSource:
    """Provides the archives, downloading each only once.

    Attributes:
        base_url: URL of the folder with the archives.
        checksums: MD5 of each zip, by its name without ``.zip``.
        sleep: Function that waits for a number of seconds.
    """

    base_url: str = _ZENODO
    checksums: dict[str, str] = field(default_factory=lambda: _MD5)
    sleep: Callable[[float], None] = time.sleep

    preparation_share = 0.5

    @contextmanager
    def open(self, dataset: NctCrcHeDataset, workplace: Workplace) -> Iterator[LabelledSet]:
        """See `DatasetSource.open`."""
        downloads = workplace.environment.downloads.resolve()
        names = (dataset.training_set, _VALIDATION_SET)
        meters = (workplace.meter.part(0, _TRAINING_SHARE), workplace.meter.part(_TRAINING_SHARE, 1))
        for name, meter in zip(names, meters, strict=True):
            self._provide(name, downloads, meter)
        parts = [read_class_folders(downloads / name, root=downloads, field=_FIELD) for name in names]
        layout = join_layouts(*parts, what=" and ".join(names), field=_FIELD)
        # The archives are verified by their published checksums, so there is no other fingerprint.
        labelled = labelled_files(layout)
        others = VALIDATION if dataset.validation == _VALIDATION_SET else TEST
        split = np.where(labelled.parts == VALIDATION, np.int8(others), labelled.parts)
        yield dataclasses.replace(labelled, parts=split, fingerprint_of=None)

    def _provide(self, name: str, downloads: Path, meter: Meter) -> None:
        """Ensure that the folder of an archive exists."""
        folder = downloads / name
        if folder.is_dir():
            return
        with one_at_a_time(downloads, name, meter, self.sleep):
            if not folder.is_dir():
                archive = self._download(name, downloads, meter.part(0, 1 - _UNPACK_SHARE))
                _unpack(archive, folder, meter.part(1 - _UNPACK_SHARE, 1))

    def _download(self, name: str, downloads: Path, meter: Meter) -> Path:
        file = RemoteFile(f"{name}.zip", f"{self.base_url}/{name}.zip", self.checksums[name])
        try:
            with internet() as client:
                return Downloader(client, self.sleep).fetch(file, downloads, meter)
        except UnavailableError as error:
            raise UnavailableError(
                f"{error}. The worker needs {file.name}; without internet access, download it from {file.url} "
                f"elsewhere and put it at {downloads / file.name}, or its content at {downloads / name}/<class>/"
            ) from error


def _unpack(archive: Path, folder: Path, meter: Meter) -> None:
    unfinished = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(unfinished, ignore_errors=True)  # left behind by a killed worker
    try:
        unpack_images(archive, unfinished, meter)
        class_folders_root(unfinished).rename(folder)
    except InvalidInputError as error:
        raise InvalidInputError(
            f"{archive} {error}; remove the file to download it again from {_ZENODO}/{archive.name}"
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


SOURCE: DatasetSource[NctCrcHeDataset] = NctCrcHeSource()
