"""The files labels.txt and preprocessing.json: how to convert an image to model input, as the pack does."""

from collections.abc import Mapping

from edgepress_common.class_names import printable
from edgepress_common.frozen import Frozen
from edgepress_common.tensors import ModelDescription

LABELS = "labels.txt"
PREPROCESSING = "preprocessing.json"


class Preprocessing(Frozen):
    """How to convert an image to model input: the steps of ``edgepress_worker.datasets.decoding``, in their order.

    Attributes:
        frame: Which page or frame of a file is used.
        large_jpeg: How large JPEG files are decoded.
        orientation: How the EXIF orientation is applied.
        transparency: How transparent pixels are composed.
        grey_16_bit: How 16-bit grey values are converted to 8 bits.
        grey_bits: Number of significant bits in 16-bit grey images; omitted if the data set has no such image.
        color: Order of the channels; grey values are repeated.
        width: Width in pixels; of a model that was cut to smaller images, that of its input.
        height: Height in pixels, likewise.
        resize: How images are resized.
        values: Range of the pixel values.
        integer_input: How to quantize pixels for an integer input tensor.
        models: Input and output of each model, by its path in the bundle; without models that an earlier release has
            exported, whose files have to be read for them.
    """

    frame: str = "the first"
    large_jpeg: str = (
        "at least four times the target width and height: decoded at 1/2, 1/4 or 1/8, to no less than twice the "
        "target size (Pillow's draft)"
    )
    orientation: str = "rotated or mirrored as the EXIF orientation specifies"
    transparency: str = "composed on white"
    grey_16_bit: str = "value >> (grey_bits - 8), clipped to 255; grey_bits is 8, 10, 12, 14 or 16, as the values need"
    grey_bits: int | None = None
    color: str = "RGB"
    width: int
    height: int
    resize: str = "stretched to width x height (aspect ratio not kept) by Pillow's BILINEAR filter (reducing averages)"
    values: str = "0 to 255, not scaled and not centred"
    integer_input: str = "round(value / scale) + zero_point, halves to even, clipped to the range of the type"
    models: dict[str, ModelDescription]


def preprocessing_json(
    models: Mapping[str, ModelDescription | None], *, image_size: int, grey_bits: int | None = None
) -> str:
    """Return the text of preprocessing.json.

    Args:
        models: Input and output by path; None where they are not known.
        image_size: Width and height of the images in pixels.
        grey_bits: Number of significant bits in the data set's 16-bit grey images; None if it has none.
    """
    known = {path: model for path, model in models.items() if model is not None}
    content = Preprocessing(width=image_size, height=image_size, grey_bits=grey_bits, models=known)
    return content.model_dump_json(indent=2, exclude_none=True) + "\n"


def labels_txt(classes: tuple[str, ...]) -> str:
    """Return the text of labels.txt: one class per line, in the order of the outputs. Line breaks are escaped."""
    return "".join(f"{printable(name)}\n" for name in classes)
