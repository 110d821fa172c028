"""Conversion of an image file to the pixels that a network sees. This module alone determines the pixels.

1. Open as JPEG, PNG, TIFF, WebP, BMP or GIF, by content. Of several pages or frames, the first is used.
2. A JPEG of at least four times the target width and height is reduced while it is decoded (Pillow's ``draft``), to no
   less than twice the target size: for speed and memory.
3. Apply the EXIF orientation.
4. Convert to RGB with 8 bits per channel: transparent pixels are composed on white, grey is repeated, palettes are
   resolved, CMYK is converted. In 16-bit grey images, the number of significant bits is what the brightest image of the
   data set needs (8, 10, 12, 14 or 16); the upper eight of them are kept. Colour profiles are not applied.
5. Resize to ``side x side`` pixels by Pillow's bilinear filter, which averages when it reduces. Images that are not
   square are stretched: this removes nothing that the label may depend on, and a device can do it with one resize.

The bundle's ``predict.py`` does the same on a device, and a test compares both bit for bit.

The module imports only Pillow, because the decoder processes import it and must start quickly.
"""

import hashlib
import os
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from io import BytesIO
from typing import NamedTuple, Protocol

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

# Importing the plugins registers the formats; otherwise, Pillow would import all plugins at the first TIFF.
FORMATS = (
    JpegImagePlugin.JpegImageFile.format,
    PngImagePlugin.PngImageFile.format,
    TiffImagePlugin.TiffImageFile.format,
    WebPImagePlugin.WebPImageFile.format,
    BmpImagePlugin.BmpImageFile.format,
    GifImagePlugin.GifImageFile.format,
)
MAX_PIXELS = 89_478_485  # Pillow's own limit for a likely decompression bomb: 256 MiB of RGB
# JPEG's own limit. Pillow's filter needs 16 bytes per pixel of a side that it reduces: for a PNG of 1 x 89,478,485
# pixels, a file of 174 KB, that would be 3 GB.
MAX_SIDE = 65_535
MAX_FILE_BYTES = 512 << 20  # an uncompressed image with MAX_PIXELS and its metadata
_LARGE_PIXELS = 8_000_000  # 4 bytes per pixel, twice during conversion: 64 MB, which all decoders may use at once
_DRAFT_MARGIN = 2  # at twice the target size, the bilinear filter still averages enough pixels
CHANNELS = 3
GREY_BITS = (8, 10, 12, 14, 16)  # depths that cameras and scanners store in 16-bit grey
_WHITE = (255, 255, 255)
_SHORT = 160  # maximum number of characters of a reason

# Metadata does not influence the pixels. Pillow rejects a PNG whose colour profile or XMP text is larger than 1 MB when
# unpacked; microscopes and photo editors write such files. The decoder's memory limit protects against bombs.
_MAX_METADATA_BYTES = 64 << 20
PngImagePlugin.MAX_TEXT_CHUNK = _MAX_METADATA_BYTES
PngImagePlugin.MAX_TEXT_MEMORY = 2 * _MAX_METADATA_BYTES


class DecodedImage(NamedTuple):
    """An image as a network sees it.

    Attributes:
        pixels: RGB, of the size that networks take.
        side: Shorter side of the original image, in pixels.
        has_more: Whether the file has further pages or frames, which are not used.
    """

    pixels: Image.Image
    side: int
    has_more: bool


class UndecodableError(Exception):
    """An image can't be decoded; the message is a short reason."""


class DeepGreyError(Exception):
    """An image is 16-bit grey, and the number of significant bits is not known yet.

    Attributes:
        largest: Maximum pixel value, 0 to 65,535.
    """

    def __init__(self, largest: int) -> None:
        super().__init__(largest)
        self.largest = largest


class LargeFileError(UndecodableError):
    """A file is too large for an image.

    Attributes:
        digest: SHA-256 of its content, in hexadecimal.
    """

    def __init__(self, size_bytes: int, digest: str) -> None:
        super().__init__(f"has {size_bytes} bytes; accepted: up to {MAX_FILE_BYTES}")
        self.digest = digest


class EncodedImage(Protocol):
    """An image before decoding; small enough to send to another process."""

    def read(self) -> bytes:
        """Return the content that the digest is computed from. Raise OSError or `LargeFileError`."""
        ...

    def open(self, content: bytes) -> Image.Image:
        """Open the content with Pillow, possibly without decoding pixels. Raise any exception of Pillow."""
        ...


@dataclass(frozen=True, slots=True)
class FileImage:
    """An image file."""

    path: str

    def read(self) -> bytes:
        """See `EncodedImage.read`."""
        with open(self.path, "rb") as file:  # noqa: PTH123  Path.open would cost as much as reading
            size_bytes = os.fstat(file.fileno()).st_size
            if size_bytes > MAX_FILE_BYTES:
                raise LargeFileError(size_bytes, hashlib.file_digest(file, "sha256").hexdigest())
            return file.read()

    def open(self, content: bytes) -> Image.Image:
        """See `EncodedImage.open`."""
        return Image.open(BytesIO(content), formats=FORMATS)


