"""Folders that are sent as an archive: nothing is missing without a trace."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from edgepress_client.folder_archive import write_folder
from edgepress_common.errors import InvalidInputError


def written(folder: Path) -> set[str]:
    """Return the names in the zip of a folder."""
    file = io.BytesIO()
    write_folder(folder, file)
    return set(zipfile.ZipFile(file).namelist())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes with a file each."""
    for name in ("cat/0.jpg", "dog/0.jpg"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"image")
    return tmp_path / "data"


@pytest.mark.parametrize("name", ["0.webp", "0.jfif", "0.BMP", "0.gif", "0.heic", "scan", "0.jpg.tmp", "notes.xml"])
def test_the_gateway_sees_every_file(folder: Path, name: str) -> None:
    """It reads the file, or counts and names it."""
    (folder / "horse").mkdir()
    (folder / "horse" / name).write_bytes(b"image")
    assert written(folder) == {"cat/", "cat/0.jpg", "dog/", "dog/0.jpg", "horse/", f"horse/{name}"}


def test_an_empty_class_is_sent(folder: Path) -> None:
    """The gateway refuses it by its name."""
    (folder / "horse").mkdir()
    assert "horse/" in written(folder)


def test_what_operating_systems_add_is_left_out(folder: Path) -> None:
    """Left out by the rule that the gateway has."""
    (folder / "cat" / ".DS_Store").write_bytes(b"x")
    (folder / "cat" / "Thumbs.db").write_bytes(b"x")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "0.jpg").write_bytes(b"x")
    assert written(folder) == {"cat/", "cat/0.jpg", "dog/", "dog/0.jpg"}


def test_links_are_followed(folder: Path, tmp_path: Path) -> None:
    """A class folder that is a link is a class."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "1.png").write_bytes(b"image")
    (folder / "horse").symlink_to(elsewhere)
    (folder / "cat" / "1.png").symlink_to(elsewhere / "1.png")
    assert {"horse/", "horse/1.png", "cat/1.png"} <= written(folder)


def test_a_link_in_a_circle_is_refused(folder: Path) -> None:
    """Refused with the link, instead of a path that is too long."""
    (folder / "cat" / "all").symlink_to(folder)
    with pytest.raises(InvalidInputError, match="cat/all leads to a folder that contains it"):
        written(folder)


def test_what_can_not_be_sent_is_refused_by_its_name(folder: Path) -> None:
    """A link that leads nowhere, a pipe, a name that is not UTF-8."""
    (folder / "cat" / "1.png").symlink_to(folder / "nowhere.png")
    with pytest.raises(InvalidInputError, match=r"cat/1\.png is neither a file nor a link to one"):
        written(folder)
    (folder / "cat" / "1.png").unlink()
    os.mkfifo(folder / "dog" / "pipe")
    with pytest.raises(InvalidInputError, match="dog/pipe is neither"):
        written(folder)
    (folder / "dog" / "pipe").unlink()
    Path(os.fsdecode(bytes(folder) + b"/dog/\xe9.jpg")).write_bytes(b"image")
    with pytest.raises(InvalidInputError, match=r"dog/\\udce9\.jpg' is not UTF-8"):
        written(folder)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    """Refused before anything is sent; a text file is not an image."""
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "notes.txt").write_text("none yet")
    with pytest.raises(InvalidInputError, match="has no images; accepted: class folders of images"):
        written(tmp_path)
