"""Reads the group table: which images belong together and must be in the same part of a split."""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgepress_common.class_names import printable
from edgepress_common.layout.problems import problem, problems_of
from edgepress_common.layout.regular_file import open_regular
from edgepress_common.layout.roots import is_under

_FIELD = "dataset.groups.table"
_ACCEPTED = "a CSV file in UTF-8 below the data set's folder, with the columns image and group"
_MAX_BYTES = 256 << 20


@dataclass(frozen=True)
class GroupTable:
    """A table of groups.

    Attributes:
        groups: Group of each image, by the image's path below the data set's folder.
        digest: SHA-256 of the file, in hexadecimal.
    """

    groups: dict[str, str]
    digest: str


def read_group_table(name: str, root: Path, roots: Sequence[Path]) -> GroupTable:
    """Read a group table.

    Args:
        name: Its path below the data set's folder.
        root: The data set's folder.
        roots: Folders that are open to specs.

    Raises:
        InvalidSpecError: The file does not exist, lies outside the folder, or is not a valid group table.
    """
    with problems_of(_FIELD, name, _ACCEPTED, what="file"):
        path = (root / name).resolve()
        if not path.is_relative_to(root.resolve()) or not is_under(path, roots):
            raise ValueError("lies outside the data set's folder")
        with open_regular(path) as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ValueError(f"has more than {_MAX_BYTES} bytes, the limit")
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
        try:
            columns = rows.fieldnames or ["none"]
            if not {"image", "group"} <= set(columns):
                raise problem(_FIELD, name, f"has the columns {printable(', '.join(columns)):.200}", _ACCEPTED)
            groups = {row["image"].strip(): row["group"].strip() for row in rows}
        except (csv.Error, AttributeError):  # a row that is too short has None
            raise problem(_FIELD, name, f"is not a table; see line {rows.line_num}", _ACCEPTED) from None
    return GroupTable(groups, hashlib.sha256(content).hexdigest())
