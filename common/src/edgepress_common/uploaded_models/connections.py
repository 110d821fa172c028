"""The inputs of a layer and the outputs of a model, as Keras 3 or Keras 2 writes them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from edgepress_common.errors import InvalidInputError
from edgepress_common.uploaded_models.json_values import JsonObject, as_list, as_object

_CONSTANT_NAME = "_CONSTANT_VALUE"  # Keras 2 writes it where a layer's name would stand
_NO_EFFECT = frozenset({"training", "name"})  # a call's training flag: how a network is trained is the spec's to say
_OPERAND_KEYWORDS = frozenset({"x", "y", "x1", "x2", "bias"})
_KEYWORDS_AT = 3  # in Keras 2's list: name of the layer, number of the call, number of the output, keywords


@dataclass(frozen=True)
class Constant:
    """An operand that is not another layer's output.

    Attributes:
        value: The value in the file.
    """

    value: JsonValue


Operand = str | Constant
"""The name of a layer in its model, or a constant."""


def operands_of(entry: JsonObject, name: str) -> tuple[Operand, ...]:
    """Return what a layer of a functional model is called on, in order.

    Raises:
        InvalidInputError: It is called more than once, or with other arguments.
    """
    nodes = as_list(entry.get("inbound_nodes"), f"layer {name!r}, inbound_nodes")
    if len(nodes) > 1:
        raise InvalidInputError(
            f"layer {name!r} is called {len(nodes)} times: layers that share weights are not supported; accepted: each "
            "layer once"
        )
    if not nodes:
        return ()
    node = nodes[0]
    return tuple(_of_keras_3(node, name) if isinstance(node, dict) else _of_keras_2(node, name))


def output_of(settings: JsonObject, names: Mapping[str, str]) -> str:
    """Return the layer whose output is a functional model's output.

    Args:
        settings: The model's.
        names: For the name of each of its layers, the name in the whole network.

    Raises:
        InvalidInputError: There is no output, or more than one.
    """
    written = as_list(settings.get("output_layers"), "output_layers")
    if len(written) == 1 and isinstance(written[0], list):
        written = written[0]
    match written:
        case [str(name), int(), 0] if name in names:
            return names[name]
        case _:
            raise InvalidInputError(
                f"the model's output is {str(written)[:200]}; accepted: one output, of one of its layers"
            )


def _of_keras_3(node: JsonObject, name: str) -> Iterator[Operand]:
    args = as_list(node.get("args"), f"layer {name!r}, args")
    taken = args[0] if len(args) == 1 and isinstance(args[0], list) else args
    for value in as_list(taken, f"layer {name!r}"):
        yield _operand_of_keras_3(value, name)
    kwargs = as_object(node.get("kwargs"), f"layer {name!r}")
    for value in _keyword_operands(kwargs, name):
        yield _operand_of_keras_3(value, name)


def _operand_of_keras_3(value: JsonValue, name: str) -> Operand:
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        return _source(as_object(value.get("config"), f"layer {name!r}").get("keras_history"), name)
    return Constant(value)


def _of_keras_2(node: JsonValue, name: str) -> Iterator[Operand]:
    tensors = as_list(node, f"layer {name!r}")
    if tensors and isinstance(tensors[0], str):  # an operation, whose one tensor stands for itself
        tensors = [node]
    for tensor in tensors:
        parts = as_list(tensor, f"layer {name!r}")
        match parts:
            case [constant_name, -1, value, *_] if constant_name == _CONSTANT_NAME:
                yield Constant(value)
            case _:
                yield _source(parts[:_KEYWORDS_AT], name)
        if len(parts) > _KEYWORDS_AT and parts[_KEYWORDS_AT]:
            kwargs = as_object(parts[_KEYWORDS_AT], f"layer {name!r}")
            for value in _keyword_operands(kwargs, name):
                is_tensor = isinstance(value, list) and bool(value) and isinstance(value[0], str)
                yield _source(value, name) if is_tensor else Constant(value)


def _keyword_operands(kwargs: JsonObject, name: str) -> list[JsonValue]:
    given = {key: value for key, value in kwargs.items() if key not in _NO_EFFECT and value is not None}
    others = sorted(given.keys() - _OPERAND_KEYWORDS)
    if others:
        raise InvalidInputError(
            f"layer {name!r} is called with {', '.join(others)[:200]}; accepted: outputs of other layers, and training"
        )
    return list(given.values())


def _source(history: JsonValue, name: str) -> str:
    match history:
        case [str(source), int(), 0]:
            return source
        case _:
            raise InvalidInputError(
                f"layer {name!r} is called on {str(history)[:100]}; accepted: the one output of another layer"
            )
