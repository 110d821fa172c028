"""What a layer is called on, and what a model gives, as Keras 3 or Keras 2 put it down."""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from edgepress_common.errors import InvalidInputError
from edgepress_common.uploaded_models.json_values import JsonObject, as_list, as_object


def sources_of(entry: JsonObject, name: str) -> tuple[str, ...]:
    """The layers that a layer of a functional model is called on, by the names they have in it.

    Raises:
        InvalidInputError: It is called more than once, or on something else as well.
    """
    nodes = as_list(entry.get("inbound_nodes"), f"layer {name!r}, inbound_nodes")
    if len(nodes) > 1:
        raise InvalidInputError(f"layer {name!r} is called {len(nodes)} times; accepted: each layer once")
    return tuple(_tensors(nodes[0], name)) if nodes else ()


def output_of(settings: JsonObject, given: Mapping[str, str]) -> str:
    """The layer that gives a functional model's output.

    Args:
        settings: The model's.
        given: What each of its layers is called in the whole network.

    Raises:
        InvalidInputError: There is none, or more than one.
    """
    written = as_list(settings.get("output_layers"), "output_layers")
    if len(written) == 1 and isinstance(written[0], list):
        written = written[0]
    match written:
        case [str(name), int(), 0] if name in given:
            return given[name]
        case _:
            raise InvalidInputError(f"the model gives {str(written)[:200]}; accepted: one output, of one of its layers")


def _tensors(node: JsonValue, name: str) -> Iterator[str]:
    """The layers that a call takes from: of Keras 3, or of Keras 2."""
    if isinstance(node, dict):
        kwargs = as_object(node.get("kwargs"), f"layer {name!r}")
        told = [key for key, value in kwargs.items() if not (key == "training" or value is None)]
        if told:
            raise InvalidInputError(f"layer {name!r} is called with {', '.join(told)}; accepted: with tensors alone")
        args = as_list(node.get("args"), f"layer {name!r}, args")
        taken = args[0] if len(args) == 1 and isinstance(args[0], list) else args
        for tensor in as_list(taken, f"layer {name!r}"):
            said = as_object(tensor, f"layer {name!r}")
            if said.get("class_name") != "__keras_tensor__":
                raise InvalidInputError(f"layer {name!r} takes {str(tensor)[:100]}; accepted: other layers' outputs")
            yield _source(as_object(said.get("config"), f"layer {name!r}").get("keras_history"), name)
    else:
        for tensor in as_list(node, f"layer {name!r}"):
            parts = as_list(tensor, f"layer {name!r}")
            if len(parts) > 3 and parts[3]:  # noqa: PLR2004 - name, call, output, and what else it is called with
                raise InvalidInputError(f"layer {name!r} is called with {str(parts[3])[:100]}; accepted: tensors alone")
            yield _source(parts[:3], name)


def _source(history: JsonValue, name: str) -> str:
    match history:
        case [str(source), int(), 0]:
            return source
        case _:
            raise InvalidInputError(f"layer {name!r} takes {str(history)[:100]}; accepted: the output of a layer")
