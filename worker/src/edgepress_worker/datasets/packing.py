"""Packs a data set, whatever its kind.

1. The set's source finds images and labels; the set is split, if it brings no split.
2. Two .npy files are made at full size. Each image has its row there from the start, so the order in which decoders end
   doesn't show.
3. The decoders write the rows. Images that can't be read are counted; too many of them, or a class that has none left,
   fail the step.
4. The rows of unreadable images are closed up, and all goes into the store.
"""

from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from edgepress_common.artifacts import ArtifactRef, ArtifactStore
from edgepress_common.errors import InvalidInputError, UnreadableDatasetError
from edgepress_common.messages import Outputs
from edgepress_common.results import PackResult, UnreadableImage
from edgepress_common.spec.dataset import Dataset, NctCrcHeDataset
from edgepress_worker.context import StepContext
from edgepress_worker.datasets.decoder_process import Setup, Task
from edgepress_worker.datasets.decoders import decode_all
from edgepress_worker.datasets.meter import Meter
from edgepress_worker.datasets.registry import SOURCES
from edgepress_worker.datasets.row_file import RowFile
from edgepress_worker.datasets.source import LabelledSet, Workplace
from edgepress_worker.datasets.split import split_by_class
from edgepress_worker.run import Environment
