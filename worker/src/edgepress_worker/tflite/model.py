"""A .tflite file as plain values: its tensors, and its operators in execution order.

TensorFlow's generated classes read the flatbuffer. Arrays are views of its bytes and are not copied.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

from edgepress_common.errors import StepFailedError
from edgepress_common.tensors import ModelDescription, TensorDescription
from edgepress_worker.tflite.sparse_encoding import Level, SparseEncoding

_OPERATOR_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
_TYPE_NAMES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
_NO_TENSOR = -1  # index of an optional input that is left out


@dataclass(frozen=True)
class Tensor:
    """A value that flows between operators, or a constant.

    Attributes:
        name: Path of the Keras layer that it comes from; several paths if layers were fused.
        shape: Its dimensions.
        type: Name of the type in numpy, or in TFLite if numpy does not have the type, such as ``int4``.
        content: The bytes of a constant, uint8 ``(n,)``; None for a tensor that is computed.
        scales: Differences between the values of successive codes, as many as `zero_points`.
        zero_points: Codes that represent 0: one, or one per channel; empty if the tensor is not quantized.
        quantized_axis: The dimension that counts the channels.
        sparse_encoding: Sparse encoding of ``content``; None if ``content`` is dense.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    content: npt.NDArray[np.uint8] | None = None
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    quantized_axis: int = 0
    sparse_encoding: SparseEncoding | None = None


@dataclass(frozen=True)
class Operator:
    """One step of the computation.

    Attributes:
        name: TFLite's name, such as ``CONV_2D``; the custom name of a custom operator.
        inputs: Indices of tensors; None for an optional input that is left out.
        outputs: Indices of tensors.
    """

    name: str
    inputs: tuple[int | None, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class TfliteModel:
    """Tensors and operators of a file.

    Attributes:
        tensors: Tensors, to which indices elsewhere refer.
        operators: Operators in execution order.
        inputs: Indices of the network's input tensors.
        outputs: Indices of the network's output tensors.
        metadata: Named bytes that belong to the file, such as what a runtime may do with it.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    metadata: Mapping[str, bytes] = field(default_factory=dict)

    def operator_counts(self) -> dict[str, int]:
        """Return the number of operators of each name, sorted by name."""
        return dict(sorted(Counter(operator.name for operator in self.operators).items()))

    def description(self) -> ModelDescription:
        """Return the input and the output of a network that has one of each."""
        (entry,), (end,) = self.inputs, self.outputs
        return ModelDescription(input=_description(self.tensors[entry]), output=_description(self.tensors[end]))

    def producer(self, tensor: int) -> Operator | None:
        """Return the operator that computes a tensor; None for a constant or an input."""
        return next((operator for operator in self.operators if tensor in operator.outputs), None)


def _description(tensor: Tensor) -> TensorDescription:
    scale, zero_point = (*tensor.scales[:1], None)[0], (*tensor.zero_points[:1], None)[0]
    return TensorDescription(name=tensor.name, type=tensor.type, shape=tensor.shape, scale=scale, zero_point=zero_point)


def read_tflite(path: Path) -> TfliteModel:
    """Read a file; see `parse_tflite`."""
    return parse_tflite(path.read_bytes())


def parse_tflite(content: bytes) -> TfliteModel:
    """Return the tensors and operators in a file's bytes; see `read_model`."""
    return read_model(unpack(content))


def unpack(content: bytes) -> Any:
    """Unpack a file's bytes into TensorFlow's generated classes: a ``ModelT``."""
    return schema.ModelT.InitFromPackedBuf(content)


def read_model(file: Any) -> TfliteModel:
    """Return the tensors and operators of an unpacked file.

    Raises:
        StepFailedError: The file has several subgraphs (control flow), which no classifier of the catalogue needs.
    """
    if len(file.subgraphs) != 1:
        raise StepFailedError(f"the .tflite has {len(file.subgraphs)} subgraphs; only files with one are understood")
    graph = file.subgraphs[0]
    return TfliteModel(
        tensors=tuple(_tensor(tensor, file.buffers) for tensor in graph.tensors),
        operators=tuple(_operator(operator, file.operatorCodes) for operator in graph.operators),
        inputs=tuple(int(index) for index in graph.inputs),
        outputs=tuple(int(index) for index in graph.outputs),
        metadata={entry.name.decode(): bytes(file.buffers[entry.buffer].data) for entry in file.metadata or ()},
    )


def _tensor(tensor: Any, buffers: Sequence[Any]) -> Tensor:
    quantization = tensor.quantization
    scales, zero_points = (None, None) if quantization is None else (quantization.scale, quantization.zeroPoint)
    return Tensor(
        name=tensor.name.decode(),
        shape=_integers(tensor.shape),
        type=_TYPE_NAMES[tensor.type],
        content=buffers[tensor.buffer].data,
        scales=() if scales is None else tuple(map(float, scales)),
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
    # The schema has two fields, because the first is one byte wide and became too small.
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    custom = builtin == schema.BuiltinOperator.CUSTOM
    return Operator(
        name=code.customCode.decode() if custom else _OPERATOR_NAMES[builtin],
        inputs=tuple(None if index == _NO_TENSOR else index for index in _integers(operator.inputs)),
        outputs=_integers(operator.outputs),
    )


def _integers(numbers: Any) -> tuple[int, ...]:
    return () if numbers is None else tuple(int(number) for number in numbers)
