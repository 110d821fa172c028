"""A .tflite file as plain values: its tensors and its operators, in the order they run.

TensorFlow's generated classes read the flatbuffer; arrays are views of its bytes, so nothing is copied.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

from edgepress_common.errors import StepFailedError
from edgepress_worker.tflite.sparse_encoding import Level, SparseEncoding

_OPERATOR_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
_TYPE_NAMES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
_NO_TENSOR = -1  # stands for an optional input that is left out


@dataclass(frozen=True)
class Tensor:
    """A value that flows between operators, or a constant.

    Attributes:
        name: From the Keras layers it came from; several, where they were fused.
        shape: Its dimensions.
        type: As numpy writes it, or ``int4`` and the like where numpy has none.
        content: The bytes of a constant, uint8 ``(n,)``; None for what is only known when the network runs.
        zero_points: Codes that stand for 0: one, or one per channel; empty if not quantized.
        quantized_axis: The dimension that counts the channels.
        sparse_encoding: How ``content`` leaves out zeros; None if it doesn't.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    content: npt.NDArray[np.uint8] | None = None
    zero_points: tuple[int, ...] = ()
    quantized_axis: int = 0
    sparse_encoding: SparseEncoding | None = None


@dataclass(frozen=True)
class Operator:
    """One step of the computation.

    Attributes:
        name: As in ``CONV_2D``; its own name for one that is no part of TFLite.
        inputs: Indices of tensors, None where an optional one is left out.
        outputs: Indices of tensors.
    """

    name: str
    inputs: tuple[int | None, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class TfliteModel:
    """All there is in a file.

    Attributes:
        tensors: What the indices elsewhere stand for.
        operators: In the order in which they run.
        inputs: Indices of the tensors that go in.
        outputs: Indices of the tensors that come out.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def operator_counts(self) -> dict[str, int]:
        """How many of each operator there are, by name."""
        return dict(sorted(Counter(operator.name for operator in self.operators).items()))

    def producer(self, tensor: int) -> Operator | None:
        """The operator that a tensor comes from; None for a constant or an input."""
        return next((operator for operator in self.operators if tensor in operator.outputs), None)


def read_tflite(path: Path) -> TfliteModel:
    """Reads a file; see `parse_tflite`."""
    return parse_tflite(path.read_bytes())


def parse_tflite(content: bytes) -> TfliteModel:
    """Makes sense of a file's bytes.

    Raises:
        StepFailedError: It has several subgraphs (control flow), which no classifier of the catalogue needs.
    """
    file = schema.ModelT.InitFromPackedBuf(content)
    if len(file.subgraphs) != 1:
        raise StepFailedError(f"the .tflite has {len(file.subgraphs)} subgraphs; only files with one are understood")
    graph = file.subgraphs[0]
    return TfliteModel(
        tensors=tuple(_tensor(tensor, file.buffers) for tensor in graph.tensors),
        operators=tuple(_operator(operator, file.operatorCodes) for operator in graph.operators),
        inputs=tuple(int(index) for index in graph.inputs),
        outputs=tuple(int(index) for index in graph.outputs),
    )


def _tensor(tensor: Any, buffers: Sequence[Any]) -> Tensor:
    quantization = tensor.quantization
    zero_points = None if quantization is None else quantization.zeroPoint
    return Tensor(
        name=tensor.name.decode(),
        shape=_integers(tensor.shape),
        type=_TYPE_NAMES[tensor.type],
        content=buffers[tensor.buffer].data,
        zero_points=_integers(zero_points),
        quantized_axis=0 if quantization is None else quantization.quantizedDimension,
        sparse_encoding=None if tensor.sparsity is None else _sparse_encoding(tensor.sparsity),
    )


def _sparse_encoding(sparsity: Any) -> SparseEncoding:
    return SparseEncoding(
        order=_integers(sparsity.traversalOrder),
        blocked_dimensions=_integers(sparsity.blockMap),
        levels=tuple(_level(level) for level in sparsity.dimMetadata),
    )


def _level(level: Any) -> Level:
    if level.format == schema.DimensionType.DENSE:
        return Level(size=level.denseSize)
    return Level(segments=np.asarray(level.arraySegments.values), indices=np.asarray(level.arrayIndices.values))


def _operator(operator: Any, codes: Sequence[Any]) -> Operator:
    code = codes[operator.opcodeIndex]
    # Two fields, because the first was one byte wide and ran out.
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    custom = builtin == schema.BuiltinOperator.CUSTOM
    return Operator(
        name=code.customCode.decode() if custom else _OPERATOR_NAMES[builtin],
        inputs=tuple(None if index == _NO_TENSOR else index for index in _integers(operator.inputs)),
        outputs=_integers(operator.outputs),
    )


def _integers(numbers: Any) -> tuple[int, ...]:
    return () if numbers is None else tuple(int(number) for number in numbers)
