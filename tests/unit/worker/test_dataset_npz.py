"""Files in the layout of MedMNIST."""

import io
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from edgepress_common.errors import InvalidInputError
from edgepress_common.messages import Outputs
from edgepress_common.results import PackResult
from edgepress_common.spec import NpzDataset
from edgepress_worker.datasets import pack_dataset
from edgepress_worker.environment import Environment
from edgepress_worker.pack import LabelledImages, Pack
from fakes.step_context import PlainContext

SIDE = 12
Arrays = dict[str, npt.NDArray[np.generic]]


def medmnist(*parts: str, count: int = 30, shape: tuple[int, ...] = (10, 14, 3)) -> Arrays:
    """Random images with the labels 0, 1, 2 in turn, as a column."""
    random = np.random.default_rng(0)
    arrays: Arrays = {}
    for part in parts:
        arrays[f"{part}_images"] = random.integers(0, 256, (count, *shape), dtype=np.uint8)
        arrays[f"{part}_labels"] = (np.arange(count, dtype=np.uint8) % 3)[:, np.newaxis]
    return arrays


def write_npz(path: Path, arrays: Arrays, compression: int = zipfile.ZIP_STORED) -> None:
    """Write arrays in the format of `numpy.savez`."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, array in arrays.items():
            archive.writestr(f"{name}.npy", npy(array))


def npy(array: npt.NDArray[np.generic]) -> bytes:
    """Return an array in the format of `numpy.save`, with objects pickled."""
    content = io.BytesIO()
    np.save(content, array, allow_pickle=True)
    return content.getvalue()


def packed(path: Path, context: PlainContext, **parameters: object) -> tuple[Outputs, PackResult]:
    """Packs a file."""
    dataset = NpzDataset.model_validate({"path": str(path), "image_size": SIDE} | parameters)
    return pack_dataset(dataset, context, Environment(dataset_roots=(path.parent,), downloads=path.parent / "none"))


def resized(image: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Return an image resized by Pillow."""
    return np.asarray(Image.fromarray(image).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(10, 14, 3), (10, 14), (10, 14, 1), (SIDE, SIDE, 3)])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("count", [30, 90])
