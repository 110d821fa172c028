"""Whether a file stores the zeros of a pruned network.

Both ways are written, because a report shows both. Measured for ResNet18 at 64x64 with 80 % zeros, dense against
sparse: float32 44.7 and 12.8 MB, float16 22.4 and 8.3, int16x8 11.4 and 6.3, int8 11.3 and 6.2; a ``dynamic`` file is
always dense. Integer codes gain from about 60 % zeros on. Zipped it is another matter: 12.7 and 10.0 MB for float32,
but 3.5 and 3.8 for int8: a zip archive finds the zeros itself, and their places cost more than it takes. An inference
takes the same time, loading a tenth of a second longer; see `tflite.sparse_file`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from edgepress_common.errors import BrokenPromiseError
from edgepress_common.promises import LayerPromise
from edgepress_worker.tflite.model import TfliteModel, read_tflite
from edgepress_worker.tflite.sparse_file import with_zeros_left_out
from edgepress_worker.tflite.weights import read_weights
from edgepress_worker.zip_size import FileSize, weigh


@dataclass(frozen=True)
class EncodedFile:
    """The file to store.

    Attributes:
        path: Where it is.
        encoding: Of it.
        dense: Size of the file with its zeros in it.
        sparse: Size of the one without; None if nobody tried, or nothing could be left out.
    """

    path: Path
    encoding: Literal["dense", "sparse"]
    dense: FileSize
    sparse: FileSize | None

    @property
    def size(self) -> FileSize:
        """Of the file to store."""
        return self.sparse if self.encoding == "sparse" and self.sparse is not None else self.dense


def encode(
    dense: Path, wanted: Literal["smallest", "dense", "sparse"], promises: Iterable[LayerPromise]
) -> EncodedFile:
    """Chooses between a file and the same without its zeros.

    Args:
        dense: The file; the other one is written beside it.
        wanted: As the spec has it.
        promises: Of the network's layers: if none was pruned, the file stays as it is.

    Raises:
        BrokenPromiseError: The sparse file has other weights.
    """
    pruned = any(promise.sparsity is not None or promise.pattern is not None for promise in promises)
    content = with_zeros_left_out(dense.read_bytes()) if pruned else None
    if content is None:
        (dense_size,) = weigh(dense)
        return EncodedFile(dense, "dense", dense_size, None)
    sparse = dense.with_name(f"{dense.stem}-sparse{dense.suffix}")
    sparse.write_bytes(content)
    _check_weights(read_tflite(sparse), read_tflite(dense))
    dense_size, sparse_size = weigh(dense, sparse)
    smaller = sparse_size.size_bytes < dense_size.size_bytes
    if wanted == "sparse" or (wanted == "smallest" and smaller):
        return EncodedFile(sparse, "sparse", dense_size, sparse_size)
    return EncodedFile(dense, "dense", dense_size, sparse_size)


def _check_weights(sparse: TfliteModel, dense: TfliteModel) -> None:
    for one, other in zip(read_weights(sparse), read_weights(dense), strict=True):
        if not np.array_equal(one.codes, other.codes, equal_nan=one.codes.dtype.kind == "f"):
            raise BrokenPromiseError(
                f"leaving out the zeros has changed the weights {dense.tensors[other.tensor].name!r}: ask for the "
                "export with encoding: dense, and report this"
            )
