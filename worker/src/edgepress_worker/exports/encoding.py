"""Choice between dense and sparse encoding for the file of a pruned network.

Both files are written, because a report shows both sizes. Sizes of ResNet18 at 64x64 with 80 % zeros:

- float32: 44.7 MB dense, 12.8 MB sparse
- float16: 22.4 MB dense, 8.3 MB sparse
- int16x8: 11.4 MB dense, 6.3 MB sparse
- int8: 11.3 MB dense, 6.2 MB sparse
- a ``dynamic`` file is always dense

Files with integer weights become smaller from about 60 % zeros on. Zipped files differ: 12.7 MB dense and 10.0 MB
sparse for float32, but 3.5 and 3.8 MB for int8, because a zip archive compresses the zeros itself, to fewer bytes than
their positions need. An inference takes the same time; loading takes a tenth of a second longer, see
`tflite.sparse_file`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from edgepress_common.errors import BrokenPromiseError
from edgepress_common.promises import LayerPromise
from edgepress_common.spec.export import Encoding
from edgepress_worker.coded.file import coded_file
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.sparse_file import with_zeros_left_out
from edgepress_worker.zip_size import FileSize, weigh


@dataclass(frozen=True)
class EncodedFile:
    """The file to store.

    Attributes:
        path: Path of the file.
        contents: The parsed file.
        encoding: Encoding of the file.
        dense: Size of the file with its zeros.
        sparse: Size of the file without its zeros; None if no layer was pruned, or sparse encoding saves no bytes.
    """

    path: Path
    contents: TfliteFile
    encoding: Literal["dense", "sparse"]
    dense: FileSize
    sparse: FileSize | None

    @property
    def size(self) -> FileSize:
        """Size of the file to store."""
        return self.sparse if self.encoding == "sparse" and self.sparse is not None else self.dense


def encode(
    path: Path,
    dense: TfliteFile,
    wanted: Encoding,
    promises: Iterable[LayerPromise],
    *,
    finish: Callable[[bytes], bytes] = lambda content: content,
) -> EncodedFile:
    """Choose between a file and the same file without its zeros.

    Args:
        path: The dense file; the sparse one is written next to it.
        dense: The parsed dense file, before it was finished.
        wanted: Requested encoding, from the spec.
        promises: Promises about the network's layers. If no layer was pruned, the file stays dense.
        finish: Function that makes the file from what is written, as it has made the dense one.

    Raises:
        BrokenPromiseError: The weights of the sparse file differ from those of the dense one.
    """
    pruned = any(promise.sparsity is not None or promise.pattern is not None for promise in promises)
    content = with_zeros_left_out(dense) if pruned else None
    if content is None:
        (dense_size,) = weigh(path)
        return EncodedFile(path, dense, "dense", dense_size, None)
    content = finish(content)
    sparse_path = path.with_name(f"{path.stem}-sparse{path.suffix}")
    sparse_path.write_bytes(content)
    sparse = TfliteFile.parse(content)
    _check_weights(sparse, dense)
    dense_size, sparse_size = weigh(path, sparse_path)
    match wanted:
        case "smallest":
            is_sparse = sparse_size.size_bytes < dense_size.size_bytes
        case "smallest_to_send":
            is_sparse = len(coded_file(content)) < len(coded_file(path.read_bytes()))
        case _:
            is_sparse = wanted == "sparse"
    if is_sparse:
        return EncodedFile(sparse_path, sparse, "sparse", dense_size, sparse_size)
    return EncodedFile(path, dense, "dense", dense_size, sparse_size)


def _check_weights(sparse: TfliteFile, dense: TfliteFile) -> None:
    for one, other in zip(sparse.weights, dense.weights, strict=True):
        if not np.array_equal(one.codes, other.codes, equal_nan=one.codes.dtype.kind == "f"):
            name = dense.model.tensors[other.tensor].name
            raise BrokenPromiseError(
                f"leaving out the zeros has changed the weights {name!r}: ask for the export with encoding: dense, and "
                "report this"
            )
