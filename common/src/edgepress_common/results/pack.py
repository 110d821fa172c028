"""The result of packing a data set: its images, what was left out, and which images resemble each other."""

from typing import Literal

from edgepress_common.frozen import Message, added_field
from edgepress_common.software import Software
from edgepress_common.text import HarmlessText


class UnreadableImage(Message):
    """An image that could not be opened.

    Attributes:
        name: Path of the image inside the set.
        reason: Message of the decoder.
    """

    name: HarmlessText
    reason: HarmlessText


class Twin(Message):
    """An image that is in two parts of a split.

    Attributes:
        name: Name of the image in the later part; validation comes after training, test after both.
        of: Name of the image in an earlier part.
    """

    name: str
    of: str


class Twins(Message):
    """Images of validation and test that stand in an earlier part too, so that they measure less than they seem to.

    Attributes:
        copies_count: Images whose encoded content is that of an image of an earlier part.
        copies: The first twenty of them.
        alike_count: Images that look like one of an earlier part without being a copy; None if not searched for.
        alike: The first twenty of them.
    """

    copies_count: int
    copies: tuple[Twin, ...]
    alike_count: int | None
    alike: tuple[Twin, ...]


class ImageStatistics(Message):
    """The look of the packed images of a data set, in counts.

    Attributes:
        flat_count: Number of images that have nearly a single colour after packing.
        grey_count: Number of images without colour after packing.
        repeated_count: Number of images that are copies of another image of the same part.
        enlarged_count: Number of images with a side shorter than ``image_size``, which packing enlarges.
        least_side: Shortest side of the smallest original image, in pixels.
        median_side: Median of the shorter sides of the original images, in pixels.
    """

    flat_count: int
    grey_count: int
    repeated_count: int
    enlarged_count: int
    least_side: int
    median_side: int


class PackResult(Message):
    """A packed data set.

    Attributes:
        classes: Class names, in the order of the labels.
        train_counts: Number of training images of each class.
        validation_counts: Number of validation images of each class.
        test_counts: Number of test images of each class; None without a test part.
        unreadable_count: Number of images left out because they could not be read.
        unreadable: The first hundred of those.
        ignored_count: Number of files and folders that are not meant to be images of a class.
        ignored: The first twenty of those.
        grey_bits: Number of significant bits in 16-bit grey images; None if the set has no such image.
        twins: Images that are in two parts; None if they were not searched for.
        cautions: Full sentences about what the packed images look like.
        statistics: What the packed images look like, in numbers; None in older results.
        software: Software of the process that made the result; None in results that are older than this field.
    """

    kind: Literal["pack"] = "pack"
    classes: tuple[str, ...]
    train_counts: tuple[int, ...]
    validation_counts: tuple[int, ...]
    test_counts: tuple[int, ...] | None = added_field(None)
    unreadable_count: int = 0
    unreadable: tuple[UnreadableImage, ...] = ()
    ignored_count: int = added_field(0)
    ignored: tuple[UnreadableImage, ...] = added_field(())
    grey_bits: int | None = added_field(None)
    twins: Twins | None = added_field(None)
    cautions: tuple[str, ...] = added_field(())
    statistics: ImageStatistics | None = added_field(None)
    software: Software | None = added_field(None)
