"""Archives of class folders, and packing them as uploads."""

import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgepress_common.messages import Outputs
from edgepress_common.results import PackResult
from edgepress_common.spec import UploadDataset
from edgepress_worker.datasets import pack_dataset
from edgepress_worker.environment import Environment
from fakes.step_context import PlainContext

SIDE = 16


def pack_upload(archive: Path, context: PlainContext, **settings: Any) -> tuple[Outputs, PackResult]:
    """Packs an archive as if it had been uploaded, with settings of its data set."""
    reference = context.store.put_file(archive)
    dataset = UploadDataset(sha256=reference.sha256, image_size=SIDE, **settings)
    return pack_dataset(dataset, context, Environment(dataset_roots=(), downloads=archive.parent / "none"))


def zip_of(path: Path, folder: Path, top: str = "") -> Path:
    """A zip with a folder's files below ``top``, and entries for the folders too."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, f"{top}{file.relative_to(folder)}")
    return path


def tar_of(path: Path, folder: Path, mode: str, top: str = ".") -> Path:
    """A tar likewise, as ``tar -c`` makes it."""
    with tarfile.open(path, f"w:{mode}") as archive:  # type: ignore[call-overload]  # the mode is one of a few
        archive.add(folder, top)
    return path


ARCHIVERS: dict[str, Callable[[Path, Path], Path]] = {
    "zip": zip_of,
    "zip with a top folder": lambda path, folder: zip_of(path, folder, top="my cells/v2/"),
    "tar": lambda path, folder: tar_of(path, folder, ""),
    "tar.gz": lambda path, folder: tar_of(path, folder, "gz"),
    "tar.bz2": lambda path, folder: tar_of(path, folder, "bz2"),
    "tar.xz with a top folder": lambda path, folder: tar_of(path, folder, "xz", top="cells"),
}
