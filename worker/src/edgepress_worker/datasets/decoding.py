"""From an image file to the pixels that a network sees. The one place that decides what those are.

1. Open as JPEG, PNG or TIFF, by content; of several pages, the first.
2. Turn as the EXIF orientation says.
3. To RGB, 8 bits a channel: grey is repeated, a palette looked up, CMYK converted, alpha dropped, and of 16-bit grey
   the high byte is kept. Colour profiles are not applied.
4. To ``side x side`` pixels by Pillow's bilinear filter, which averages when it reduces. What isn't square is squashed:
   nothing that may have earned the image its label is cut away, and a device needs no more than one resize to do the
   same.

So for ordinary files it is ``exif_transpose(Image.open(path)).convert("RGB").resize((side, side), BILINEAR)``, and
anybody can repeat it. One exception, for speed and memory: a JPEG four or more times as large as wanted, both ways, is
first reduced by the decoder (Pillow's ``draft``), to no less than twice the wanted size, and the filter does the rest.

Stands on Pillow alone: the decoders' processes import this and must start quickly.
"""

from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Protocol

from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

# Named by their plugins, because importing these makes the formats known; else the first TIFF loads all there are.
FORMATS = (
    JpegImagePlugin.JpegImageFile.format,
    PngImagePlugin.PngImageFile.format,
    TiffImagePlugin.TiffImageFile.format,
)
MAX_PIXELS = 89_478_485  # Pillow's own limit for a likely decompression bomb: 256 MiB of RGB
_LARGE_PIXELS = 8_000_000  # 4 bytes a pixel, twice while it is converted: 64 MB, which all decoders may take at once
_DRAFT_MARGIN = 2  # twice the wanted size leaves the bilinear filter enough to average over
CHANNELS = 3
_SHORT = 160  # characters of a reason that people read


class UndecodableError(Exception):
    """An image can't be turned into pixels; says why in a few words."""


class EncodedImage(Protocol):
    """An image before decoding: cheap to hand to another process."""

    def open(self) -> Image.Image:
        """What Pillow makes of it; pixels may still be to be decoded. Raises whatever Pillow raises."""
        ...


@dataclass(frozen=True, slots=True)
class FileImage:
    """An image file."""

    path: str

    def open(self) -> Image.Image:
        """See `EncodedImage.open`."""
        return Image.open(self.path, formats=FORMATS)


@dataclass(frozen=True, slots=True)
class PlainImage:
    """Pixels as they are.

    Attributes:
        mode: ``L`` or ``RGB``.
        size: Width and height.
        pixels: Row by row, a byte for each channel.
    """

    mode: str
    size: tuple[int, int]
    pixels: bytes

    def open(self) -> Image.Image:
        """See `EncodedImage.open`."""
        return Image.frombytes(self.mode, self.size, self.pixels)


def row_bytes(side: int) -> int:
    """Bytes of one decoded image."""
    return side * side * CHANNELS


def decode(encoded: EncodedImage, side: int, large: AbstractContextManager[object] | None = None) -> bytes:
    """Decodes, converts and resizes one image; see the module.

    Args:
        encoded: The image.
        side: Width and height of the result in pixels.
        large: Held while an image of more than 8 million pixels is decoded: a lock keeps several decoders from doing
            so at once, and so bounds their memory together.

    Returns:
        ``side * side * 3`` bytes: a C-ordered uint8 array of shape ``(side, side, 3)``.

    Raises:
        UndecodableError: It is no image, is broken, or is of a kind that is not accepted.
    """
    try:
        with encoded.open() as image:
            _check_size(image)
            image.draft(None, (_DRAFT_MARGIN * side, _DRAFT_MARGIN * side))
            is_large = image.width * image.height > _LARGE_PIXELS
            with large if large is not None and is_large else nullcontext():
                image.load()
                with suppress(Exception):  # it may stumble over other tags, when the pixels are turned already
                    ImageOps.exif_transpose(image, in_place=True)
                return _to_rgb(image).resize((side, side), Image.Resampling.BILINEAR).tobytes()
    except UndecodableError:
        raise
    except Exception as error:
        # Decoders answer broken bytes with nearly any exception; whichever it is, it is about this image.
        raise UndecodableError(_reason(error)) from error


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise UndecodableError(f"has {image.width} x {image.height} pixels; accepted: up to {MAX_PIXELS} in all")


def _to_rgb(image: Image.Image) -> Image.Image:
    match image.mode:
        case "RGB":
            return image  # converting would copy it
        case "I;16" | "I;16L":
            return Image.frombytes("L", image.size, image.tobytes()[1::2]).convert("RGB")
        case "I;16B":
            return Image.frombytes("L", image.size, image.tobytes()[0::2]).convert("RGB")
        case "I" | "F":
            raise UndecodableError("has 32 bits a channel; accepted: 8, or 16 in grey")
        case _:
            return image.convert("RGB")


def _reason(error: Exception) -> str:
    match error:
        case UnidentifiedImageError():
            return f"is not a picture of a kind that is accepted: {', '.join(FORMATS)}"
        case OSError(strerror=str(text)):
            return text
        case _:
            return (str(error) or type(error).__name__)[:_SHORT]
