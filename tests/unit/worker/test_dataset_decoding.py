"""From an image file to pixels: what is accepted, and what becomes of it."""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from edgepress_worker.datasets.decoding import FileImage, PlainImage, UndecodableError, decode
from fakes.image_folders import photograph

SIDE = 16


def pixels(path: Path, side: int = SIDE) -> npt.NDArray[np.uint8]:
    """What a network would see of a file."""
    return np.frombuffer(decode(FileImage(str(path)), side), np.uint8).reshape(side, side, 3)


def plain(image: Image.Image, side: int = SIDE) -> npt.NDArray[np.uint8]:
    """The documented line of Pillow."""
    return np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
@pytest.mark.parametrize("side", [8, 16, 24, 40])
def test_a_file_is_what_one_line_of_pillow_makes_of_it(tmp_path: Path, name: str, side: int) -> None:
    """Open, convert, resize: bit for bit, so that anybody can repeat it."""
    photograph(1).save(tmp_path / name)
    assert np.array_equal(pixels(tmp_path / name, side), plain(Image.open(tmp_path / name), side))


def test_the_content_counts_and_not_the_name(tmp_path: Path) -> None:
    """A PNG that calls itself .jpg is read as what it is."""
    photograph(1).save(tmp_path / "a.jpg", format="PNG")
    assert np.array_equal(pixels(tmp_path / "a.jpg"), plain(photograph(1)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_what_else_a_file_may_be_leaves_no_trace(tmp_path: Path, kind: str) -> None:
    """A picture that is a page with a script and an archive as well: only its pixels are packed."""
    alone = file_of(photograph(1), kind)
    (tmp_path / "alone").write_bytes(alone)
    (tmp_path / "a.png").write_bytes(alone + b"<html><script>alert(1)</script>" + b"PK\x05\x06" + bytes(18))
    assert np.array_equal(pixels(tmp_path / "a.png"), pixels(tmp_path / "alone"))


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "PA"])
def test_other_kinds_of_pixels_become_rgb(tmp_path: Path, mode: str) -> None:
    """Grey is repeated, a palette looked up, alpha dropped."""
    path = tmp_path / ("a.tif" if mode == "PA" else "a.png")
    image = photograph(1).convert("P" if mode == "PA" else mode)
    (image.convert("PA") if mode == "PA" else image).save(path)
    assert np.array_equal(pixels(path), plain(image))


def test_alpha_is_dropped_not_painted_over(tmp_path: Path) -> None:
    """What lies under transparent pixels stays."""
    image = photograph(1)
    image.putalpha(0)
    image.save(tmp_path / "a.png")
    assert np.array_equal(pixels(tmp_path / "a.png"), plain(photograph(1)))


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_cmyk_becomes_rgb(tmp_path: Path, name: str) -> None:
    """Printers' colours are converted."""
    photograph(1).convert("CMYK").save(tmp_path / name)
    difference = np.abs(pixels(tmp_path / name).astype(int) - plain(photograph(1)))
    assert difference.mean() < 10


@pytest.mark.parametrize("name", ["a.png", "a.tif", "big-endian.tif"])
def test_of_16_bit_grey_the_high_byte_is_kept(tmp_path: Path, name: str) -> None:
    """The whole range maps to 0 to 255, in every image alike."""
    grey = np.asarray(photograph(1).convert("L"))
    values = grey.astype(np.uint16) * 256 + 77
    if name == "big-endian.tif":
        Image.frombytes("I;16B", grey.shape[::-1], values.astype(">u2").tobytes()).save(tmp_path / name)
    else:
        Image.fromarray(values).save(tmp_path / name)
    assert np.array_equal(pixels(tmp_path / name), plain(Image.fromarray(grey)))


