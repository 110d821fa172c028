"""Counting the images of an uploaded zip by folder."""

import io
import zipfile
from pathlib import Path

import pytest

from edgepress_api.datasets.zip_folders import count_by_folder
from edgepress_common.artifacts import FolderStore

FILES = (
    "cells/train/a/1.png",
    "cells/train/a/2.png",
    "cells/train/b/ä.png",
    "cells/notes.txt",
    "__MACOSX/._1.png",
    "3.png",
)


def zipped(comment: bytes = b"") -> bytes:
    """Return a zip of files and a folder."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.mkdir("cells/empty")
        for name in FILES:
            archive.writestr(name, name.encode() * 10)
        archive.comment = comment
    return content.getvalue()


@pytest.mark.parametrize("comment", [b"", b"c" * 65_535])
def test_images_are_counted_by_folder(tmp_path: Path, comment: bytes) -> None:
    """Without notes and the files that systems add."""
    store = FolderStore(tmp_path)
    stored = store.put_bytes(zipped(comment))
    found = count_by_folder(store, stored.sha256, stored.size_bytes)
    assert found == {".": 1, "cells/train/a": 2, "cells/train/b": 1}


def test_what_is_not_an_intact_zip_has_no_counts(tmp_path: Path) -> None:
    """However it is damaged, an answer is returned."""
    store, whole = FolderStore(tmp_path), zipped()
    for content in (b"PK", whole[:-1], whole[:100], whole.replace(b"PK\x01\x02", b"PK\x01\x03"), whole[-22:],
                    whole[:-6] + b"\xff" * 6, whole[:-12] + b"\xff" * 12, whole[:-22]):  # fmt: skip
        stored = store.put_bytes(content)
        count_by_folder(store, stored.sha256, stored.size_bytes)
