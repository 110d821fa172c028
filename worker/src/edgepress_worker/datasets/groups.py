"""Determines the groups of images in a folder, see `edgepress_common.spec.groups`."""

import re
from collections.abc import Sequence

from edgepress_common.class_names import printable
from edgepress_common.errors import InvalidInputError
from edgepress_common.layout import Layout
from edgepress_common.spec.groups import GroupsByPattern

_SHOWN = 3


def groups_by_pattern(groups: GroupsByPattern, layout: Layout) -> list[str]:
    """Return the group of each image of a layout, in the order of its files.

    Raises:
        InvalidInputError: The pattern does not match the path of an image.
    """
    pattern = re.compile(groups.pattern)
    found = [pattern.search(file.path) for file in layout.files]
    _check(
        layout, [match and match[1] for match in found], f"does not match dataset.groups.pattern {pattern.pattern!r}"
    )
    return [match[1] for match in found if match is not None]


def groups_by_table(table: dict[str, str], layout: Layout) -> list[str]:
    """Return the group of each image of a layout, in the order of its files.

    Args:
        table: Group of each image, by its path.
        layout: The images.

    Raises:
        InvalidInputError: An image is not in the table.
    """
    found = [table.get(file.path) for file in layout.files]
    _check(layout, found, "has no row in the table of dataset.groups")
    return [group for group in found if group is not None]


def _check(layout: Layout, found: Sequence[str | None], problem: str) -> None:
    missing = [printable(file.path) for file, group in zip(layout.files, found, strict=True) if not group]
    if missing:
        shown = ", ".join(missing[:_SHOWN])
        raise InvalidInputError(
            f"{len(missing)} of {len(found)} images have no group; {shown} {problem}; accepted: a group for each image"
        )
