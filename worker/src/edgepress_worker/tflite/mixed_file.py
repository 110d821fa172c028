"""Joins an int8 file and an int16x8 file of the same network: chosen layers compute with activations in int16.

The converter writes either type for a whole network, and its files have the same operators in the same order:

1. Operators of the chosen layers are those of the int16x8 file. So are operators without weights all of whose inputs
   have been computed in int16, such as an addition of two of these layers.
2. All others are those of the int8 file.
3. A tensor that is needed in the other type is converted once, in front of the first operator that needs it: from int16
   by QUANTIZE; to int16 by DEQUANTIZE and QUANTIZE, because TensorFlow's interpreter has no kernel from int8 to int16
   (tensorflow/lite/kernels/quantize.cc; LiteRT 2.3 has one).

An operator has the same type for its input and its output. A chosen layer between two others therefore gains nothing
from int16: what its neighbours hand over is int8.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from edgepress_common.errors import StepFailedError
from edgepress_worker.compression.kernels import KernelValues
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.matching import match_layers

_NO_TENSOR = -1
_WITH_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def with_int16_layers(content: bytes, int16: bytes, kernels: Mapping[str, KernelValues]) -> tuple[bytes, list[str]]:
    """Return the file, and the names of the tensors that the chosen layers compute.

    Args:
        content: Bytes of the int8 file; its input and output are int8.
        int16: Bytes of the int16x8 file; its input and output are int16.
        kernels: The weights of the chosen layers by layer name, in Keras's layout.

    Raises:
        StepFailedError: The files have different operators, or a layer is not in the file.
    """
    contents = TfliteFile.parse(content)
    found = match_layers(kernels, contents.weights, contents.model)
    if missing := kernels.keys() - found.keys():
        raise StepFailedError(f"the int8 file has no weights of the layers {', '.join(sorted(missing))}")
    weights = {each.tensor for each in found.values()}
    tables, other = contents.tables, TfliteFile.parse(int16).tables
    if _operators(tables) != _operators(other):
        odd = sorted(set(_operators(tables)) ^ set(_operators(other)))
        raise StepFailedError(
            "TensorFlow writes other operators with int16 activations than with int8"
            + (f" ({', '.join(odd)})" if odd else "")
            + ": layers of this network can't have them. Ask for the export without int16_layers, or for int16x8"
        )
    joined = _Joined(tables, other)
    chosen = [operator for operator in tables.subgraphs[0].operators if weights & {*operator.inputs}]
    names = sorted(tables.subgraphs[0].tensors[operator.outputs[0]].name.decode() for operator in chosen)
    joined.join(chosen)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(tables)), names


def _operators(tables: Any) -> list[str]:
    return [flatbuffer_utils.opcode_to_name(tables, operator.opcodeIndex) for operator in tables.subgraphs[0].operators]


class _Joined:
    """The tables of the int8 file, and what is taken from the int16x8 file.

    Args:
        tables: Tables of the int8 file; they are changed.
        other: Tables of the int16x8 file; they are used up.
    """

    def __init__(self, tables: Any, other: Any) -> None:
        self._tables, self._other = tables, other
        self._graph, self._other_graph = tables.subgraphs[0], other.subgraphs[0]
        self._taken: dict[int, int] = {}  # tensors of the other graph, by their number there
        self._wide: dict[int, int] = {}  # int8 tensors whose int16 form has been computed
        self._narrow: set[int] = {*self._graph.inputs}  # int8 tensors that have been computed

    def join(self, chosen: Collection[Any]) -> None:
        """Write the operators of both files, the chosen ones in int16."""
        operators: list[Any] = []
        in_int16: set[int] = set()
        names = _operators(self._tables)
        for name, operator, twin in zip(names, self._graph.operators, self._other_graph.operators, strict=True):
            taken = [number for number in operator.inputs if self._is_computed(number)]
            if operator in chosen or (name not in _WITH_WEIGHTS and taken and in_int16.issuperset(taken)):
                operators += self._in_int16(operator, twin)
                in_int16.update(operator.outputs)
            else:
                operators += self._in_int8(taken)
                operators.append(operator)
                self._narrow.update(operator.outputs)
        operators += self._in_int8(self._graph.outputs)
        self._graph.operators = operators
        self._drop_unused()

    def _is_computed(self, number: int) -> bool:
        return number != _NO_TENSOR and self._tables.buffers[self._graph.tensors[number].buffer].data is None

    def _in_int16(self, operator: Any, twin: Any) -> Iterator[Any]:
        inputs = []
        for number, of_twin in zip(operator.inputs, twin.inputs, strict=True):
            if not self._is_computed(number):
                inputs.append(_NO_TENSOR if of_twin == _NO_TENSOR else self._take(of_twin))
                continue
            if number not in self._wide:
                self._wide[number] = self._take(of_twin)
                between = self._float_form(number)
                yield self._conversion(schema.BuiltinOperator.DEQUANTIZE, number, between)
                yield self._conversion(schema.BuiltinOperator.QUANTIZE, between, self._wide[number])
            inputs.append(self._wide[number])
        outputs = [self._take(number) for number in twin.outputs]
        self._wide.update(zip(operator.outputs, outputs, strict=True))
        twin.inputs, twin.outputs = inputs, outputs
        twin.opcodeIndex = self._code(self._other.operatorCodes[twin.opcodeIndex])
        yield twin

    def _in_int8(self, numbers: Collection[int]) -> Iterator[Any]:
        for number in numbers:
            if number not in self._narrow:
                self._narrow.add(number)
                yield self._conversion(schema.BuiltinOperator.QUANTIZE, self._wide[number], number)

    def _take(self, number: int) -> int:
        """Return the number of a tensor of the other graph in this one."""
        if number not in self._taken:
            tensor = self._other_graph.tensors[number]
            self._tables.buffers.append(schema.BufferT(data=self._other.buffers[tensor.buffer].data))
            tensor.buffer = len(self._tables.buffers) - 1
            self._graph.tensors.append(tensor)
            self._taken[number] = len(self._graph.tensors) - 1
        return self._taken[number]

    def _float_form(self, number: int) -> int:
        """Return the number of a new tensor that holds an int8 tensor's values in float."""
        tensor, made = self._graph.tensors[number], schema.TensorT()
        made.name, made.shape, made.shapeSignature = tensor.name + b"_float", tensor.shape, tensor.shapeSignature
        made.type, made.buffer = schema.TensorType.FLOAT32, 0
        self._graph.tensors.append(made)
        return len(self._graph.tensors) - 1

    def _code(self, code: Any) -> int:
        """Return the number of an operator code that equals the given one."""
        key = (code.builtinCode, code.version)
        known = [(each.builtinCode, each.version) for each in self._tables.operatorCodes]
        if key not in known:
            self._tables.operatorCodes.append(code)
            return len(known)
        return known.index(key)

    def _conversion(self, builtin: int, source: int, target: int) -> Any:
        operator, code = schema.OperatorT(), schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.version = 2  # that of conversions between integers, and from int16
        operator.opcodeIndex = self._code(code)
        operator.inputs, operator.outputs = [source], [target]
        return operator

    def _drop_unused(self) -> None:
        used = {number for each in self._graph.operators for number in (*each.inputs, *each.outputs)}
        buffers = {self._graph.tensors[number].buffer for number in used if number != _NO_TENSOR}
        buffers |= {each.buffer for each in self._tables.metadata or ()}
        for index, buffer in enumerate(self._tables.buffers):
            if index not in buffers:
                buffer.data = None
