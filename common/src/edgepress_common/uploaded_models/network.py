"""The network that a ``.keras`` file describes: its layers, and the inputs of each.

1. Models inside the model are flattened: their layers are read as if they were in the outer model.
2. Each layer is called once, on the outputs of layers before it. Operations such as ``x / 255.0`` become layers.
3. Where a layer's weights are in the file follows from its class and its place among the layers of that class.
4. Layers without an effect at inference are left out, and spaces in names become underscores.

Keras 3 and Keras 2 write calls, policies and some functions differently; both are read.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from edgepress_common.architectures import MAX_IMAGE_SIZE, MIN_IMAGE_SIZE
from edgepress_common.errors import InvalidInputError
from edgepress_common.frozen import Frozen
from edgepress_common.uploaded_models.connections import Operand, operands_of, output_of
from edgepress_common.uploaded_models.json_values import JsonObject, as_list, as_object, check_class_names
from edgepress_common.uploaded_models.layer_reading import KNOWN_KINDS, WEIGHTED_KINDS, check_kind, read_layer
from edgepress_common.uploaded_models.layers import (
    ActivationLayer,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Input,
    Layer,
    LeftOut,
    Normalization,
    Rescaling,
    SeparableConv2D,
    Softmax,
)
from edgepress_common.uploaded_models.operations import is_operation, read_operation

_MAX_LAYERS = 3000  # four times as many as a DenseNet201 has
_MAX_NESTING = 8
_MAX_DEPTH = 2000  # layers in a row; EfficientNetV2L has about 700
# What TensorFlow accepts as the name of an operation, and spaces, which Keras 3 accepts.
_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_./ -]{0,199}")
# By the name of the class, what models inside a model are called where weights lie.
_MODELS = {"Functional": "functional", "Model": "functional", "Sequential": "sequential"}
_MODEL_MODULES = re.compile(r"(tf_)?keras(\.src)?(\.(models|engine)(\.(functional|sequential|model|training))?)?")
_CHANNELS = 3
_SMALLEST_RESCALING = 0.1  # what scales pixels down from 255 is smaller, and nothing else is
_SMALLEST_DEVIATION = 1e-7  # Keras's epsilon
_CLASSES_OF_ONE_OUTPUT = 2


class Call(Frozen):
    """A layer and its inputs.

    Attributes:
        name: Name of the layer; unique in the network.
        layer: Its kind and parameters.
        inputs: Names of the layers whose outputs it is called on.
        weights: The HDF5 group of its weights; None if it has no weights.
        older_weights: The group that TensorFlow 2.12 to 2.14 writes them to.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    weights: str | None = None
    older_weights: str | None = None


class KerasNetwork(Frozen):
    """A network from pixels to one output per class.

    Attributes:
        calls: The layers, each after its inputs; the first is the input layer.
        ends_in: Kind of output.
    """

    calls: tuple[Call, ...]
    ends_in: Literal["probabilities", "logits"]

    @property
    def image_size(self) -> int | None:
        """Height and width of the input images in pixels; None for any size."""
        return self._entry.shape[0]

    @property
    def scales_pixels(self) -> bool:
        """Whether its first layers scale pixels down from 255."""
        scale = 1.0
        for call in self.calls[1:]:
            match call.layer:
                case LeftOut():
                    continue
                case Rescaling(scale=factors):
                    scale *= _largest(factors)
                case Normalization(variance=variance) if variance is not None:
                    scale /= max(math.sqrt(_largest(variance)), _SMALLEST_DEVIATION)
                case _:
                    break
        return 0 < scale < _SMALLEST_RESCALING

    @property
    def is_binary(self) -> bool:
        """Whether it has one output, the probability or logit of the second of two classes."""
        return _is_binary(self.calls)

    @property
    def classes(self) -> int | None:
        """Number of classes; None if it is known only after the network is built."""
        for call in reversed(self.calls):
            match call.layer:
                case Dense(units=units):
                    return units if units > 1 else _CLASSES_OF_ONE_OUTPUT
                case Softmax() | ActivationLayer():
                    continue
                case _:
                    return None
        return None

    @property
    def _entry(self) -> Input:
        layer = self.calls[0].layer
        assert isinstance(layer, Input)
        return layer


