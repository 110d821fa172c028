"""The declarations, one file for each figure or family of figures."""

from collections import Counter
from pathlib import Path

from edgepress_common.figures.figure import Figure
from edgepress_common.registry import DeclarationError, declarations


def _declared() -> dict[str, Figure]:
    declared = declarations(Figure, package=__name__, path=__path__, folder="figures")
    for file, each in declared:
        if each.is_always_known and file.parent != Path(__file__).parent:
            raise DeclarationError(
                f"{file}: the figure {each.name!r} has is_always_known=True; accepted in an extension folder: False, "
                "because results of before the figure was added do not have it"
            )
    found = [each for _, each in declared]
    for what, names in (
        ("name", [each.name for each in found]),
        ("column", [each.column for each in found]),
        ("criterion", [each.goal.criterion for each in found if each.goal is not None]),
        ("goal field", [each.goal.field for each in found if each.goal is not None]),
    ):
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise DeclarationError(f"figures declare the {what} {twice[0]!r} twice; accepted: once")
    leaks = [each.name for each in found if each.split == "test" and each.goal is not None]
    if leaks:
        raise DeclarationError(f"the figure {leaks[0]!r} has a goal; accepted: a figure that is not of the test split")
    return {each.name: each for each in sorted(found, key=lambda each: (each.csv_position, each.name))}


FIGURES = _declared()
"""All figures by name, in the order of their CSV columns."""
