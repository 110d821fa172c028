"""Artifacts: immutable bytes, named by their SHA-256, and the stores that keep them.

- `reference`: the name, size and type of an artifact;
- `store`: the interface of the stores; `folder` and `s3`: the implementations; `copies`: the local cache of `s3`;
- `address`: parses the setting ``EDGEPRESS_ARTIFACTS``; `opening`: opens the store at an address.
"""

from edgepress_common.artifacts.folder import FolderStore
from edgepress_common.artifacts.reference import (
    NAME,
    OWNER,
    ArtifactRef,
    CorruptArtifactError,
    MissingArtifactError,
    Sha256,
    StoredArtifact,
)
from edgepress_common.artifacts.store import ArtifactStore

__all__ = [
    "NAME",
    "OWNER",
    "ArtifactRef",
    "ArtifactStore",
    "CorruptArtifactError",
    "FolderStore",
    "MissingArtifactError",
    "Sha256",
    "StoredArtifact",
]
