"""Follows each channel of a network through its layers.

Every output channel of a convolution or dense layer gets a number. A tensor is described by the numbers of its
channels, along its last axis: a normalization, an activation or pooling passes them on, a concatenation joins them, a
depthwise convolution repeats them, flattening repeats them for each place. Where layers need two channels to be removed
together, as an addition does, the two are *tied*. Where a channel can't be removed, as with the network's output, it is
*fixed*. Both have a reason in plain words.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import InvalidInputError
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_graph import IDLE_LAYERS, Call, calls, output_numbers

_keras = keras.layers

Channels = npt.NDArray[np.int64]
"""Numbers of a tensor's channels, ``(channels,)``."""

_PASSING = (
    *IDLE_LAYERS,
    _keras.BatchNormalization,
    _keras.Rescaling,
    _keras.Activation,
    _keras.ReLU,
    _keras.LeakyReLU,
    _keras.PReLU,
    _keras.ELU,
    _keras.Softmax,
    _keras.MaxPooling2D,
    _keras.AveragePooling2D,
    _keras.GlobalAveragePooling2D,
    _keras.GlobalMaxPooling2D,
    _keras.ZeroPadding2D,
    _keras.Cropping2D,
)
_BY_CHANNEL = (_keras.Add, _keras.Subtract, _keras.Multiply, _keras.Average, _keras.Maximum, _keras.Minimum)
_WORDS = {_keras.Add: "adds", _keras.Multiply: "multiplies", _keras.Subtract: "subtracts"}

# Functions of TensorFlow that Keras calls for operators like ``x + 3`` in a network's code: MobileNetV3 has them.
_OPERATORS = {
    "__operators__.add": "adds",
    "math.add": "adds",
    "math.subtract": "subtracts",
    "math.multiply": "multiplies",
    "math.truediv": "divides",
}


@dataclass(frozen=True)
class Tie:
    """Channels that can only be removed in pairs.

    Attributes:
        reason: Why, in plain words.
        pairs: Their numbers, ``(pairs, 2)``.
    """

    reason: str
    pairs: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fixed:
    """Channels that can't be removed.

    Attributes:
        reason: Why, in plain words.
        channels: Their numbers.
    """

    reason: str
    channels: Channels


@dataclass
class Flow:
    """The channels of a network.

    Attributes:
        calls: The network's calls, in order.
        channels: The channels of each tensor, by its number.
        made: The channels that each convolution or dense layer makes, and those of the input, by layer.
        ties: Channels that are tied.
        fixed: Channels that are fixed.
        count: Number of channels that have a number.
    """

    calls: tuple[Call, ...]
    channels: dict[int, Channels] = field(default_factory=dict)
    made: dict[str, Channels] = field(default_factory=dict)
    ties: list[Tie] = field(default_factory=list)
    fixed: list[Fixed] = field(default_factory=list)
    count: int = 0


def follow(network: keras.Model) -> Flow:
    """Follow the channels of a functional network.

    Raises:
        InvalidInputError: The network has a layer whose channels can't be followed.
    """
    return _Follower(calls(network), output_numbers(network)).flow


def is_softmax_over_channels(layer: keras.layers.Layer, rank: int) -> bool:
    """Return whether each output channel of a layer depends on all its input channels.

    Args:
        layer: The layer.
        rank: Number of the input's axes, with the batch.
    """
    if isinstance(layer, _keras.Softmax):
        return layer.axis in {-1, rank - 1}
    return getattr(layer, "activation", None) is keras.activations.softmax