def read_network(config: JsonValue) -> KerasNetwork:
    """Return the network of a description.

    Args:
        config: Result of `read_config`.

    Raises:
        InvalidInputError: Something is not supported; the message has its place, its value and what is accepted.
    """
    check_class_names(config)
    top = as_object(config, "config.json")
    if _class_of(top, "the model") not in _MODELS:
        raise InvalidInputError(f"the model is a {top.get('class_name')!r}; accepted: {', '.join(_MODELS)}")
    reader = _Reader(keras_2=_is_keras_2(top))
    output = reader.read_model(top, (), place=_Place("", ""), prefix="", depth=0)
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

    def read_model(
        self, model: JsonObject, inputs: tuple[str, ...], *, place: "_Place", prefix: str, depth: int
    ) -> str:
        """Read a model's layers; return the name of the one whose output is the model's."""
        if depth > _MAX_NESTING:
            raise InvalidInputError(f"models are nested more than {_MAX_NESTING} deep; accepted: fewer")
        settings = as_object(model.get("config"), f"the model{prefix and ' '}{prefix}")
        layers = [as_object(each, "a layer") for each in as_list(settings.get("layers"), "layers")]
        kind = _MODELS[_class_of(model, "the model")]
        given: dict[str, str] = {}  # what a layer of this model is called in the whole
        counts = _Counts()
        previous: str | None = None
        for entry in layers:
            written = _name_of(entry)
            _check_class(entry, f"layer {written!r}")  # first: the reason for a refusal is the class, not its call
            takes = _operands(entry, written, given) if kind == "functional" else _after(previous)
            here = _Here(place, prefix, depth, counts)
            previous = given[written] = self._read_layer(entry, written, takes or inputs, here)
        output = output_of(settings, given) if kind == "functional" else previous
        if output is None:
            raise InvalidInputError(f"the model {prefix or ''} has no layers; accepted: at least one layer")
        return output

    def _read_layer(self, entry: JsonObject, written: str, operands: tuple[Operand, ...], here: "_Here") -> str:
        if is_operation(entry):
            layer, takes = read_operation(entry, written, operands)
            return self._put(Call(name=self._free_name(written, here.prefix), layer=layer, inputs=takes))
        takes = _tensors_alone(operands, written)
        kind = _class_of(entry, f"layer {written!r}")
        if kind in _MODELS:
            place = here.next_place(_MODELS[kind], has_weights=_has_weights(entry))
            inside = _Place(f"{place.now}/", f"{place.older}/")
            return self.read_model(entry, takes, place=inside, prefix=f"{here.prefix}{written}/", depth=here.depth + 1)
        config = as_object(entry.get("config"), f"layer {written!r}")
        layer = read_layer(kind, config, f"layer {written!r}", keras_2=self.keras_2)
        if isinstance(layer, Input) and takes:  # of a model inside: it is what the model is called on
            return _only(takes, written)
        group = None if layer.group is None else here.next_place(layer.group, has_weights=_has_weights(entry))
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


@dataclass(frozen=True)
class _Place:
    """An HDF5 group, as Keras 3 and TensorFlow 2.15 name it, and as TensorFlow 2.12 to 2.14 do."""

    now: str
    older: str


@dataclass(frozen=True)
class _Counts:
    """For each class, how many of its layers there have been in a model, as each version counts."""

    now: Counter[str] = field(default_factory=Counter)
    older: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Here:
    """The reader's position in the nested models."""

    place: _Place
    prefix: str
    depth: int
    counts: _Counts

    def next_place(self, group: str, *, has_weights: bool) -> _Place:
        """Return where the weights of the next layer of a class are.

        The older versions count a layer with weights twice: as a layer, and as one with weights.
        """
        now, older = self.counts.now[group], self.counts.older[group]
        self.counts.now[group] += 1
        self.counts.older[group] += 1 + has_weights
        return _Place(
            f"{self.place.now}layers/{group}{f'_{now}' if now else ''}",
            f"{self.place.older}_layer_checkpoint_dependencies/{group}{f'_{older}' if older else ''}",
        )


