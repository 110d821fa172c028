"""The layout of labelled images in folders, found by listing, without opening an image.

1. `folders` lists one level: class folders and their files, with every link checked.
2. `split_names` knows the usual names of the folders of a split.
3. `reading` combines both to a `Layout`; `joining` combines two or three layouts.
4. `content` and `fingerprints` compute the fingerprint: a digest of the content of all files.

The gateway lists folders to validate specs and to compute fingerprints, the worker to pack images.
"""

from edgepress_common.layout.content import UNREADABLE, ContentDigests, layout_fingerprint
from edgepress_common.layout.file_names import is_clutter, is_companion, is_hidden_image
from edgepress_common.layout.fingerprints import file_fingerprint, folder_fingerprint
from edgepress_common.layout.group_table import read_group_table
from edgepress_common.layout.joining import join_layouts
from edgepress_common.layout.model import ImageFile, Layout, LeftOutFile
from edgepress_common.layout.reading import read_class_folders, read_layout
from edgepress_common.layout.regular_file import open_regular
from edgepress_common.layout.roots import find_under_roots

__all__ = [
    "UNREADABLE",
    "ContentDigests",
    "ImageFile",
    "Layout",
    "LeftOutFile",
    "file_fingerprint",
    "find_under_roots",
    "folder_fingerprint",
    "is_clutter",
    "is_companion",
    "is_hidden_image",
    "join_layouts",
    "layout_fingerprint",
    "open_regular",
    "read_class_folders",
    "read_group_table",
    "read_layout",
]
