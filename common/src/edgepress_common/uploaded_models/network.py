"""The network that a ``.keras`` file describes: which layers there are, and what each takes.

1. Models inside the model are laid flat: what they say of their layers is read as if it stood outside.
2. Each layer is called once, on the outputs of layers before it, with nothing else.
3. Where a layer's weights lie in the file follows from its class and its place among those of the same class.

Keras 3 and Keras 2 write the same but for how a call is put down; both are understood.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from edgepress_common.errors import InvalidInputError
from edgepress_common.frozen import Frozen
from edgepress_common.uploaded_models.connections import output_of, sources_of
from edgepress_common.uploaded_models.json_values import JsonObject, as_list, as_object
from edgepress_common.uploaded_models.layer_reading import read_layer
from edgepress_common.uploaded_models.layers import (
    ActivationLayer,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Input,
    Layer,
    LeftOut,
    Rescaling,
    Softmax,
)

_MAX_LAYERS = 3000  # four times a DenseNet201's
_MAX_NESTING = 8
# What TensorFlow accepts as the name of an operation, and so Keras as a layer's.
_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_./-]{0,199}")
# By the name of the class, what models inside a model are called where weights lie.
_MODELS = {"Functional": "functional", "Model": "functional", "Sequential": "sequential"}
_MODEL_MODULES = re.compile(r"(tf_)?keras(\.src)?(\.(models|engine)(\.(functional|sequential|model|training))?)?")
_CHANNELS = 3
_SMALLEST_RESCALING = 0.1  # what brings pixels down from 255 is smaller, and nothing else is


class Call(Frozen):
    """A layer, and what it is called on.

    Attributes:
        name: Of the layer; unique in the network.
        layer: What it is.
        inputs: Names of the layers whose outputs it takes.
        weights: Where its weights lie in the file; None if it has none.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    weights: str | None = None


class KerasNetwork(Frozen):
    """A network from pixels to one output for each class.

    Attributes:
        calls: In an order in which each comes behind those it takes from; the first is the input.
        ends_in: What it gives.
    """

    calls: tuple[Call, ...]
    ends_in: Literal["probabilities", "logits"]

    @property
    def image_size(self) -> int | None:
        """Side in pixels of the images it takes; None for any."""
        return self._entry.shape[0]

    @property
    def scales_pixels(self) -> bool:
        """Whether it begins with what brings pixels from 255 down."""
        (first, *_) = (call.layer for call in self.calls[1:] if not isinstance(call.layer, LeftOut))
        if not isinstance(first, Rescaling):
            return False
        scales = first.scale if isinstance(first.scale, tuple) else (first.scale,)
        return max(map(abs, scales)) < _SMALLEST_RESCALING

    @property
    def classes(self) -> int | None:
        """How many it tells apart; None where only building it shows."""
        for call in reversed(self.calls):
            match call.layer:
                case Dense(units=units):
                    return units
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
    """The network that a description describes.

    Args:
        config: As `read_config` gives it.

    Raises:
        InvalidInputError: It has something that is not accepted: said with where it is, what it is, and what would be.
    """
    top = as_object(config, "config.json")
    if _class_of(top, "the model") not in _MODELS:
        raise InvalidInputError(f"the model is a {top.get('class_name')!r}; accepted: {', '.join(_MODELS)}")
    reader = _Reader()
    output = reader.read_model(top, (), place="", prefix="", depth=0)
    return _checked(_trimmed(reader.calls, output))


@dataclass
class _Reader:
    """Walks through models and those inside them, and puts down what is called."""

    calls: list[Call] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def read_model(self, model: JsonObject, inputs: tuple[str, ...], *, place: str, prefix: str, depth: int) -> str:
        """Puts a model's layers down; answers which of them gives its output."""
        if depth > _MAX_NESTING:
            raise InvalidInputError(f"models are nested more than {_MAX_NESTING} deep; accepted: fewer")
        settings = as_object(model.get("config"), f"the model{prefix and ' '}{prefix}")
        layers = [as_object(each, "a layer") for each in as_list(settings.get("layers"), "layers")]
        kind = _MODELS[_class_of(model, "the model")]
        given: dict[str, str] = {}  # what a layer of this model is called in the whole
        places: Counter[str] = Counter()
        previous: str | None = None
        for entry in layers:
            written = _name_of(entry)
            takes = _sources(entry, written, given) if kind == "functional" else _after(previous)
            here = _Here(place, prefix, depth, places)
            previous = given[written] = self._read_layer(entry, written, takes or inputs, here)
        output = output_of(settings, given) if kind == "functional" else previous
        if output is None:
            raise InvalidInputError(f"the model {prefix or ''} has no layers; accepted: one that has")
        return output

    def _read_layer(self, entry: JsonObject, written: str, takes: tuple[str, ...], here: "_Here") -> str:
        kind = _class_of(entry, f"layer {written!r}")
        if kind in _MODELS:
            place = here.next_place(_MODELS[kind])
            return self.read_model(entry, takes, place=place, prefix=f"{here.prefix}{written}/", depth=here.depth + 1)
        layer = read_layer(kind, as_object(entry.get("config"), f"layer {written!r}"), f"layer {written!r}")
        if isinstance(layer, Input) and takes:  # of a model inside: it is what the model is called on
            return _only(takes, written)
        return self._put(
            Call(
                name=self._free_name(written, here.prefix),
                layer=layer,
                inputs=_arity(layer, takes, written),
                weights=None if layer.group is None else here.next_place(layer.group),
            )
        )

    def _put(self, call: Call) -> str:
        self.calls.append(call)
        self.taken.add(call.name)
        if len(self.calls) > _MAX_LAYERS:
            raise InvalidInputError(f"the model has more than {_MAX_LAYERS} layers; accepted: fewer")
        return call.name

    def _free_name(self, written: str, prefix: str) -> str:
        """A layer's own name where nobody else has it, as with the layers of a model inside mostly nobody has."""
        name = written if written not in self.taken else f"{prefix}{written}"
        if name in self.taken:
            raise InvalidInputError(f"two layers are called {name!r}; accepted: unique names")
        return name


