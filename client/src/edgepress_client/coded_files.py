"""Restores .tflite files from coded files."""

from pathlib import Path

from edgepress_client.errors import MissingLibraryError
from edgepress_client.files import check_absent
from edgepress_common.artifacts import ArtifactRef
from edgepress_common.errors import InvalidInputError


def restore(coded: Path, target: Path | None = None, *, overwrite: bool = False) -> dict[Path, ArtifactRef]:
    """Restore the .tflite files of a coded file; each appears only once it is verified.

    Args:
        coded: The coded file (.epz).
        target: The file to write, or the folder of the files of a coded file with several. None for the coded file's
            name with .tflite, and for its folder.
        overwrite: Whether existing files are replaced.

    Returns:
        SHA-256 and size of each file.

    Raises:
        MissingLibraryError: numpy is not installed.
        InvalidInputError: The coded file is damaged or can't be read, or the target can't be written.
        FileExistsAlreadyError: The target exists, and ``overwrite`` is False.
    """
    try:
        from edgepress_common.bundle_files.decode import CodedFileError, decode_file, decode_files, read_headers  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingLibraryError(
            "decoding needs numpy, which is not installed; install it with: pip install 'edgepress-client[coded]'"
        ) from error
    try:
        with coded.open("rb") as source:
            headers = read_headers(source)
        if len(headers) > 1:
            folder = coded.parent if target is None else target
            targets = [folder / header.name for header in headers]
            check_absent(*targets, overwrite=overwrite)
            decode_files(coded, folder)
        else:
            targets = [coded.with_suffix(".tflite") if target is None else target]
            check_absent(*targets, overwrite=overwrite)
            decode_file(coded, targets[0])
    except CodedFileError as error:
        raise InvalidInputError(f"{coded}: {error}") from error
    except OSError as error:
        raise InvalidInputError(
            f"can't restore {target or coded.name} from {coded}: {error.strerror or error}"
        ) from error
    return {
        path: ArtifactRef(sha256=header.sha256, size_bytes=header.size_bytes)
        for path, header in zip(targets, headers, strict=True)
    }
