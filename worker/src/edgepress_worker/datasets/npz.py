"""Kind ``npz``: one file in the layout of MedMNIST (Yang et al. 2023, doi:10.1038/s41597-022-01721-8).

1. Look which parts the file has: ``train``, and ``val`` or ``test``, each of ``_images`` and ``_labels``.
2. Read the labels, which are small, and the headers of the images. Classes are the numbers from 0 up.
3. Read the images from the zip as they are packed, one after the other: a file of any size takes the memory of one.

Pickled objects, which would run whatever code they hold, are refused by their type before anything of them is read.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import EdgepressError, InvalidInputError
from edgepress_common.layout import file_fingerprint, find_under_roots
from edgepress_common.spec.dataset import NpzDataset
from edgepress_worker.datasets.decoding import CHANNELS, MAX_PIXELS, EncodedImage, PlainImage
from edgepress_worker.datasets.source import LabelledSet, Workplace

_MAX_LABEL_BYTES = 1 << 30  # 134 million of 8 bytes; read whole, so there must be a limit
_MIN_CLASSES = 2
_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class NpzSource:
    """Streams the images out of the archive."""

    preparation_share = 0.0

    @contextmanager
    def open(self, dataset: NpzDataset, workplace: Workplace) -> Iterator[LabelledSet]:
        """See `Source.open`."""
        path = find_under_roots(dataset.path, workplace.environment.dataset_roots)
        with _blaming(dataset.path):
            workplace.check_unchanged(dataset.path, file_fingerprint(path))
            archive = zipfile.ZipFile(path)
        with archive:
            with _blaming(dataset.path):
                labelled = _labelled_arrays(archive, dataset)
            yield labelled


@dataclass(frozen=True)
class _Array:
    """What an .npy member says of itself.

    Attributes:
        member: Its name in the archive.
        shape: The first axis counts the images.
        dtype: Of one value.
    """

    member: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    @property
    def what(self) -> str:
        """How errors call it."""
        return f"{self.member.removesuffix('.npy')} {self.dtype} {self.shape}"


def _labelled_arrays(archive: zipfile.ZipFile, dataset: NpzDataset) -> LabelledSet:
    parts = _parts(set(archive.namelist()), dataset)
    images = [_image_array(archive, part) for part in parts]
    labels = [_labels(archive, part, array.shape[0]) for part, array in zip(parts, images, strict=True)]
    counts = [len(part) for part in labels]
    return LabelledSet(
        classes=_classes(np.unique(np.concatenate(labels))),
        names=[f"{part}_images[{index}]" for part, count in zip(parts, counts, strict=True) for index in range(count)],
        labels=np.concatenate(labels),
        validates=np.repeat([False, True], counts) if len(parts) > 1 else None,
        images=(image for array in images for image in _images(archive, array, dataset.path)),
    )


def _parts(members: set[str], dataset: NpzDataset) -> tuple[str, ...]:
    present = [part for part in ("train", "val", "test") if f"{part}_images.npy" in members]
    if "train" not in present:
        raise InvalidInputError(
            f"has {', '.join(sorted(members)) or 'nothing'}; accepted: train_images and train_labels, with val_images "
            "and val_labels or test_images and test_labels"
        )
    if present == ["train"]:
        return ("train",)
    if dataset.validation not in present:
        raise InvalidInputError(
            f"has no {dataset.validation}_images; accepted for dataset.validation: {', '.join(present[1:])}"
        )
    return ("train", dataset.validation)


def _image_array(archive: zipfile.ZipFile, part: str) -> _Array:
    with _member(archive, f"{part}_images.npy") as (array, _):
        match array.shape:
            case (_, height, width) | (_, height, width, 1) | (_, height, width, 3):
                fits = array.dtype == np.uint8 and 0 < height * width <= MAX_PIXELS
            case _:
                fits = False
        if not fits:
            raise InvalidInputError(f"{array.what}; accepted: uint8 (n, height, width) or (n, height, width, 3)")
        return array


def _labels(archive: zipfile.ZipFile, part: str, images: int) -> npt.NDArray[np.int64]:
    with _member(archive, f"{part}_labels.npy") as (array, stream):
        if array.dtype.kind not in "iu" or array.shape not in {(images,), (images, 1)}:
            raise InvalidInputError(
                f"{array.what}; accepted: integers ({images},) or ({images}, 1), one for each image"
            )
        size_bytes = images * array.dtype.itemsize
        if size_bytes > _MAX_LABEL_BYTES:
            raise InvalidInputError(f"{array.what} takes {size_bytes} bytes; accepted: up to {_MAX_LABEL_BYTES}")
        return np.frombuffer(_read(stream, size_bytes, array), dtype=array.dtype).astype(np.int64)


def _classes(found: npt.NDArray[np.int64]) -> tuple[str, ...]:
    if len(found) < _MIN_CLASSES or not np.array_equal(found, np.arange(len(found))):
        shown = ", ".join(map(str, found[:10].tolist())) + (", ..." if len(found) > 10 else "")  # noqa: PLR2004 - shown
        raise InvalidInputError(f"has the labels {shown or 'of no image'}; accepted: 0, 1 and so on, without a gap")
    return tuple(map(str, found.tolist()))


def _images(archive: zipfile.ZipFile, array: _Array, path: str) -> Iterator[EncodedImage]:
    rows, height, width = array.shape[:3]
    mode, channels = ("RGB", CHANNELS) if array.shape[3:] == (CHANNELS,) else ("L", 1)
    with _blaming(path), _member(archive, array.member) as (_, stream):
        for _ in range(rows):
            yield PlainImage(mode, (width, height), _read(stream, height * width * channels, array))


@contextmanager
def _member(archive: zipfile.ZipFile, name: str) -> Iterator[tuple[_Array, IO[bytes]]]:
    """A member with its header read: what it says, and the stream that goes on with its values."""
    with archive.open(name) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADER_READERS:
            raise InvalidInputError(f"{name} is .npy of version {version}; accepted: 1.0, 2.0")
        shape, is_fortran, dtype = _HEADER_READERS[version](stream)
        array = _Array(name, shape, dtype)
        if is_fortran and len(shape) > 1:
            raise InvalidInputError(f"{array.what} is in Fortran's order; accepted: C order (numpy.ascontiguousarray)")
        yield array, stream


def _read(stream: IO[bytes], size_bytes: int, array: _Array) -> bytes:
    content = stream.read(size_bytes)
    if len(content) < size_bytes:
        raise InvalidInputError(f"{array.what} ends before its last value")
    return content


@contextmanager
def _blaming(path: str) -> Iterator[None]:
    """Puts the file's name before whatever is wrong with it."""
    try:
        yield
    except EdgepressError as error:
        raise InvalidInputError(f"{path}: {error}") from error
    except Exception as error:
        # zipfile, zlib and numpy answer broken bytes with nearly any exception; it is about this file.
        raise InvalidInputError(f"{path}: can't be read as .npz: {error or type(error).__name__}") from error