@dataclass(frozen=True, slots=True)
class PlainImage:
    """Uncompressed pixels.

    Attributes:
        mode: ``L`` or ``RGB``.
        size: Width and height.
        pixels: Row by row, one byte per channel.
    """

    mode: str
    size: tuple[int, int]
    pixels: bytes

    def read(self) -> bytes:
        """See `EncodedImage.read`."""
        return self.pixels

    def open(self, content: bytes) -> Image.Image:
        """See `EncodedImage.open`."""
        return Image.frombytes(self.mode, self.size, content)


def row_bytes(side: int) -> int:
    """Return the size of a decoded image in bytes."""
    return side * side * CHANNELS


def grey_bits(largest: int) -> int:
    """Return the number of significant bits in 16-bit grey, by the maximum pixel value of all images, 0 to 65,535."""
    return next(bits for bits in GREY_BITS if largest < 1 << bits)


def decode(
    encoded: EncodedImage,
    side: int,
    large: AbstractContextManager[object] | None = None,
    *,
    bits: int | None = None,
) -> Image.Image:
    """Read, decode, convert and resize one image; see `decode_content`.

    Raises:
        UndecodableError: The file can't be read, is not an image, is broken, or is not of a supported kind.
        DeepGreyError: The image is 16-bit grey, and ``bits`` is None.
    """
    try:
        content = encoded.read()
    except OSError as error:
        raise UndecodableError(_reason(error)) from error
    return decode_content(encoded, content, side, large, bits=bits).pixels


def decode_content(
    encoded: EncodedImage,
    content: bytes,
    side: int,
    large: AbstractContextManager[object] | None = None,
    *,
    bits: int | None = None,
) -> DecodedImage:
    """Decode, convert and resize one image; see the module.

    Args:
        encoded: The image.
        content: Its encoded content.
        side: Height and width of the result in pixels.
        large: Context entered while an image of more than 8 million pixels is decoded. A lock ensures that only one
            decoder does so at a time, which limits their total memory.
        bits: Number of significant bits in 16-bit grey; None if not known yet.

    Returns:
        An RGB image of ``side x side`` pixels, with the size of the original.

    Raises:
        UndecodableError: The content is not an image, is broken, or is not of a supported kind.
        DeepGreyError: The image is 16-bit grey, and ``bits`` is None.
    """
    try:
        with encoded.open(content) as image:
            _check_size(image)
            original = min(image.size)
            has_more = bool(getattr(image, "is_animated", False))
            image.draft(None, (_DRAFT_MARGIN * side, _DRAFT_MARGIN * side))
            is_large = image.width * image.height > _LARGE_PIXELS
            with large if large is not None and is_large else nullcontext():
                image.load()
                with suppress(Exception):  # may fail at other tags, after the pixels are transposed
                    ImageOps.exif_transpose(image, in_place=True)
                pixels = _to_rgb(image, bits).resize((side, side), Image.Resampling.BILINEAR)
                return DecodedImage(pixels, original, has_more)
    except (UndecodableError, DeepGreyError):
        raise
    except Exception as error:
        # Pillow raises nearly any exception for broken bytes; all of them are about this image.
        raise UndecodableError(_reason(error)) from error


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
        raise UndecodableError(
            f"has {image.width} x {image.height} pixels; accepted: up to {MAX_PIXELS} in total, and {MAX_SIDE} per side"
        )


def _to_rgb(image: Image.Image, bits: int | None) -> Image.Image:
    if image.mode in {"I", "F"}:
        raise UndecodableError("has 32 bits per channel; accepted: 8, or 16 in grey")
    if image.mode.startswith("I;16"):
        return _from_deep_grey(image, bits).convert("RGB")
    if image.has_transparency_data:
        return _on_white(image.convert("RGBA"))
    return image if image.mode == "RGB" else image.convert("RGB")  # convert would copy an RGB image


def _from_deep_grey(image: Image.Image, bits: int | None) -> Image.Image:
    if image.mode == "I;16B":  # Pillow does not compute with this byte order
        image = Image.frombytes("I;16", image.size, image.tobytes(), "raw", "I;16B")
    if bits is None:
        _, largest = image.getextrema()
        assert isinstance(largest, int | float)
        raise DeepGreyError(int(largest))
    scaled = image.point(lambda value: value * float(1 << (16 - bits)))  # evaluated by Pillow, not per pixel in Python
    return Image.frombytes("L", image.size, scaled.tobytes()[1::2])


def _on_white(image: Image.Image) -> Image.Image:
    ground = Image.new("RGB", image.size, _WHITE)
    ground.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return ground


def _reason(error: Exception) -> str:
    match error:
        case UnidentifiedImageError():
            return f"is not an image of a supported format; accepted: {', '.join(FORMATS)}"
        case OSError(strerror=str(text)):
            return text
        case Image.DecompressionBombError():  # raised before the size can be looked at
            return f"has more than twice {MAX_PIXELS} pixels; accepted: up to {MAX_PIXELS} in total"
        case MemoryError():
            return "needs more memory to decode than the limit"
        case _:
            return (str(error) or type(error).__name__)[:_SHORT]
