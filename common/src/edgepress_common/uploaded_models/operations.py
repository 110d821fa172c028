"""Operations on tensors in a functional model, such as ``x / 255.0`` or ``a + b``, as the layers that compute the same.

Keras 3 writes an operation as a class of ``keras.ops``, Keras 2 as a ``TFOpLambda`` layer with the name of a function.
The name is only compared with those below. An operation with a constant becomes a `Rescaling`, one on two tensors a
layer that joins them, and one on each value an `ActivationLayer`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from pydantic import JsonValue, TypeAdapter, ValidationError

from edgepress_common.errors import InvalidInputError
from edgepress_common.uploaded_models.connections import Constant, Operand
from edgepress_common.uploaded_models.json_values import JsonObject
from edgepress_common.uploaded_models.layers import (
    Activation,
    ActivationLayer,
    Add,
    Layer,
    Multiply,
    PerChannel,
    Rescaling,
)

_Arithmetic = Literal["add", "subtract", "multiply", "divide", "negative"]
_ARITHMETIC: Mapping[str, _Arithmetic] = {
    "Add": "add",
    "Subtract": "subtract",
    "Multiply": "multiply",
    "TrueDivide": "divide",
    "Divide": "divide",
    "Negative": "negative",
    "math.add": "add",
    "math.subtract": "subtract",
    "math.multiply": "multiply",
    "math.truediv": "divide",
    "math.divide": "divide",
    "math.negative": "negative",
    "nn.bias_add": "add",
    "__operators__.add": "add",
}
_ACTIVATIONS: Mapping[str, Activation] = {
    "Relu": "relu",
    "Relu6": "relu6",
    "Sigmoid": "sigmoid",
    "HardSigmoid": "hard_sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Silu": "silu",
    "HardSilu": "hard_silu",
    "nn.relu": "relu",
    "nn.relu6": "relu6",
    "nn.sigmoid": "sigmoid",
    "math.sigmoid": "sigmoid",
    "nn.tanh": "tanh",
    "math.tanh": "tanh",
    "nn.softplus": "softplus",
    "nn.softsign": "softsign",
}
_PER_CHANNEL: TypeAdapter[float | tuple[float, ...]] = TypeAdapter(PerChannel)
_OWN_SETTINGS = frozenset({"name", "trainable", "dtype", "function"})
_PREPROCESSING = (
    "If it belongs to preprocess_input, save the model without it and set `pixels` in the spec, or put a Rescaling "
    "layer in its place"
)
_SLICES = {"GetItem", "__operators__.getitem"}
_REVERSED = (
    "If it reverses the channels, as preprocess_input of ResNet and VGG does, save the model without it, with the "
    "input channels of the first convolution's weights reversed, and with a Rescaling layer for the mean in RGB"
)


def is_operation(entry: JsonObject) -> bool:
    """Whether an entry among a model's layers is an operation on tensors."""
    module = entry.get("module")
    if isinstance(module, str) and (module == "keras.ops" or module.startswith(("keras.src.ops.", "keras.ops."))):
        return True
    return entry.get("class_name") in {"TFOpLambda", "SlicingOpLambda"}


def read_operation(entry: JsonObject, name: str, operands: Sequence[Operand]) -> tuple[Layer, tuple[str, ...]]:
    """Return the layer that computes the same, and the layers that it is called on.

    Args:
        entry: The entry in the file, for which `is_operation` is true.
        name: Its name in the file.
        operands: Its operands.

    Raises:
        InvalidInputError: The operation is not supported.
    """
    config = entry.get("config")
    settings: JsonObject = config if isinstance(config, dict) else {}
    said = settings.get("function") if "function" in settings else entry.get("class_name")
    operation = str(said)[:100]
    others = sorted(set(settings) - _OWN_SETTINGS)
    sources = tuple(operand for operand in operands if isinstance(operand, str))
    if operation in _ACTIVATIONS and not others and len(operands) == len(sources) == 1:
        return ActivationLayer(activation=_ACTIVATIONS[operation]), sources
    if operation not in _ARITHMETIC or others:
        of_it = f" with {', '.join(others)[:200]}" if others else ""
        raise InvalidInputError(
            f"layer {name!r} is the operation {operation!r}{of_it}; accepted: add, subtract, multiply and divide with "
            f"a constant, add and multiply of two tensors, and {', '.join(sorted(set(_ACTIVATIONS.values())))}. "
            f"{_REVERSED if operation in _SLICES else _PREPROCESSING}"
        )
    return _arithmetic(_ARITHMETIC[operation], operands, name), sources


def _arithmetic(operation: _Arithmetic, operands: Sequence[Operand], name: str) -> Layer:  # noqa: PLR0911 - one for each form
    match operation, operands:
        case "negative", [str()]:
            return Rescaling(scale=-1.0)
        case "add", [str(), str()]:
            return Add()
        case "multiply", [str(), str()]:
            return Multiply()
        case "add", [str(), Constant(value)] | [Constant(value), str()]:
            return Rescaling(scale=1.0, offset=_numbers(value, name))
        case "multiply", [str(), Constant(value)] | [Constant(value), str()]:
            return Rescaling(scale=_numbers(value, name))
        case "subtract", [str(), Constant(value)]:
            return Rescaling(scale=1.0, offset=_each(_numbers(value, name), lambda number: -number))
        case "subtract", [Constant(value), str()]:
            return Rescaling(scale=-1.0, offset=_numbers(value, name))
        case "divide", [str(), Constant(value)]:
            return Rescaling(scale=_inverse(_numbers(value, name), name))
        case _:
            written = ", ".join("a tensor" if isinstance(each, str) else "a constant" for each in operands)
            raise InvalidInputError(
                f"layer {name!r} computes {operation} of {written}; accepted: a tensor and a constant, or add and "
                "multiply of two tensors"
            )


def _numbers(value: JsonValue, name: str) -> float | tuple[float, ...]:
    try:
        return _PER_CHANNEL.validate_python(value)
    except ValidationError as error:
        raise InvalidInputError(
            f"layer {name!r} computes with {str(value)[:100]}; accepted: a number, or one for each channel"
        ) from error


def _inverse(numbers: float | tuple[float, ...], name: str) -> float | tuple[float, ...]:
    if 0 in (numbers if isinstance(numbers, tuple) else (numbers,)):
        raise InvalidInputError(f"layer {name!r} divides by 0; accepted: other numbers")
    return _each(numbers, lambda number: 1 / number)


def _each(numbers: float | tuple[float, ...], change: Callable[[float], float]) -> float | tuple[float, ...]:
    return tuple(map(change, numbers)) if isinstance(numbers, tuple) else change(numbers)
