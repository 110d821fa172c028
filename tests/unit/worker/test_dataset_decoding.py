"""From an image file to pixels: accepted formats, and their conversion."""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, PngImagePlugin

from edgepress_worker.datasets.decoding import (
    DeepGreyError,
    FileImage,
    PlainImage,
    UndecodableError,
    decode,
    grey_bits,
)
from fakes.image_folders import photograph

SIDE = 16


def pixels(path: Path, side: int = SIDE) -> npt.NDArray[np.uint8]:
    """Return the pixels of a file as a network receives them."""
    return np.asarray(decode(FileImage(str(path)), side, bits=16))


def plain(image: Image.Image, side: int = SIDE) -> npt.NDArray[np.uint8]:
    """The documented line of Pillow."""
    return np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
@pytest.mark.parametrize("side", [8, 16, 24, 40])
def test_a_file_is_what_one_line_of_pillow_makes_of_it(tmp_path: Path, name: str, side: int) -> None:
    """Open, convert and resize give the same bits, so that every user can repeat it."""
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
    """Grey is repeated, and a palette is applied; without transparency, alpha has no effect."""
    path = tmp_path / ("a.tif" if mode == "PA" else "a.png")
    image = photograph(1).convert("P" if mode == "PA" else mode)
    (image.convert("PA") if mode == "PA" else image).save(path)
    assert np.array_equal(pixels(path), plain(image))


@pytest.mark.parametrize("kind", ["RGBA.png", "LA.png", "P.png", "RGB key.png", "RGBA.webp", "P.gif", "RGBA.tif"])
def test_transparent_pixels_become_white(tmp_path: Path, kind: str) -> None:
    """A black drawing on a transparent ground is one on white, however the file says what is transparent."""
    mode, suffix = kind.split(".")
    drawing = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    drawing.paste((0, 0, 0, 255), (8, 8, 24, 24))
    path = tmp_path / f"a.{suffix}"
    match mode:
        case "P":
            palette = Image.new("P", drawing.size, 0)
            palette.putpalette([0, 0, 0, 0, 0, 0])
            palette.paste(1, (8, 8, 24, 24))
            palette.save(path, transparency=0)
        case "RGB key":
            keyed = Image.new("RGB", drawing.size, (1, 2, 3))
            keyed.paste((0, 0, 0), (8, 8, 24, 24))
            keyed.save(path, transparency=(1, 2, 3))
        case _:
            drawing.convert(mode).save(path, lossless=True)  # which only WebP looks at
    expected = np.full((32, 32, 3), 255, np.uint8)
    expected[8:24, 8:24] = 0
    assert np.array_equal(pixels(path, 32), expected)


def test_half_transparent_pixels_are_mixed_with_white(tmp_path: Path) -> None:
    """The alpha is the weight."""
    Image.new("RGBA", (4, 4), (0, 0, 0, 64)).save(tmp_path / "a.png")
    assert set(pixels(tmp_path / "a.png").ravel().tolist()) == {191}


@pytest.mark.parametrize("name", ["a.webp", "a.bmp", "a.gif", "a.jfif"])
def test_other_usual_formats_are_read(tmp_path: Path, name: str) -> None:
    """WebP, BMP and GIF, and JPEG as Windows' browsers call it."""
    kind = "JPEG" if name == "a.jfif" else None
    photograph(1).save(tmp_path / name, kind)
    assert np.array_equal(pixels(tmp_path / name), plain(Image.open(tmp_path / name)))


