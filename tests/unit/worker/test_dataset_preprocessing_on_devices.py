"""One preprocessing: a bundle's program makes of an image file, bit for bit, what the worker packs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from edgepress_api.bundle.packing import predict_py
from edgepress_worker.datasets.decoding import DeepGreyError, FileImage, decode, grey_bits
from fakes.image_folders import photograph
from fakes.reports import make_row

pytest.importorskip("ai_edge_litert")

Draw = Callable[[Path], None]


def on_a_device(path: Path, side: int, bits: int | None) -> npt.NDArray[np.uint8]:
    """Return the pixels that the bundle's program reads from a file."""
    program: dict[str, object] = {"__file__": str(path.parent / "predict.py"), "__name__": "predict"}
    exec(compile(predict_py([make_row("int8")], bits), "predict.py", "exec"), program)  # the program is our own
    read_image = program["read_image"]
    assert callable(read_image)
    pixels: npt.NDArray[np.uint8] = read_image(path, side, side)
    return pixels


def in_the_pack(path: Path, side: int) -> tuple[npt.NDArray[np.uint8], int | None]:
    """Return the pixels that the worker packs, and how many bits of 16-bit grey count."""
    try:
        return np.asarray(decode(FileImage(str(path)), side)), None
    except DeepGreyError as grey:
        bits = grey_bits(grey.largest)
        return np.asarray(decode(FileImage(str(path)), side, bits=bits)), bits


def camera(path: Path, *, orientation: int = 1) -> None:
    """A photograph of twelve million pixels."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    photograph(1, side=4000).crop((0, 0, 4000, 3000)).save(path, "JPEG", quality=90, exif=exif)


def grey_16(path: Path, bits: int) -> None:
    """Grey of so many bits in 16."""
    grey = np.asarray(photograph(2, side=300).convert("L")).astype(np.uint16)
    Image.fromarray(grey << (bits - 8)).save(path)


def transparent_palette(path: Path) -> None:
    """A palette, one of whose colours is transparent."""
    image = photograph(3, side=300).quantize(16)
    image.save(path, transparency=3)


def with_alpha(path: Path) -> None:
    """Colours that fade out to the right."""
    image = photograph(4, side=300)
    image.putalpha(Image.linear_gradient("L").resize(image.size).rotate(90))
    image.save(path, lossless=True)  # which only WebP looks at


FILES: dict[str, Draw] = {
    "camera.jpg": camera,
    "turned.jpg": lambda path: camera(path, orientation=6),
    "mirrored.jpg": lambda path: camera(path, orientation=5),
    "cmyk.jpg": lambda path: photograph(5, side=900).convert("CMYK").save(path),
    "cmyk.tif": lambda path: photograph(5, side=300).convert("CMYK").save(path),
    "grey.jpg": lambda path: photograph(5, side=900).convert("L").save(path),
    "small.jpg": lambda path: photograph(6, side=24).save(path),
    "grey 16.png": lambda path: grey_16(path, 16),
    "grey 12 in 16.png": lambda path: grey_16(path, 12),
    "grey 12 in 16.tif": lambda path: grey_16(path, 12),
    "palette.png": lambda path: photograph(7, side=300).quantize(64).save(path),
    "palette.gif": lambda path: photograph(7, side=300).quantize(64).save(path),
    "palette.bmp": lambda path: photograph(7, side=300).quantize(64).save(path),
    "transparent palette.png": transparent_palette,
    "transparent palette.gif": transparent_palette,
    "alpha.png": with_alpha,
    "alpha.webp": with_alpha,
    "alpha.tif": with_alpha,
    "black and white.png": lambda path: photograph(8, side=300).convert("1").save(path),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_file_becomes_the_same_pixels_in_the_pack_and_on_a_device(tmp_path: Path, name: str) -> None:
    """Every kind of file, at sizes that are reduced while they are decoded and at sizes that are not."""
    FILES[name](tmp_path / name)
    for side in (32, 224):
        packed, bits = in_the_pack(tmp_path / name, side)
        assert packed.shape == (side, side, 3)
        assert len(np.unique(packed)) > 1
        assert np.array_equal(on_a_device(tmp_path / name, side, bits), packed), side


def test_a_device_that_sees_deeper_grey_than_the_data_set_had_clips(tmp_path: Path) -> None:
    """Brighter values become white; without such images in the data set, each image's own bits count."""
    grey_16(tmp_path / "a.png", 16)
    assert on_a_device(tmp_path / "a.png", 32, 8).max() == 255
    assert np.array_equal(on_a_device(tmp_path / "a.png", 32, None), in_the_pack(tmp_path / "a.png", 32)[0])
