"""A network as its layers and the inputs of each, from pixels to one output per class."""

import math
from typing import Literal

from edgepress_common.frozen import Frozen
from edgepress_common.uploaded_models.layers import (
    ActivationLayer,
    Dense,
    Input,
    Layer,
    LeftOut,
    Normalization,
    Rescaling,
    Softmax,
)

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
        return is_binary_output(self.calls)

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


def is_binary_output(calls: tuple[Call, ...]) -> bool:
    """Return whether the last layers give one number, the probability or logit of the second of two classes."""
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
