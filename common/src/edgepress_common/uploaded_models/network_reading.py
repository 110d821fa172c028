"""The network that a ``.keras`` file describes: its layers, and the inputs of each.

1. Models inside the model are flattened: their layers are read as if they were in the outer model.
2. Each layer is called once, on the outputs of layers before it. Operations such as ``x / 255.0`` become layers.
3. Where a layer's weights are in the file follows from its class and its place among the layers of that class.
4. Layers without an effect at inference are left out, and spaces in names become underscores.

Keras 3 and Keras 2 write calls, policies and some functions differently; both are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from edgepress_common.architectures import MAX_IMAGE_SIZE, MIN_IMAGE_SIZE
from edgepress_common.errors import InvalidInputError
from edgepress_common.uploaded_models.connections import Operand, operands_of, output_of
from edgepress_common.uploaded_models.entries import MODELS, check_class, class_of, has_weights, is_keras_2, name_of
from edgepress_common.uploaded_models.json_values import JsonObject, as_list, as_object, check_class_names
from edgepress_common.uploaded_models.layer_reading import read_layer
from edgepress_common.uploaded_models.layers import (
    ActivationLayer,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Input,
    Layer,
    LeftOut,
    SeparableConv2D,
    Softmax,
)
from edgepress_common.uploaded_models.network import Call, KerasNetwork, is_binary_output
from edgepress_common.uploaded_models.operations import is_operation, read_operation
from edgepress_common.uploaded_models.weight_places import Counts, Place, Position

_MAX_LAYERS = 3000  # four times as many as a DenseNet201 has
_MAX_NESTING = 8
_MAX_DEPTH = 2000  # layers in a row; EfficientNetV2L has about 700
_CHANNELS = 3


def read_network(config: JsonValue) -> KerasNetwork:
    """Return the network of a description.

    Args:
        config: Result of `read_config`.

    Raises:
        InvalidInputError: Something is not supported; the message has its place, its value and what is accepted.
    """
    check_class_names(config)
    top = as_object(config, "config.json")
    if class_of(top, "the model") not in MODELS:
        raise InvalidInputError(f"the model is a {top.get('class_name')!r}; accepted: {', '.join(MODELS)}")
    reader = _Reader(keras_2=is_keras_2(top))
    output = reader.read_model(top, (), place=Place("", ""), prefix="", depth=0)
    return _checked(_trimmed(reader.calls, output))


@dataclass
class _Reader:
    """Reads models and the models inside them, and lists the calls.

    Attributes:
        keras_2: Whether Keras 2 wrote the file.
        calls: Those read so far.
        taken: The names in use.
    """

    keras_2: bool
    calls: list[Call] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def read_model(self, model: JsonObject, inputs: tuple[str, ...], *, place: "Place", prefix: str, depth: int) -> str:
        """Read a model's layers; return the name of the one whose output is the model's."""
        if depth > _MAX_NESTING:
            raise InvalidInputError(f"models are nested more than {_MAX_NESTING} deep; accepted: fewer")
        settings = as_object(model.get("config"), f"the model{prefix and ' '}{prefix}")
        layers = [as_object(each, "a layer") for each in as_list(settings.get("layers"), "layers")]
        kind = MODELS[class_of(model, "the model")]
        given: dict[str, str] = {}  # what a layer of this model is called in the whole
        counts = Counts()
        previous: str | None = None
        for entry in layers:
            written = name_of(entry)
            check_class(entry, f"layer {written!r}")  # first: the reason for a refusal is the class, not its call
            takes = _operands(entry, written, given) if kind == "functional" else _after(previous)
            here = Position(place, prefix, depth, counts)
            previous = given[written] = self._read_layer(entry, written, takes or inputs, here)
        output = output_of(settings, given) if kind == "functional" else previous
        if output is None:
            raise InvalidInputError(f"the model {prefix or ''} has no layers; accepted: at least one layer")
        return output

    def _read_layer(self, entry: JsonObject, written: str, operands: tuple[Operand, ...], here: Position) -> str:
        if is_operation(entry):
            layer, takes = read_operation(entry, written, operands)
            return self._put(Call(name=self._free_name(written, here.prefix), layer=layer, inputs=takes))
        takes = _tensors_alone(operands, written)
        kind = class_of(entry, f"layer {written!r}")
        if kind in MODELS:
            place = here.next_place(MODELS[kind], has_weights=has_weights(entry))
            inside = Place(f"{place.now}/", f"{place.older}/")
            return self.read_model(entry, takes, place=inside, prefix=f"{here.prefix}{written}/", depth=here.depth + 1)
        config = as_object(entry.get("config"), f"layer {written!r}")
        layer = read_layer(kind, config, f"layer {written!r}", keras_2=self.keras_2)
        if isinstance(layer, Input) and takes:  # of a model inside: it is what the model is called on
            return _only(takes, written)
        group = None if layer.group is None else here.next_place(layer.group, has_weights=has_weights(entry))
        return self._put(
            Call(
                name=self._free_name(written, here.prefix),
                layer=layer,
                inputs=_arity(layer, takes, written),
                weights=group and group.now,
                older_weights=group and group.older,
            )
        )

    def _put(self, call: Call) -> str:
        self.calls.append(call)
        self.taken.add(call.name)
        if len(self.calls) > _MAX_LAYERS:
            raise InvalidInputError(f"the model has more than {_MAX_LAYERS} layers; accepted: fewer")
        return call.name

    def _free_name(self, written: str, prefix: str) -> str:
        """Return a layer's own name, or its path in the nested models where another layer has that name."""
        own, path = (each.replace(" ", "_") for each in (written, f"{prefix}{written}"))
        name = path if own in self.taken else own
        if name in self.taken:
            raise InvalidInputError(f"two layers are called {name!r}; accepted: unique names")
        return name


