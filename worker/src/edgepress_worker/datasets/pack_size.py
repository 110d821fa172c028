"""The limit of a pack's size. Small files can result in a large pack, because each image needs its number of pixels."""

from edgepress_common.errors import InvalidInputError
from edgepress_worker.datasets.decoding import row_bytes

MAX_BYTES = 256 << 30  # 1.8 million images of 224 x 224 pixels


def check_pack_fits(images: int, side: int) -> None:
    """Check, before anything is decoded, that a pack is not too large. `RowFile` checks the free disk space.

    Args:
        images: Number of images.
        side: Height and width that images are resized to, in pixels.

    Raises:
        InvalidInputError: The pack would exceed the limit.
    """
    needed = images * row_bytes(side)
    if needed > MAX_BYTES:
        raise InvalidInputError(
            f"{images} images of {side} x {side} pixels need {needed} bytes when packed; accepted: up to {MAX_BYTES} "
            "bytes; use fewer images or a smaller dataset.image_size"
        )