class _Follower:
    def __init__(self, found: tuple[Call, ...], outputs: tuple[int, ...]) -> None:
        self.flow = Flow(found)
        self._taken: dict[str, Channels] = {}  # by layers that have weights
        for call in found:
            self.flow.channels[call.output] = self._followed(call)
        for output in outputs:
            self._fix(self.flow.channels[output], "they are the network's output")

    def _followed(self, call: Call) -> Channels:  # noqa: PLR0911 - one for each kind
        layer = call.layer
        if isinstance(layer, _keras.InputLayer):
            made = self._make(layer.name, call.output_shape[-1])
            self._fix(made, "they are the network's input")
            return made
        inputs = [self.flow.channels[number] for number in call.inputs]
        if layer.weights:
            self._used_again(layer.name, inputs[0])
        if is_softmax_over_channels(layer, len(call.output_shape) + 1) and not layer.weights:
            self._fix(inputs[0], f"{layer.name!r} is a softmax, whose every output depends on all of them")
        match layer:
            case _keras.Conv2DTranspose():
                raise _unsupported(layer)
            case _keras.DepthwiseConv2D():
                return np.repeat(inputs[0], layer.depth_multiplier)
            case _keras.Conv2D() | _keras.Dense():
                return self._made(call, inputs[0])
            case _keras.Flatten() | _keras.Reshape():
                return self._reshaped(call, inputs[0])
            case _keras.Concatenate() if layer.axis in {-1, len(call.output_shape)}:
                return np.concatenate(inputs)
            case _ if isinstance(layer, _PASSING):
                return inputs[0]
            case _:
                return self._joined(inputs, f"{layer.name!r} {_combination(layer)}")

    def _made(self, call: Call, taken: Channels) -> Channels:
        layer, made = call.layer, self._make(call.layer.name, call.output_shape[-1])
        if is_softmax_over_channels(layer, len(call.output_shape) + 1):
            self._fix(made, f"{layer.name!r} is a softmax, whose every output depends on all of them")
        if getattr(layer, "groups", 1) > 1:
            for channels in (taken, made):
                self._fix(channels, f"{layer.name!r} is a grouped convolution")
        return made

    def _make(self, name: str, count: int) -> Channels:
        if name not in self.flow.made:  # the same filters make the same channels, wherever the layer is called
            self.flow.made[name] = np.arange(self.flow.count, self.flow.count + count)
            self.flow.count += count
        return self.flow.made[name]

    def _used_again(self, name: str, channels: Channels) -> None:
        before = self._taken.setdefault(name, channels)
        if not np.array_equal(before, channels):
            self._tie(before, channels, f"{name!r} is called on both with the same weights")

    def _joined(self, inputs: list[Channels], reason: str) -> Channels:
        """Return the channels of a layer that combines equal ones; a single channel is combined with each of them."""
        widest = max(inputs, key=len)
        for channels in inputs:
            if channels is widest:
                continue
            if len(channels) == len(widest):
                self._tie(widest, channels, reason)
            else:
                self._fix(channels, f"{reason}, all with one")
        return widest

    def _reshaped(self, call: Call, channels: Channels) -> Channels:
        (before,), after = call.input_shapes, call.output_shape
        places = np.broadcast_to(channels, before).reshape(-1, after[-1])
        if len(places) > 1 and not (places == places[0]).all():
            self._fix(channels, f"{call.layer.name!r} mixes them with places")
        return places[0]

    def _tie(self, one: Channels, other: Channels, reason: str) -> None:
        self.flow.ties.append(Tie(reason, np.stack([one, other], axis=1)))

    def _fix(self, channels: Channels, reason: str) -> None:
        self.flow.fixed.append(Fixed(reason, channels))


def _combination(layer: keras.layers.Layer) -> str:
    """Return how a layer combines the channels of its inputs.

    Raises:
        InvalidInputError: The channels of the layer can't be followed.
    """
    if isinstance(layer, _keras.Concatenate):
        return "places them side by side"
    if isinstance(layer, _BY_CHANNEL):
        return f"{_WORDS.get(type(layer), 'combines')} them channel by channel"
    operator = layer.get_config().get("function") if type(layer).__name__ == "TFOpLambda" else None
    if operator in _OPERATORS:
        return f"{_OPERATORS[operator]} them channel by channel"
    raise _unsupported(layer)


def _unsupported(layer: keras.layers.Layer) -> InvalidInputError:
    return InvalidInputError(
        f"layer {layer.name!r} is a {type(layer).__name__}, whose channels prune_channels can't follow; accepted: the "
        "layers of the catalogue's networks and of uploaded models, before quantize_aware"
    )