def _operands(entry: JsonObject, name: str, given: Mapping[str, str]) -> tuple[Operand, ...]:
    """Return what a layer of a functional model is called on; only its first layer is called on nothing."""
    operands = operands_of(entry, name)
    sources = [operand for operand in operands if isinstance(operand, str)]
    unknown = [source for source in sources if source not in given]
    if unknown or (not sources and given):
        raise InvalidInputError(
            f"layer {name!r} takes {', '.join(map(repr, unknown)) or 'nothing'}; accepted: layers that come before it, "
            "and one input in all"
        )
    return tuple(given[operand] if isinstance(operand, str) else operand for operand in operands)


def _tensors_alone(operands: tuple[Operand, ...], name: str) -> tuple[str, ...]:
    for operand in operands:
        if not isinstance(operand, str):
            raise InvalidInputError(
                f"layer {name!r} is called on {str(operand.value)[:100]}; accepted: outputs of other layers"
            )
    return tuple(operand for operand in operands if isinstance(operand, str))


def _after(previous: str | None) -> tuple[str, ...]:
    return () if previous is None else (previous,)


def _arity(layer: Layer, takes: tuple[str, ...], name: str) -> tuple[str, ...]:
    if isinstance(layer, Input):
        return ()
    joins = layer.kind in {"Add", "Multiply", "Concatenate"}
    if not takes or (len(takes) == 1) == joins:
        accepted = "two or more" if joins else "one; a Sequential model needs an Input at its beginning"
        raise InvalidInputError(f"layer {name!r} ({layer.kind}) takes {len(takes)} inputs; accepted: {accepted}")
    return takes


def _only(takes: tuple[str, ...], name: str) -> str:
    if len(takes) != 1:
        raise InvalidInputError(f"the model that begins with {name!r} takes {len(takes)} inputs; accepted: one")
    return takes[0]


def _trimmed(calls: list[Call], output: str) -> tuple[Call, ...]:
    """Return the calls that the output depends on, in their order, without those that have no effect."""
    needed = {output}
    for call in reversed(calls):
        if call.name in needed:
            needed |= set(call.inputs)
    instead: dict[str, str] = {}
    kept = []
    for call in calls:
        inputs = tuple(instead.get(name, name) for name in call.inputs)
        if isinstance(call.layer, LeftOut):
            instead[call.name] = inputs[0]
        elif call.name in needed:
            kept.append(call.model_copy(update={"inputs": inputs}))
    return tuple(kept)


def _checked(calls: tuple[Call, ...]) -> KerasNetwork:
    entries = [call.layer for call in calls if isinstance(call.layer, Input)]
    if len(entries) != 1 or not isinstance(calls[0].layer, Input):
        raise InvalidInputError(f"the model has {len(entries)} inputs; accepted: one, at its beginning")
    height, width, channels = entries[0].shape
    if height != width or channels != _CHANNELS:
        raise InvalidInputError(
            f"the model takes images of {height} x {width} with {channels} channels; accepted: square images with "
            f"{_CHANNELS} channels, the format of packed data sets, including grey images"
        )
    if height is not None and not MIN_IMAGE_SIZE <= height <= MAX_IMAGE_SIZE:
        raise InvalidInputError(
            f"the model takes images of {height} x {height} pixels; accepted: {MIN_IMAGE_SIZE} to {MAX_IMAGE_SIZE}, or "
            "null for any size"
        )
    if not any(isinstance(call.layer, Conv2D | Dense | DepthwiseConv2D | SeparableConv2D) for call in calls):
        raise InvalidInputError("the model has no trainable layers; accepted: convolutions and dense layers")
    _check_depth(calls)
    return KerasNetwork(calls=calls, ends_in=_end(calls))


def _check_depth(calls: tuple[Call, ...]) -> None:
    depth: dict[str, int] = {}
    for call in calls:
        depth[call.name] = 1 + max((depth[name] for name in call.inputs), default=0)
    if max(depth.values()) > _MAX_DEPTH:
        raise InvalidInputError(
            f"the model has {max(depth.values())} layers in a row; accepted: up to {_MAX_DEPTH}, which TensorFlow can "
            "convert"
        )


def _end(calls: tuple[Call, ...]) -> Literal["probabilities", "logits"]:
    last = calls[-1]
    function = "softmax" if isinstance(last.layer, Softmax) else getattr(last.layer, "activation", None) or "linear"
    match function:
        case "softmax":
            return "probabilities"
        case "linear" if not isinstance(last.layer, ActivationLayer):
            return "logits"
        case "sigmoid" if is_binary_output(calls):
            return "probabilities"
        case _:
            raise InvalidInputError(
                f"the model ends in {last.name!r}, {last.layer.kind} with activation {function!r}; accepted: softmax, "
                "or none after a dense layer (logits), with one output per class; or, for two classes, a dense "
                "layer with one output, with sigmoid or without"
            )
