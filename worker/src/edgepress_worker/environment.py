"""The worker's environment on its machine."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Environment:
    """Folders that steps need.

    Attributes:
        dataset_roots: Folders that may contain data sets.
        downloads: Folder for downloaded data sets and weights.
    """

    dataset_roots: tuple[Path, ...]
    downloads: Path