def _has_weights(entry: JsonObject) -> bool:
    """Whether a layer, or any layer of a model inside, has weights."""
    settings = entry.get("config")
    if not isinstance(settings, dict):
        return False
    if entry.get("class_name") in _MODELS:
        layers = settings.get("layers")
        return any(
            isinstance(each, dict) and _has_weights(each) for each in (layers if isinstance(layers, list) else [])
        )
    return entry.get("class_name") in WEIGHTED_KINDS and settings.get("mean") is None


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


def _is_binary(calls: tuple[Call, ...]) -> bool:
    *_, before, last = calls
    match last.layer, before.layer:
        case Dense(units=1, activation=None | "linear" | "sigmoid"), _:
            return True
        case ActivationLayer(activation="sigmoid"), Dense(units=1, activation=None | "linear"):
            return last.inputs == (before.name,)
        case _:
            return False


def _largest(numbers: float | tuple[float, ...]) -> float:
    return max(map(abs, numbers)) if isinstance(numbers, tuple) else abs(numbers)


def _end(calls: tuple[Call, ...]) -> Literal["probabilities", "logits"]:
    last = calls[-1]
    function = "softmax" if isinstance(last.layer, Softmax) else getattr(last.layer, "activation", None) or "linear"
    match function:
        case "softmax":
            return "probabilities"
        case "linear" if not isinstance(last.layer, ActivationLayer):
            return "logits"
        case "sigmoid" if _is_binary(calls):
            return "probabilities"
        case _:
            raise InvalidInputError(
                f"the model ends in {last.name!r}, {last.layer.kind} with activation {function!r}; accepted: softmax, "
                "or none after a dense layer (logits), with one output per class; or, for two classes, a dense "
                "layer with one output, with sigmoid or without"
            )


def _check_class(entry: JsonObject, where: str) -> None:
    if not is_operation(entry):
        kind = _class_of(entry, where)
        if kind not in _MODELS:
            check_kind(kind, where)


def _class_of(entry: JsonObject, where: str) -> str:
    """Return the name of a class of Keras's own.

    TensorFlow 2.12 writes no module, and a class that is not Keras's own as ``package>Class``.
    """
    kind, module, registered = entry.get("class_name"), entry.get("module"), entry.get("registered_name")
    if not isinstance(kind, str) or not isinstance(module, str | None):
        raise InvalidInputError(f"{where} is of class {kind!r}; accepted: a class of Keras's own")
    if module is None and registered is None and "config" in entry and kind in {*KNOWN_KINDS, *_MODELS}:
        return kind
    own = module == "keras.layers" or (kind in _MODELS and _MODEL_MODULES.fullmatch(module or "") is not None)
    if not own or registered not in {None, kind}:
        raise InvalidInputError(
            f"{where} is of class {str(module)[:100]}.{kind[:100]}, registered as {str(registered)[:100]!r}: custom "
            "code is never run; accepted: layers of keras.layers"
        )
    return kind


def _is_keras_2(model: JsonObject) -> bool:
    """Whether Keras 2 wrote a model: its inputs have a ``batch_input_shape``, those of Keras 3 a ``batch_shape``."""
    settings = model.get("config")
    layers = settings.get("layers") if isinstance(settings, dict) else None
    for entry in layers if isinstance(layers, list) else []:
        config = entry.get("config") if isinstance(entry, dict) else None
        if isinstance(config, dict) and "batch_input_shape" in config:
            return True
    return False


def _name_of(entry: JsonObject) -> str:
    settings = as_object(entry.get("config"), "a layer")
    name = entry.get("name", settings.get("name"))
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"a layer is called {str(name)[:100]!r}; accepted: up to 200 letters, digits, spaces and _ . / -"
        )
    return name