AS_A_CAMERA_STORES = {  # what turns an upright image into the one that this orientation tag belongs to
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", AS_A_CAMERA_STORES)
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
def test_the_orientation_tag_is_followed(tmp_path: Path, name: str, orientation: int) -> None:
    """A photograph taken sideways is packed upright."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    photograph(1).transpose(AS_A_CAMERA_STORES[orientation]).save(tmp_path / name, exif=exif, quality=100)
    difference = np.abs(pixels(tmp_path / name).astype(int) - plain(photograph(1)))
    assert difference.mean() < (8 if name == "a.jpg" else 0.01)  # an image that lies wrong differs by 40 and more


def test_odd_tags_beside_the_orientation_cost_no_image(tmp_path: Path) -> None:
    """Cameras write all kinds of things; here, a width as text. The image is turned all the same."""
    entries = struct.pack("<HHHI4s", 2, 0x0100, 2, 1, b"wide") + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    stored = photograph(1).transpose(AS_A_CAMERA_STORES[6])
    stored.save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0" + entries + bytes(4), quality=100)
    difference = np.abs(pixels(tmp_path / "a.jpg").astype(int) - plain(photograph(1)))
    assert difference.mean() < 8


def test_what_is_not_square_is_squashed(tmp_path: Path) -> None:
    """Nothing is cut away: both ends of a long image are there."""
    wide = Image.new("RGB", (60, 20))
    wide.paste((255, 0, 0), (0, 0, 10, 20))
    wide.paste((0, 0, 255), (50, 0, 60, 20))
    wide.save(tmp_path / "a.png")
    packed = pixels(tmp_path / "a.png")
    assert packed[8, 0].tolist() == [255, 0, 0]
    assert packed[8, -1].tolist() == [0, 0, 255]


def test_a_large_jpeg_is_reduced_while_it_is_decoded(tmp_path: Path) -> None:
    """From four times the wanted size on; it then differs little from the plain line, and below that not at all."""
    photograph(1, side=512).save(tmp_path / "a.jpg", quality=95)
    difference = np.abs(pixels(tmp_path / "a.jpg").astype(int) - plain(Image.open(tmp_path / "a.jpg")))
    assert 0 < difference.mean() < 3
    assert np.array_equal(pixels(tmp_path / "a.jpg", 129), plain(Image.open(tmp_path / "a.jpg"), 129))


def test_plain_pixels_need_no_decoding() -> None:
    """Grey and RGB arrays take the same way as files."""
    image = photograph(1)
    rgb = PlainImage("RGB", image.size, image.tobytes())
    assert decode(rgb, SIDE) == plain(image).tobytes()
    grey = image.convert("L")
    assert decode(PlainImage("L", grey.size, grey.tobytes()), SIDE) == plain(grey).tobytes()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header names another size."""
    content = io.BytesIO()
    Image.new("L", (1, 1)).save(content, "PNG")
    header = b"IHDR" + width.to_bytes(4) + height.to_bytes(4) + content.getvalue()[24:29]
    return content.getvalue()[:12] + header + zlib.crc32(header).to_bytes(4) + content.getvalue()[33:]


def file_of(image: Image.Image, kind: str) -> bytes:
    """An image, encoded."""
    content = io.BytesIO()
    image.save(content, kind)
    return content.getvalue()


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a picture of a kind that is accepted: JPEG, PNG, TIFF"),
        (b"not an image at all", "accepted: JPEG, PNG, TIFF"),
        (file_of(photograph(1), "GIF"), "accepted: JPEG, PNG, TIFF"),
        (file_of(photograph(1, 200), "JPEG")[:2000], "truncated"),
        (file_of(photograph(1, 200), "PNG")[:600], "truncated"),
        (file_of(photograph(1, 200), "TIFF")[:-30_000], "truncated|bytes"),
        (png_that_claims(10_000, 10_000), "has 10000 x 10000 pixels; accepted: up to 89478485"),
        (png_that_claims(60_000, 60_000), "exceeds limit"),
        (file_of(Image.new("F", (9, 9)), "TIFF"), "32 bits a channel; accepted: 8, or 16 in grey"),
        (file_of(Image.new("I", (9, 9)), "TIFF"), "32 bits a channel"),
    ],
)
def test_what_is_no_usable_image_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    """Empty, foreign, cut off, too large, or with pixels of a kind that isn't taken."""
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(UndecodableError, match=reason):
        pixels(path)


def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    """Files may vanish between listing and decoding."""
    with pytest.raises(UndecodableError, match="No such file or directory"):
        pixels(tmp_path / "gone.png")


def test_only_large_images_wait_for_the_lock(tmp_path: Path) -> None:
    """So that decoders together stay within their memory, and small images never wait."""
    held: list[str] = []

    @contextmanager
    def lock() -> Iterator[None]:
        held.append("once")
        yield

    Image.new("L", (3000, 3000)).save(tmp_path / "large.png")
    photograph(1).save(tmp_path / "small.png")
    decode(FileImage(str(tmp_path / "small.png")), SIDE, lock())
    assert held == []
    decode(FileImage(str(tmp_path / "large.png")), SIDE, lock())
    assert held == ["once"]
