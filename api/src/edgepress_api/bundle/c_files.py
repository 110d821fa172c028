"""Writes the zip with a model as C source. The same model gives the same bytes."""

import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from edgepress_api.bundle.packing import IN_MEMORY_BYTES, Bundle, zip_entry
from edgepress_common.bundle_files.c_source import CModel, c_header, c_identifier, c_source


def pack_c_source(bundle: Bundle, model: Path) -> IO[bytes]:
    """Return the zip as an open file at its beginning, which the caller closes.

    Args:
        bundle: The model's contents of a bundle.
        model: The .tflite file.
    """
    row, dataset = bundle.rows[0], bundle.report.dataset
    assert dataset is not None, "else there would be no bundle"
    content = model.read_bytes()
    described = CModel(
        name=c_identifier(bundle.name),
        size_bytes=len(content),
        sha256=row.model_sha256,
        classes=dataset.classes,
        tensors=row.tensors,
    )
    target: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115  the caller closes it
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        _write(archive, described.header, [c_header(described)])
        _write(archive, described.source, c_source(described, content))
    target.seek(0)
    return target


def _write(archive: zipfile.ZipFile, name: str, texts: Iterable[str]) -> None:
    with archive.open(zip_entry(name), "w") as file:
        for text in texts:
            file.write(text.encode())
