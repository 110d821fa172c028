"""The look of an image: a tiny copy that is kept for each image and compared with all others.

The look is a grey copy of 9 x 8 pixels. Its difference hash (dHash; Krawetz 2013, "Kind of like that",
hackerfactor.com) has one bit per pair of neighbours in a row: whether the right one is brighter. Copies that were
scaled, compressed again or brightened a little differ in few of the 64 bits.

`look_of` runs in the decoders and imports only Pillow; `twins` and `cautions` compare looks.
"""

from PIL import Image

WIDTH = 9
HEIGHT = 8
LOOK_BYTES = WIDTH * HEIGHT
_SAMPLES = 4
_FLAT_LEVELS = 8  # of 256, between the darkest and the brightest pixel; JPEG noise on a single colour is about as large


def look_of(image: Image.Image) -> bytes:
    """Return the look of an RGB image: ``HEIGHT x WIDTH`` bytes, row by row.

    Each value is the mean of ``_SAMPLES x _SAMPLES`` evenly spaced pixels. The mean over all pixels would take a
    quarter of the time that decoding an image of 224 x 224 pixels takes.
    """
    sampled = image.resize((_SAMPLES * WIDTH, _SAMPLES * HEIGHT), Image.Resampling.NEAREST)
    return sampled.convert("L").reduce(_SAMPLES).tobytes()


def is_flat(image: Image.Image, look: bytes) -> bool:
    """Return whether an RGB image has nearly a single colour. For most images, the look alone shows that it has not."""
    if max(look) - min(look) >= _FLAT_LEVELS:
        return False
    bands = [band.tobytes() for band in image.split()]
    return all(max(band) - min(band) < _FLAT_LEVELS for band in bands)


def is_grey(image: Image.Image) -> bool:
    """Return whether an RGB image has no colour: red, green and blue are equal in every pixel."""
    red, green, blue = (band.tobytes() for band in image.split())
    return red == green == blue
