"""Unpacks the images of a zip or tar that somebody sent.

The archive is taken for hostile. Only regular files named like images are written, under the names they have below the
folder given; a name that leads elsewhere, a link or a device is refused, as is an archive with too many members, or one
that grows past a limit while it is unpacked, whatever sizes it claims. Nothing it says makes this process read more
than a few MiB into memory at once.
"""

import bz2
import gzip
import io
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from edgepress_common.errors import EdgepressError, InvalidInputError
from edgepress_common.layout import IMAGE_SUFFIXES
from edgepress_worker.datasets.meter import Meter
