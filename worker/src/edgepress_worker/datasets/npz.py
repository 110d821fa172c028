"""Kind ``npz``: one file in the layout of MedMNIST (Yang et al. 2023, doi:10.1038/s41597-022-01721-8).

1. Find the parts of the file: ``train``, ``val`` and ``test``, each with ``_images`` and ``_labels``.
2. Read the labels, which are small, and the headers of the images. The classes are the numbers from 0.
3. Read the images from the zip while they are packed, one by one, so that memory does not depend on the file's size.

Pickled objects, which could run code, are rejected by their type before they are read.
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
from edgepress_common.spec.dataset_kinds.npz import NpzDataset
from edgepress_worker.datasets.decoding import CHANNELS, MAX_PIXELS, EncodedImage, PlainImage
from edgepress_worker.datasets.source import TEST, TRAIN, VALIDATION, DatasetSource, LabelledSet, Workplace

_MAX_LABEL_BYTES = 1 << 30  # 134 million labels of 8 bytes; labels are read at once, so their size is limited
_MIN_CLASSES = 2
_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class NpzSource:
    """Streams the images from the archive."""

    preparation_share = 0.0

    @contextmanager
    def open(self, dataset: NpzDataset, workplace: Workplace) -> Iterator[LabelledSet]:
        """See `DatasetSource.open`."""
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
    """The header of an .npy member.

    Attributes:
        member: Name in the archive.
        shape: Shape; the first axis is the images.
        dtype: Type of a value.
    """

    member: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    @property
    def what(self) -> str:
        """Description for errors."""
        return f"{self.member.removesuffix('.npy')} {self.dtype} {self.shape}"


def _labelled_arrays(archive: zipfile.ZipFile, dataset: NpzDataset) -> LabelledSet:
    found = _parts(set(archive.namelist()), dataset)
    parts = [part for part, _ in found]
    images = [_image_array(archive, part) for part in parts]
    labels = [_labels(archive, part, array.shape[0]) for part, array in zip(parts, images, strict=True)]
    counts = [len(part) for part in labels]
    return LabelledSet(
        classes=_classes(np.unique(np.concatenate(labels))),
        names=[f"{part}_images[{index}]" for part, count in zip(parts, counts, strict=True) for index in range(count)],
        labels=np.concatenate(labels),
        parts=np.repeat(np.array([number for _, number in found], dtype=np.int8), counts),
        images=(image for array in images for image in _images(archive, array, dataset.path)),
    )


def _parts(members: set[str], dataset: NpzDataset) -> list[tuple[str, int]]:
    """Return the parts of the file to read, each with its part of the split."""
    present = [part for part in ("train", "val", "test") if f"{part}_images.npy" in members]
    if "train" not in present:
        raise InvalidInputError(
            f"has {', '.join(sorted(members)) or 'nothing'}; accepted: train_images and train_labels, with val_images "
            "and val_labels or test_images and test_labels"
        )
    if present == ["train"]:
        return [("train", TRAIN)]
    if dataset.validation not in present:
        raise InvalidInputError(
            f"has no {dataset.validation}_images; accepted for dataset.validation: {', '.join(present[1:])}"
        )
    tested = [("test", TEST)] if dataset.validation == "val" and "test" in present else []
    return [("train", TRAIN), (dataset.validation, VALIDATION), *tested]


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
            raise InvalidInputError(f"{array.what}; accepted: integers ({images},) or ({images}, 1), one per image")
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
    """Open a member and read its header; yield the header, and the stream of the values."""
    with archive.open(name) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADER_READERS:
            raise InvalidInputError(f"{name} is .npy of version {version}; accepted: 1.0, 2.0")
        shape, is_fortran, dtype = _HEADER_READERS[version](stream)
        array = _Array(name, shape, dtype)
        if is_fortran and len(shape) > 1:
            raise InvalidInputError(f"{array.what} is in Fortran order; accepted: C order (numpy.ascontiguousarray)")
        yield array, stream


def _read(stream: IO[bytes], size_bytes: int, array: _Array) -> bytes:
    content = stream.read(size_bytes)
    if len(content) < size_bytes:
        raise InvalidInputError(f"{array.what} ends before its last value")
    return content


@contextmanager
def _blaming(path: str) -> Iterator[None]:
    """Add the path of the file to all errors."""
    try:
        yield
    except EdgepressError as error:
        raise InvalidInputError(f"{path}: {error}") from error
    except Exception as error:
        # zipfile, zlib and numpy raise nearly any exception for broken bytes; all of them are about this file.
        raise InvalidInputError(f"{path}: can't be read as .npz: {error or type(error).__name__}") from error


SOURCE: DatasetSource[NpzDataset] = NpzSource()
