"""Warnings about a data set, to look at before trusting a result: sentences, the most serious first."""

from collections.abc import Iterator, Sequence

from edgepress_common.results import ImageStatistics, PackResult, Twins

_NAMED = 3
_FEW_TO_VALIDATE = 20  # with fewer, one image is more than five points of the recall of its class
_IMBALANCE = 3  # a network that always answers the larger of two such classes is right for three of four images


def dataset_warnings(pack: PackResult, image_size: int) -> Iterator[str]:
    """Yield the warnings about a packed data set.

    Args:
        pack: The result of packing it.
        image_size: Height and width of the packed images in pixels.
    """
    if pack.twins is not None:
        yield from _twins(pack.twins)
    if pack.unreadable_count:
        named = "; ".join(f"{image.name} {image.reason}" for image in pack.unreadable[:_NAMED])
        yield f"Images that can't be read, and are left out: {pack.unreadable_count}, such as {named}."
    yield from pack.cautions
    yield from _few(pack)
    yield from _imbalance(pack.classes, pack.train_counts)
    if pack.statistics is not None:
        yield from _statistics(pack.statistics, sum(_all_counts(pack)), image_size)
    if pack.ignored_count:
        yield f"Other files and folders, which are ignored: {pack.ignored_count}."


def _twins(twins: Twins) -> Iterator[str]:
    if twins.copies_count:
        first = twins.copies[0]
        yield (
            f"Validation and test images that are copies of an image of an earlier split: {twins.copies_count}, such "
            f"as {first.name} of {first.of}. The accuracy on them says little."
        )
    if twins.alike_count:
        first = twins.alike[0]
        yield (
            f"Validation and test images that look like an image of an earlier split: {twins.alike_count}, such as "
            f"{first.name} like {first.of}. If they show the same object, set dataset.groups."
        )
    if twins.alike_count is None:
        yield "Images that look alike were not searched for: too many pairs are similar."


def _few(pack: PackResult) -> Iterator[str]:
    few = [
        f"{name} ({count})"
        for name, count in zip(pack.classes, pack.validation_counts, strict=True)
        if count < _FEW_TO_VALIDATE
    ]
    if few:
        yield (
            f"Classes with fewer than {_FEW_TO_VALIDATE} validation images: {_listed(few)}. One image is more than "
            "five points of the recall of such a class."
        )


def _imbalance(classes: Sequence[str], counts: Sequence[int]) -> Iterator[str]:
    least, most = counts.index(min(counts)), counts.index(max(counts))
    if counts[most] >= _IMBALANCE * counts[least]:
        yield (
            f"{classes[most]} has {counts[most]} training images, {classes[least]} has {counts[least]}. Look at the "
            "recall of each class, not only at the accuracy; training.class_weights: balanced weighs classes equally."
        )


def _statistics(found: ImageStatistics, images: int, image_size: int) -> Iterator[str]:
    if found.repeated_count:
        yield f"Copies of another image of the same split, which count twice there: {found.repeated_count}."
    if found.flat_count:
        yield f"Images that are nearly empty, with nearly a single colour: {found.flat_count}."
    if found.enlarged_count:
        yield (
            f"Images smaller than {image_size} pixels, which are enlarged: {found.enlarged_count} of {images}. The "
            f"smallest has {found.least_side} pixels; the median is {found.median_side}."
        )
    if 0 < found.grey_count < images:
        yield (
            f"Images without colour: {found.grey_count} of {images}. If they are of some classes only, a network "
            "learns that instead of the object."
        )


def _all_counts(pack: PackResult) -> tuple[int, ...]:
    return (*pack.train_counts, *pack.validation_counts, *(pack.test_counts or ()))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 2 * _NAMED} more" if len(names) > 2 * _NAMED else ""
    return ", ".join(names[: 2 * _NAMED]) + more
