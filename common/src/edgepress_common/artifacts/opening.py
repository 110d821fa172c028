"""Opens the store at an address."""

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
