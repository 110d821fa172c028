"""Opens the store at an address, and checks that it exists."""

import sys
from pathlib import Path

from edgepress_common.artifacts.address import parse_address
from edgepress_common.artifacts.folder import FolderStore
from edgepress_common.artifacts.store import ArtifactStore


def open_store(address: str, *, copies: Path, copies_bytes: int) -> ArtifactStore:
    """Return the store at an address, without connecting to it.

    Args:
        address: See `parse_address`.
        copies: Folder for local copies; used with S3 only.
        copies_bytes: Maximum size of the local copies in bytes; used with S3 only.
    """
    parsed = parse_address(address)
    if isinstance(parsed, Path):
        return FolderStore(parsed)
    # Imported only if used: boto3 needs half a second and about 30 MB of memory.
    from edgepress_common.artifacts.copies import LocalCopies  # noqa: PLC0415
    from edgepress_common.artifacts.s3 import S3Store, connect  # noqa: PLC0415

    return S3Store(parsed, LocalCopies(copies, copies_bytes), lambda: connect(parsed))


def check_store_or_exit(address: str) -> None:
    """End the process with a sentence if the store at an address does not exist.

    Args:
        address: See `parse_address`. A folder is created when it is first used. A server of S3 that does not answer
            may be started later: it is not checked.
    """
    parsed = parse_address(address)
    if isinstance(parsed, Path):
        return
    from edgepress_common.artifacts.s3 import connect, find_fault  # noqa: PLC0415 - as above

    if fault := find_fault(parsed, connect(parsed, attempts=1)):
        sys.exit(f"EDGEPRESS_ARTIFACTS: {fault}")
