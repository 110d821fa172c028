"""Restores .tflite files from coded files."""

from pathlib import Path

from edgepress_client.errors import MissingLibraryError
from edgepress_client.files import check_absent
from edgepress_common.artifacts import ArtifactRef
from edgepress_common.errors import InvalidInputError


def restore(coded: Path, target: Path, *, overwrite: bool = False) -> ArtifactRef:
    """Restore a .tflite file, and return its SHA-256 and size. The file appears only once it is verified.

    Args:
        coded: The coded file (.epz).
        target: The file to write.
        overwrite: Whether an existing file is replaced.

    Raises:
        MissingLibraryError: numpy is not installed.
        InvalidInputError: The coded file is damaged or can't be read, or the target can't be written.
        FileExistsAlreadyError: The target exists, and ``overwrite`` is False.
    """
    try:
        from edgepress_common.bundle_files.decode import CodedFileError, decode_file  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingLibraryError(
            "decoding needs numpy, which is not installed; install it with: pip install 'edgepress-client[coded]'"
        ) from error
    check_absent(target, overwrite=overwrite)
    try:
        header = decode_file(coded, target)
    except CodedFileError as error:
        raise InvalidInputError(f"{coded}: {error}") from error
    except OSError as error:
        raise InvalidInputError(f"can't restore {target} from {coded}: {error.strerror or error}") from error
    return ArtifactRef(sha256=header.sha256, size_bytes=header.size_bytes)
