"""Fingerprints of data sets on the server, as the gateway computes them. See `content`."""

from collections.abc import Sequence
from pathlib import Path

from edgepress_common.layout.content import ContentDigests, layout_fingerprint
from edgepress_common.layout.group_table import read_group_table
from edgepress_common.layout.problems import problem
from edgepress_common.layout.reading import read_layout
from edgepress_common.layout.regular_file import open_regular
from edgepress_common.layout.roots import find_under_roots

_REMEMBERED = ContentDigests()  # one for the process, because all requests see the same files


def folder_fingerprint(
    path: str, roots: Sequence[Path], *, max_unreadable_share: float, table: str | None = None
) -> str:
    """Return the fingerprint of a folder of class folders.

    Args:
        path: The folder, as a spec names it.
        roots: Folders that are open to specs.
        max_unreadable_share: Share of the images that may be unreadable, 0 to 1.
        table: Name of the table of groups; None without one.

    Raises:
        InvalidSpecError: The folder is not valid, or too many of its files are known to be unreadable.
    """
    root = find_under_roots(path, roots)
    layout = read_layout(root, roots=roots)
    unusable, total = len(layout.unusable), len(layout.files) + len(layout.unusable)
    if unusable > max_unreadable_share * total:
        first = layout.unusable[0]
        message = f"{unusable} of {total} images can't be read; {first.path!r} {first.reason}"
        raise problem("dataset.path", path, message, f"up to {max_unreadable_share:.2%} (dataset.max_unreadable_share)")
    extra = "" if table is None else read_group_table(table, layout.root, roots).digest
    return layout_fingerprint(layout, _REMEMBERED.of([f"{layout.root}/{file.path}" for file in layout.files]), extra)


def file_fingerprint(path: Path) -> str:
    """Return the fingerprint of a single file: the SHA-256 of its content.

    Raises:
        OSError: The file can't be read, or is not a regular file.
    """
    open_regular(path).close()
    return _REMEMBERED.of([path])[0]