def _sources(entry: JsonObject, name: str, given: Mapping[str, str]) -> tuple[str, ...]:
    """What a layer of a functional model takes; nothing only if it is its first."""
    sources = sources_of(entry, name)
    unknown = [source for source in sources if source not in given]
    if unknown or (not sources and given):
        raise InvalidInputError(
            f"layer {name!r} takes {', '.join(map(repr, unknown)) or 'nothing'}; accepted: layers that come before it, "
            "and one input in all"
        )
    return tuple(given[source] for source in sources)


@dataclass(frozen=True)
class _Here:
    """Where in the nested models the reader is."""

    place: str
    prefix: str
    depth: int
    counted: Counter[str]

    def next_place(self, group: str) -> str:
        """Where the weights of the next layer of a class lie, as Keras counts them."""
        number = self.counted[group]
        self.counted[group] += 1
        return f"{self.place}layers/{group}{f'_{number}' if number else ''}{'/' * (group in _MODELS.values())}"


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
    """Those that the output depends on, in their order."""
    needed = {output}
    for call in reversed(calls):
        if call.name in needed:
            needed |= set(call.inputs)
    return tuple(call for call in calls if call.name in needed)


def _checked(calls: tuple[Call, ...]) -> KerasNetwork:
    entries = [call.layer for call in calls if isinstance(call.layer, Input)]
    if len(entries) != 1 or not isinstance(calls[0].layer, Input):
        raise InvalidInputError(f"the model has {len(entries)} inputs; accepted: one, at its beginning")
    height, width, channels = entries[0].shape
    if height != width or channels != _CHANNELS:
        raise InvalidInputError(
            f"the model takes images of {height} x {width} with {channels} channels; accepted: as wide as high, with "
            f"{_CHANNELS} channels, which is what data sets are packed to, grey images too"
        )
    if not any(isinstance(call.layer, Conv2D | Dense | DepthwiseConv2D) for call in calls):
        raise InvalidInputError("the model has nothing that learns; accepted: convolutions and dense layers")
    return KerasNetwork(calls=calls, ends_in=_end(calls))


def _end(calls: tuple[Call, ...]) -> Literal["probabilities", "logits"]:
    last = calls[-1]
    function = "softmax" if isinstance(last.layer, Softmax) else getattr(last.layer, "activation", None) or "linear"
    match function:
        case "softmax":
            return "probabilities"
        case "linear" if not isinstance(last.layer, ActivationLayer | LeftOut):
            return "logits"
        case _:
            raise InvalidInputError(
                f"the model ends in {last.name!r}, {last.layer.kind} with activation {function!r}; accepted: softmax, "
                "or none behind a dense layer (logits), with one output for each class"
            )


def _class_of(entry: JsonObject, where: str) -> str:
    """The name of a class of Keras's own."""
    kind, module, registered = entry.get("class_name"), entry.get("module"), entry.get("registered_name")
    if not isinstance(kind, str) or not isinstance(module, str | None):
        raise InvalidInputError(f"{where} is of class {kind!r}; accepted: a class of Keras's own")
    own = module == "keras.layers" or (kind in _MODELS and _MODEL_MODULES.fullmatch(module or "") is not None)
    if not own or registered not in {None, kind}:
        raise InvalidInputError(
            f"{where} is of class {str(module)[:100]}.{kind[:100]}, registered as {str(registered)[:100]!r}: code that "
            "is not Keras's own is never run; accepted: layers of keras.layers"
        )
    return kind


def _name_of(entry: JsonObject) -> str:
    settings = as_object(entry.get("config"), "a layer")
    name = entry.get("name", settings.get("name"))
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"a layer is called {str(name)[:100]!r}; accepted: up to 200 letters, digits and _ . / -"
        )
    return name
