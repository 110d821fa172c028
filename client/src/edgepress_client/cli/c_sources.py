"""Writes pulled models as C source, for `edgepress pull --c-source`."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from edgepress_client.files import check_absent, whole_file
from edgepress_common.bundle_files.c_source import CModel, c_header, c_identifier, c_source
from edgepress_common.bundle_files.preprocessing import LABELS, PREPROCESSING, Preprocessing


def write_c_sources(models: Sequence[Path], folder: Path, *, overwrite: bool) -> list[Path]:
    """Write a header and a source for each model, and return their paths, relative to the folder.

    Args:
        models: Paths of the .tflite files, relative to the folder.
        folder: The folder with labels.txt and preprocessing.json of the models.
        overwrite: Whether existing files are replaced.

    Raises:
        FileExistsAlreadyError: One of the files exists, and ``overwrite`` is False.
    """
    preprocessing = Preprocessing.model_validate_json((folder / PREPROCESSING).read_bytes())
    classes = tuple((folder / LABELS).read_text(encoding="utf-8").splitlines())
    names: list[str] = []
    for path in models:
        names.append(c_identifier(str(path.with_suffix("")), names))
    files = [Path(f"{name}{ending}") for name in names for ending in (".h", ".c")]
    check_absent(*(folder / file for file in files), overwrite=overwrite)
    for path, name in zip(models, names, strict=True):
        content = (folder / path).read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        model = CModel(name, len(content), sha256, classes, preprocessing.models.get(path.as_posix()))
        with whole_file(folder / model.header) as header:
            header.write(c_header(model).encode())
        with whole_file(folder / model.source) as source:
            source.writelines(text.encode() for text in c_source(model, content))
    return files
