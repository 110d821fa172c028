"""The operators of a file as the interpreter has loaded it: types, arithmetic, memory traffic and delegation.

Multiply-accumulate operations are counted as workers count them in the file: number of weights, times the places that
they are applied at, in convolutions, depthwise and transposed convolutions and dense layers.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from edgepress_common.results import OperatorGroup
from edgepress_evaluator.measure.delegation import delegated_indices
from edgepress_evaluator.measure.kernels import Arithmetic, Kernel

_WEIGHTS = 1  # position of the weights among the inputs
# Position of the input whose places count; None: those of the output.
_MULTIPLYING = {"CONV_2D": None, "DEPTHWISE_CONV_2D": None, "FULLY_CONNECTED": None, "TRANSPOSE_CONV": 2}
_TILED = {"CONV_2D", "FULLY_CONNECTED"}  # weights (outputs, ..., inputs)
_DELEGATE = "DELEGATE"


@dataclass(frozen=True)
class FileOperator:
    """An operator of a file.

    Attributes:
        name: TFLite's name.
        activations: Type of the input.
        weights: Type of the weights; None for an operator without any.
        weights_shape: Shape of the weights; empty without any.
        delegated: Whether the delegate runs it.
        macs: Multiply-accumulate operations.
        weight_bytes: Bytes of the weights.
        activation_bytes: Bytes of input and output.
    """

    name: str
    activations: str
    weights: str | None
    weights_shape: tuple[int, ...]
    delegated: bool
    macs: int
    weight_bytes: int
    activation_bytes: int

    @property
    def types(self) -> str:
        """Types of activations and weights."""
        return self.activations if self.weights is None else f"{self.activations} x {self.weights}"

    @property
    def arithmetic(self) -> Arithmetic:
        """Arithmetic of the multiplications: activations are quantized for weights of int8 or less."""
        return "float32" if self.weights in {None, "float32", "float16"} else "int8"


def file_operators(details: Sequence[dict[str, Any]], tensors: dict[int, dict[str, Any]]) -> tuple[FileOperator, ...]:
    """Return the operators in the order in which they run.

    Args:
        details: Nodes of the interpreter, those of delegates included.
        tensors: Its tensors, by index.
    """
    delegated = delegated_indices(details)  # type: ignore[arg-type]
    return tuple(
        _operator(each, tensors, delegated=each["index"] in delegated)
        for each in details
        if each["op_name"] != _DELEGATE
    )


def operator_groups(
    operators: Sequence[FileOperator], kernel_of: Callable[[Arithmetic], Kernel | None]
) -> tuple[OperatorGroup, ...]:
    """Return the operators by kind and types, those with most arithmetic first.

    Args:
        operators: Operators of a file.
        kernel_of: Function that returns the delegate's kernels of a type of arithmetic.
    """
    groups: dict[tuple[str, str], list[FileOperator]] = defaultdict(list)
    for each in operators:
        groups[each.name, each.types].append(each)
    found = [_group(members, kernel_of(members[0].arithmetic)) for members in groups.values()]
    return tuple(sorted(found, key=lambda group: (-group.macs, group.operator)))


def _group(members: Sequence[FileOperator], kernel: Kernel | None) -> OperatorGroup:
    first = members[0]
    runs_kernel = first.weights is not None and any(each.delegated for each in members)
    return OperatorGroup(
        operator=first.name,
        types=first.types,
        count=len(members),
        delegated=sum(each.delegated for each in members),
        macs=sum(each.macs for each in members),
        tile_macs=_tile_macs(members, kernel) if runs_kernel and first.name in _TILED else None,
        kernel=kernel.name if runs_kernel and kernel is not None else None,
    )


def _tile_macs(members: Sequence[FileOperator], kernel: Kernel | None) -> int | None:
    total = 0
    for each in members:
        outputs, inputs = each.weights_shape[0], each.weights_shape[-1]
        rounded = None if kernel is None else kernel.rounded(outputs, inputs)
        if rounded is None:
            return None
        total += each.macs // (outputs * inputs) * prod(rounded)
    return total


def _operator(node: dict[str, Any], tensors: dict[int, dict[str, Any]], *, delegated: bool) -> FileOperator:
    name, inputs = node["op_name"], [int(index) for index in node["inputs"]]
    outputs = [tensors[int(index)] for index in node["outputs"]]
    source = tensors[inputs[_MULTIPLYING.get(name) or 0]] if inputs else outputs[0]
    if name not in _MULTIPLYING:
        return FileOperator(name, _type(source), None, (), delegated, 0, 0, 0)
    weights = tensors[inputs[_WEIGHTS]]
    visited = outputs[0] if _MULTIPLYING[name] is None else source
    return FileOperator(
        name=name,
        activations=_type(source),
        weights=_type(weights),
        weights_shape=tuple(map(int, weights["shape"])),
        delegated=delegated,
        macs=_elements(weights) * prod(map(int, visited["shape"][:-1])),
        weight_bytes=_bytes(weights),
        activation_bytes=_bytes(source) + _bytes(outputs[0]),
    )


def _type(tensor: dict[str, Any]) -> str:
    return str(np.dtype(tensor["dtype"]))


def _elements(tensor: dict[str, Any]) -> int:
    return prod(map(int, tensor["shape"]))


def _bytes(tensor: dict[str, Any]) -> int:
    return _elements(tensor) * int(np.dtype(tensor["dtype"]).itemsize)
