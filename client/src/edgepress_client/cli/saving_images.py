"""Saves images of packed data sets, for commands that show some."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from edgepress_client.client import Client
from edgepress_client.files import check_absent, whole_file

ImagesOption = Annotated[
    Path | None, typer.Option("--to", metavar="FOLDER", help="Save the images there, as PNG (default: only list them).")
]
TopOption = Annotated[int, typer.Option("--top", metavar="N", min=1, max=100, help="Number of images.")]


def save_images(
    client: Client, images_sha256: str, names: Iterable[tuple[int, str]], folder: Path, *, overwrite: bool
) -> None:
    """Save images as PNG files, each named by its row and some words.

    Args:
        client: The client.
        images_sha256: Artifact with the images.
        names: Row and words of each image.
        folder: The folder, created if it does not exist.
        overwrite: Whether existing files are replaced.

    Raises:
        FileExistsAlreadyError: A file exists, and ``overwrite`` is False.
    """
    for index, words in names:
        target = folder / f"{index:06d}-{_harmless(words)}.png"
        check_absent(target, overwrite=overwrite)
        content = client.datasets.image(images_sha256, index)
        with whole_file(target) as file:
            file.write(content)


def _harmless(words: str) -> str:
    # Users name classes: a name is never a path.
    return "".join(character if character.isalnum() or character in "._+-" else "-" for character in words)[:100]
