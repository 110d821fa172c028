"""The limit of a pack's size. Small files can result in a large pack, because each image needs its number of pixels."""

from edgepress_common.errors import InvalidInputError
from edgepress_worker.datasets.decoding import row_bytes

MAX_BYTES = 256 << 30  # 1.8 million images of 224 x 224 pixels


def check_pack_fits(images: int, side: int, most_bytes: int | None = None) -> None:
    """Check, before anything is decoded, that a pack is not too large. `RowFile` checks the free disk space.

    Args:
        images: Number of images.
        side: Height and width that images are resized to, in pixels.
        most_bytes: What the user may still store, in bytes; None for any number.

    Raises:
        InvalidInputError: The pack would exceed the limit.
    """
    needed = images * row_bytes(side)
    limit = MAX_BYTES if most_bytes is None else min(MAX_BYTES, most_bytes)
    if needed > limit:
        whose = "" if limit == MAX_BYTES else ", which is what you may still store: delete jobs and uploads,"
        raise InvalidInputError(
            f"{images} images of {side} x {side} pixels need {needed} bytes when packed; accepted: up to {limit} "
            f"bytes{whose or ';'} {'or ' if whose else ''}use fewer images or a smaller dataset.image_size"
        )
