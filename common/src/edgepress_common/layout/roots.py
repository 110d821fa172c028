"""Checks that the paths in a spec are below the folders that the server opens to specs."""

from collections.abc import Sequence
from pathlib import Path

from edgepress_common.layout.problems import problem, problems_of


def find_under_roots(text: str, roots: Sequence[Path], *, field: str = "dataset.path") -> Path:
    """Return a path of a spec with all links resolved.

    Args:
        text: The path from the spec. It need not exist.
        roots: Folders that are open to specs.
        field: Field of the spec, for errors.

    Raises:
        InvalidSpecError: The path leads outside the roots, or is not valid.
    """
    accepted = f"a path under {', '.join(map(str, roots))}" if roots else "none: this server has no folders for it"
    with problems_of(field, text, accepted):
        path = Path(text).resolve()
        if is_under(path, roots):
            return path
    raise problem(field, text, "lies outside the folders that data sets are taken from", accepted)


def is_under(path: Path, roots: Sequence[Path]) -> bool:
    """Return whether a path, with links resolved, lies under one of the roots."""
    return any(path.is_relative_to(root.resolve()) for root in roots)