def test_of_a_moving_picture_the_first_frame_counts(tmp_path: Path) -> None:
    """This holds for GIF and WebP."""
    frames = [Image.new("RGB", (16, 16), colour) for colour in ((250, 0, 0), (0, 250, 0))]
    for name in ("a.gif", "a.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
        assert pixels(tmp_path / name)[0, 0].tolist() == [250, 0, 0]


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_cmyk_becomes_rgb(tmp_path: Path, name: str) -> None:
    """Printers' colours are converted."""
    photograph(1).convert("CMYK").save(tmp_path / name)
    difference = np.abs(pixels(tmp_path / name).astype(int) - plain(photograph(1)))
    assert difference.mean() < 10


@pytest.mark.parametrize("name", ["a.png", "a.tif", "big-endian.tif"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_of_16_bit_grey_the_upper_bits_of_those_in_use_are_kept(tmp_path: Path, name: str, bits: int) -> None:
    """The upper eight of a camera's 12 bits are kept, in every image alike; no value is clipped."""
    grey = np.asarray(photograph(1).convert("L"))
    values = (grey.astype(np.uint16) << (bits - 8)) + (1 << (bits - 8)) - 1
    if name == "big-endian.tif":
        Image.frombytes("I;16B", grey.shape[::-1], values.astype(">u2").tobytes()).save(tmp_path / name)
    else:
        Image.fromarray(values).save(tmp_path / name)
    decoded = np.asarray(decode(FileImage(str(tmp_path / name)), SIDE, bits=bits))
    assert np.array_equal(decoded, plain(Image.fromarray(grey)))
    with pytest.raises(DeepGreyError) as found:
        decode(FileImage(str(tmp_path / name)), SIDE)
    assert (found.value.largest, grey_bits(found.value.largest)) == (int(values.max()), bits)


@pytest.mark.parametrize(
    ("largest", "bits"), [(0, 8), (255, 8), (256, 10), (1023, 10), (1024, 12), (4095, 12), (16384, 16), (65535, 16)]
)
def test_as_many_bits_count_as_the_brightest_pixel_needs(largest: int, bits: int) -> None:
    """The numbers of bits are those of cameras and scanners."""
    assert grey_bits(largest) == bits


def with_large_metadata(kind: str) -> bytes:
    """A PNG with 3 MB of colour profile or of text."""
    content = io.BytesIO()
    if kind == "profile":
        photograph(1).save(content, "PNG", icc_profile=bytes(3_000_000))
    else:
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", "x" * 3_000_000, zip=kind == "zipped text")
        photograph(1).save(content, "PNG", pnginfo=text)
    return content.getvalue()


@pytest.mark.parametrize("kind", ["profile", "text", "zipped text"])
def test_metadata_of_megabytes_costs_no_image(tmp_path: Path, kind: str) -> None:
    """Microscopes and photo editors write it; it has no influence on the pixels."""
    (tmp_path / "a.png").write_bytes(with_large_metadata(kind))
    assert np.array_equal(pixels(tmp_path / "a.png"), plain(photograph(1)))


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


def test_odd_tags_next_to_the_orientation_cost_no_image(tmp_path: Path) -> None:
    """Cameras write all kinds of things; here, a width as text. The image is turned all the same."""
    entries = struct.pack("<HHHI4s", 2, 0x0100, 2, 1, b"wide") + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    stored = photograph(1).transpose(AS_A_CAMERA_STORES[6])
    stored.save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0" + entries + bytes(4), quality=100)
    difference = np.abs(pixels(tmp_path / "a.jpg").astype(int) - plain(photograph(1)))
    assert difference.mean() < 8


def test_what_is_not_square_is_squashed(tmp_path: Path) -> None:
    """No part is cropped: both ends of a long image are visible."""
    wide = Image.new("RGB", (60, 20))
    wide.paste((255, 0, 0), (0, 0, 10, 20))
    wide.paste((0, 0, 255), (50, 0, 60, 20))
    wide.save(tmp_path / "a.png")
    packed = pixels(tmp_path / "a.png")
    assert packed[8, 0].tolist() == [255, 0, 0]
    assert packed[8, -1].tolist() == [0, 0, 255]


def test_a_large_jpeg_is_reduced_while_it_is_decoded(tmp_path: Path) -> None:
    """Images at least four times the target size differ little from the plain conversion, smaller ones not at all."""
    photograph(1, side=512).save(tmp_path / "a.jpg", quality=95)
    difference = np.abs(pixels(tmp_path / "a.jpg").astype(int) - plain(Image.open(tmp_path / "a.jpg")))
    assert 0 < difference.mean() < 3
    assert np.array_equal(pixels(tmp_path / "a.jpg", 129), plain(Image.open(tmp_path / "a.jpg"), 129))


def test_plain_pixels_need_no_decoding() -> None:
    """Grey and RGB arrays take the same way as files."""
    image = photograph(1)
    rgb = PlainImage("RGB", image.size, image.tobytes())
    assert np.array_equal(np.asarray(decode(rgb, SIDE)), plain(image))
    grey = image.convert("L")
    assert np.array_equal(np.asarray(decode(PlainImage("L", grey.size, grey.tobytes()), SIDE)), plain(grey))


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
        (b"", "not an image of a supported format; accepted: JPEG, PNG, TIFF"),
        (b"not an image at all", "accepted: JPEG, PNG, TIFF"),
        (file_of(photograph(1), "PPM"), "accepted: JPEG, PNG, TIFF, WEBP, BMP, GIF"),
        (b"GIF89a" + bytes(20), "accepted: JPEG"),
        (file_of(photograph(1, 200), "JPEG")[:2000], "truncated"),
        (file_of(photograph(1, 200), "PNG")[:600], "truncated"),
        (file_of(photograph(1, 200), "TIFF")[:-30_000], "truncated|bytes"),
        (png_that_claims(10_000, 10_000), "has 10000 x 10000 pixels; accepted: up to 89478485"),
        (png_that_claims(60_000, 60_000), "has more than twice 89478485 pixels; accepted: up to 89478485 in total"),
        (
            png_that_claims(1, 80_000_000),
            "has 1 x 80000000 pixels; accepted: up to 89478485 in total, and 65535 per side",
        ),
        (file_of(Image.new("F", (9, 9)), "TIFF"), "32 bits per channel; accepted: 8, or 16 in grey"),
        (file_of(Image.new("I", (9, 9)), "TIFF"), "32 bits per channel"),
    ],
)
def test_what_is_not_a_usable_image_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
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
