"""Kind ``cifar10``: CIFAR-10 (Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images).

50,000 photographs to train and validate, and 10,000 to test, 32x32, ten classes. The binary version of the archive is
``<downloads>/cifar-10-binary.tar.gz``, downloaded if it is missing, with its checksum verified. Its files consist of
records of 3,073 bytes: the label, then the red, green and blue values of the image, row by row. (The Python version
consists of pickled objects, which could run code.)
"""

import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import InvalidInputError, UnavailableError
from edgepress_common.spec.dataset_kinds.cifar10 import Cifar10Dataset
from edgepress_worker.datasets.decoding import PlainImage
from edgepress_worker.datasets.download import Downloader, RemoteFile, internet, one_at_a_time
from edgepress_worker.datasets.meter import Meter
from edgepress_worker.datasets.source import TEST, TRAIN, DatasetSource, LabelledSet, Workplace

_SIDE, _CHANNELS = 32, 3
_RECORD_BYTES = 1 + _CHANNELS * _SIDE * _SIDE
_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_FILES = {**{f"data_batch_{number}.bin": TRAIN for number in range(1, 6)}, "test_batch.bin": TEST}
_FOLDER = "cifar-10-batches-bin"

# Address and MD5 are published at https://www.cs.toronto.edu/~kriz/cifar.html.
ARCHIVE = RemoteFile(
    name="cifar-10-binary.tar.gz",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    md5="c32a1d4ab5d03f1284b67883e8d87530",
)


@dataclass(frozen=True)
class Cifar10Source:
    """Provides the archive, downloading it only once.

    Attributes:
        archive: The archive.
        sleep: Function that waits for a number of seconds.
    """

    archive: RemoteFile = ARCHIVE
    sleep: Callable[[float], None] = time.sleep

    preparation_share = 0.5

    @contextmanager
    def open(self, dataset: Cifar10Dataset, workplace: Workplace) -> Iterator[LabelledSet]:  # noqa: ARG002 - a DatasetSource
        """See `DatasetSource.open`."""
        path = self._download(workplace.environment.downloads.resolve(), workplace.meter)
        try:
            records = _read(path)
        except (tarfile.TarError, OSError, EOFError, KeyError, ValueError) as error:
            raise InvalidInputError(
                f"{path} can't be read: {error}; remove the file to download it again from {self.archive.url}"
            ) from error
        yield LabelledSet(
            classes=_CLASSES,
            names=[f"{name}[{index}]" for name, found in records.items() for index in range(len(found))],
            labels=np.concatenate([found[:, 0] for found in records.values()]).astype(np.int64),
            parts=np.concatenate([np.full(len(found), _FILES[name], np.int8) for name, found in records.items()]),
            images=(_image(record) for found in records.values() for record in found),
        )

    def _download(self, downloads: Path, meter: Meter) -> Path:
        try:
            with one_at_a_time(downloads, self.archive.name, meter, self.sleep), internet() as client:
                return Downloader(client, self.sleep).fetch(self.archive, downloads, meter)
        except UnavailableError as error:
            raise UnavailableError(
                f"{error}. Without internet access, download {self.archive.url} elsewhere and put it at "
                f"{downloads / self.archive.name}"
            ) from error


def _read(path: Path) -> dict[str, npt.NDArray[np.uint8]]:
    """Return the records of each file, uint8 ``(images, 3073)``."""
    found = {}
    with tarfile.open(path, "r:gz") as archive:
        for name in _FILES:
            stream = archive.extractfile(f"{_FOLDER}/{name}")
            if stream is None:
                raise ValueError(f"{_FOLDER}/{name} is not a file")
            records = np.frombuffer(stream.read(), np.uint8)
            if not len(records) or len(records) % _RECORD_BYTES:
                raise ValueError(f"{name} has {len(records)} bytes; accepted: a multiple of {_RECORD_BYTES}")
            found[name] = records.reshape(-1, _RECORD_BYTES)
            if (most := int(found[name][:, 0].max())) >= len(_CLASSES):
                raise ValueError(f"{name} has the label {most}; accepted: 0 to {len(_CLASSES) - 1}")
    return found


def _image(record: npt.NDArray[np.uint8]) -> PlainImage:
    planes = record[1:].reshape(_CHANNELS, _SIDE, _SIDE)
    return PlainImage("RGB", (_SIDE, _SIDE), planes.transpose(1, 2, 0).tobytes())


SOURCE: DatasetSource[Cifar10Dataset] = Cifar10Source()
