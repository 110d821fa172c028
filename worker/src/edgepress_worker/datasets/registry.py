"""Which source provides which kind of data set."""

from typing import Any

from edgepress_worker.datasets.builtin import BuiltinSource
from edgepress_worker.datasets.folder import FolderSource
from edgepress_worker.datasets.nct_crc_he import NctCrcHeSource
from edgepress_worker.datasets.npz import NpzSource
from edgepress_worker.datasets.source import Source
from edgepress_worker.datasets.upload import UploadSource

SOURCES: dict[str, Source[Any]] = {
    "builtin": BuiltinSource(),
    "folder": FolderSource(),
    "npz": NpzSource(),
    "upload": UploadSource(),
    "nct-crc-he": NctCrcHeSource(),
}
