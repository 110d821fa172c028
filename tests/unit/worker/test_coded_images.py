"""Images of packs are restored bit for bit, in fewer bytes than PNG takes."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from edgepress_common.bundle_files import decode
from edgepress_worker.coded.images import code_images

Images = npt.NDArray[np.uint8]


def photographs(count: int, height: int, width: int, seed: int = 0) -> Images:
    """Smooth shapes of several colours with noise, less of it in the background, like photographs of cells."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    centres = random.uniform(0.2, 0.8, (count, 2)) * (height, width)
    distance = np.hypot(y - centres[:, :1, None], x - centres[:, 1:, None])[..., None]
    inside = 1 / (1 + np.exp(distance - height / 4))
    shades = 210 - inside * np.array([60, 110, 20]) + 12 * np.sin(x / 9)[..., None]
    noise = random.normal(0, 1, (count, height, width, 1)) * (1 + 9 * inside)
    images: Images = np.clip(shades + noise + random.normal(0, 0.7, (count, height, width, 3)), 0, 255).astype(np.uint8)
    return images


def restored(folder: Path, images: Images) -> tuple[Images, int, bool]:
    """Return the images that a coded file restores, its size, and whether it counts as smaller."""
    np.save(folder / "images.npy", images)
    is_smaller = code_images(folder / "images.npy", folder / "images.epz")
    decode.decode_file(folder / "images.epz", folder / "restored.npy")
    assert (folder / "restored.npy").read_bytes() == (folder / "images.npy").read_bytes()
    found: Images = np.load(folder / "restored.npy")
    return found, (folder / "images.epz").stat().st_size, is_smaller


@pytest.mark.parametrize(
    "images",
    [
        photographs(3, 32, 32),
        photographs(2, 13, 21),
        photographs(1, 1, 1),
        photographs(5, 32, 32)[..., :1].repeat(3, axis=3),
        np.full((4, 32, 32, 3), 255, np.uint8),
        np.random.default_rng(1).integers(0, 256, (3, 24, 24, 3), dtype=np.uint8),
    ],
    ids=["photographs", "odd sides", "one pixel", "grey", "white", "noise"],
)
def test_images_are_restored(images: Images, tmp_path: Path) -> None:
    """Sides and contents do not matter."""
    found, _, _ = restored(tmp_path, images)
    assert np.array_equal(found, images)


@pytest.mark.slow
def test_photographs_take_fewer_bytes_than_png(tmp_path: Path) -> None:
    """Each image as a PNG of its own, which has the same information."""
    images = photographs(200, 64, 64)
    _, size_bytes, is_smaller = restored(tmp_path, images)
    png = 0
    for image in images:
        content = io.BytesIO()
        Image.fromarray(image).save(content, "PNG", optimize=True)
        png += content.tell()
    assert is_smaller
    assert size_bytes < 0.9 * png


@pytest.mark.slow
def test_images_are_coded_in_parts(tmp_path: Path) -> None:
    """A large file has several, so that it is restored in bounded memory."""
    images = photographs(5, 600, 600)
    assert np.array_equal(restored(tmp_path, images)[0], images)
    content = (tmp_path / "images.epz").read_bytes()
    assert content[45] == 2  # parts: of three images and of two


def test_noise_is_not_sent_coded(tmp_path: Path) -> None:
    """Its coded file would be larger."""
    noise = np.random.default_rng(2).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    assert not restored(tmp_path, noise)[2]


def test_blocks_beyond_the_classes_are_refused() -> None:
    """A map of blocks that names other classes leaves pixels without residuals."""
    content = bytes((decode.IMAGES, 8, 8, 2, decode.CONSTANT, 5))
    with pytest.raises(decode.CodedFileError, match="blocks beyond their 2 classes"):
        decode._decode_node(decode._Reader(io.BytesIO(content)), 8 * 8 * 3)