def test_the_parts_of_the_file_are_packed_in_order(
    tmp_path: Path, context: PlainContext, shape: tuple[int, ...], compression: int, count: int
) -> None:
    """Grey or RGB, compressed or not, by one decoder or several."""
    arrays = medmnist("train", "val", "test", shape=shape, count=count)
    write_npz(tmp_path / "set.npz", arrays, compression)
    outputs, result = packed(tmp_path / "set.npz", context)
    assert result.classes == ("0", "1", "2")
    assert result.train_counts == (count // 3,) * 3
    pack = Pack.open(outputs, result, context.store)
    test = LabelledImages.open(outputs, "test", context.store)
    for part, name in ((pack.train, "train"), (pack.validation, "val"), (test, "test")):
        assert part.labels.tolist() == arrays[f"{name}_labels"].ravel().tolist()
        for image, source in zip(part.images, arrays[f"{name}_images"], strict=True):
            assert np.array_equal(image, resized(source.squeeze()))


def test_the_test_part_may_validate(tmp_path: Path, context: PlainContext) -> None:
    """The spec can request it; the file may be numpy's own."""
    arrays = medmnist("train", "test")
    np.savez(
        tmp_path / "set.npz",
        train_images=arrays["train_images"],
        train_labels=arrays["train_labels"],
        test_images=arrays["test_images"],
        test_labels=arrays["test_labels"],
    )
    outputs, result = packed(tmp_path / "set.npz", context, validation="test")
    validation = Pack.open(outputs, result, context.store).validation
    assert result.test_counts is None
    assert np.array_equal(validation.images[0], resized(arrays["test_images"][0]))


def test_a_file_without_validation_is_split(tmp_path: Path, context: PlainContext) -> None:
    """Each class is split by the fraction; labels may be flat and of any integer type."""
    arrays = medmnist("train")
    arrays["train_labels"] = arrays["train_labels"].ravel().astype(">i4")
    write_npz(tmp_path / "set.npz", arrays)
    outputs, result = packed(tmp_path / "set.npz", context, validation_fraction=0.3)
    assert (result.train_counts, result.validation_counts) == ((7, 7, 7), (3, 3, 3))
    labels = {
        image.tobytes(): label
        for image, label in zip(map(resized, arrays["train_images"]), arrays["train_labels"], strict=True)
    }
    pack = Pack.open(outputs, result, context.store)
    for part in (pack.train, pack.validation):
        assert [labels[image.tobytes()] for image in part.images] == part.labels.tolist()


ROWS = np.zeros((30, 4, 4), np.uint8)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train_images": None}, "has train_labels.npy, val_images.npy, val_labels.npy; accepted: train_images"),
        ({"val_images": None, "test_images": ROWS}, "has no val_images; accepted for dataset.validation: test"),
        ({"train_labels": None}, "no item named 'train_labels.npy'"),
        ({"train_images": ROWS.astype(np.float32)}, r"train_images float32 \(30, 4, 4\); accepted: uint8"),
        ({"train_images": np.zeros((30, 4, 4, 4), np.uint8)}, r"\(30, 4, 4, 4\); accepted: uint8 \(n, height, width\)"),
        ({"train_images": np.zeros((30, 4), np.uint8)}, r"uint8 \(30, 4\)"),
        ({"train_images": np.zeros((30, 0, 4), np.uint8)}, r"uint8 \(30, 0, 4\)"),
        ({"train_images": np.asfortranarray(ROWS)}, "Fortran order; accepted: C order"),
        ({"train_images": np.array([{}, {}])}, r"object \(2,\); accepted: uint8"),
        ({"train_labels": np.array([{}] * 30)}, r"train_labels object \(30,\); accepted: integers"),
        ({"train_labels": np.zeros(29, int)}, r"int64 \(29,\); accepted: integers \(30,\) or \(30, 1\)"),
        ({"train_labels": np.zeros((30, 14), int)}, r"int64 \(30, 14\)"),
        ({"train_labels": np.zeros(30)}, r"float64 \(30,\)"),
        ({"train_labels": np.arange(30) % 3 * 2}, "labels 0, 1, 2, 4; accepted: 0, 1 and so on, without a gap"),
        ({"train_labels": np.arange(30) % 3 - 1}, "labels -1, 0, 1, 2"),
        ({"train_labels": np.full(30, 2**63, np.uint64)}, "labels -9223372036854775808, 0"),
        ({"train_labels": np.zeros(30, int), "val_labels": np.zeros(30, int)}, "labels 0; accepted"),
        ({"train_labels": np.arange(30) % 2}, "no train image of the class 2"),
        ({"val_labels": np.arange(30) % 2}, "no validation image of the class 2"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_refused_in_words(
    tmp_path: Path, context: PlainContext, change: dict[str, npt.NDArray[np.generic] | None], said: str
) -> None:
    """The error says what was found and what is accepted; pickled objects are never loaded."""
    arrays = {name: value for name, value in (medmnist("train", "val") | change).items() if value is not None}
    write_npz(tmp_path / "set.npz", arrays)
    with pytest.raises(InvalidInputError, match=said):
        packed(tmp_path / "set.npz", context)


def test_damaged_files_are_refused_by_name(tmp_path: Path, context: PlainContext) -> None:
    """No zip, a zip that is cut off, one whose images end early, and one with a flipped bit."""
    path = tmp_path / "set.npz"
    path.write_bytes(b"no zip")
    with pytest.raises(InvalidInputError, match=r"set\.npz: can't be read as \.npz: File is not a zip file"):
        packed(path, context)
    write_npz(path, medmnist("train", "val"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(InvalidInputError, match=r"can't be read as \.npz"):
        packed(path, context)
    damaged = bytearray(whole)
    damaged[whole.index(b"train_images.npy") + 2000] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(InvalidInputError, match="Bad CRC-32"):
        packed(path, context)


def test_images_that_end_before_their_time_are_noticed(tmp_path: Path, context: PlainContext) -> None:
    """A header may promise more than there is."""
    arrays = medmnist("train", "val")
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        for name, array in arrays.items():
            archive.writestr(f"{name}.npy", npy(array)[: -1 if name == "val_images" else None])
    with pytest.raises(InvalidInputError, match=r"val_images uint8 .* ends before its last value"):
        packed(tmp_path / "set.npz", context)


def test_a_file_outside_the_roots_or_missing_is_refused(tmp_path: Path, context: PlainContext) -> None:
    """The error names its path."""
    with pytest.raises(InvalidInputError, match="No such file"):
        packed(tmp_path / "none.npz", context)
    dataset = NpzDataset(path=str(tmp_path / "set.npz"), image_size=SIDE)
    with pytest.raises(InvalidInputError, match="lies outside the folders"):
        pack_dataset(dataset, context, Environment(dataset_roots=(tmp_path / "roots",), downloads=tmp_path))
