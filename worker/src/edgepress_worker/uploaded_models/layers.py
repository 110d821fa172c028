"""Construction of each kind of layer, and the shapes that its weights must have.

The activation of a convolution or dense layer becomes a separate layer, and a separable convolution becomes two layers.
The network then has the structure that pruning, clustering and quantization expect, like the catalogue's networks.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import InvalidInputError
from edgepress_common.uploaded_models import layers as described
from edgepress_worker.keras_environment import keras
from edgepress_worker.uploaded_models import activations

_keras = keras.layers
Shape = tuple[int, ...]
Weights = npt.NDArray[np.float32]

# Functions by the names that Keras writes; this is the only place that resolves such names.
_FUNCTIONS: dict[described.Activation, Callable[..., object]] = {
    "linear": keras.activations.linear,
    "relu": keras.activations.relu,
    "elu": activations.elu,
    "selu": activations.selu,
    "gelu": keras.activations.gelu,
    "hard_sigmoid": activations.hard_sigmoid,
    "hard_swish": activations.hard_swish,
    "hard_silu": activations.hard_swish,
    "mish": activations.mish,
    "sigmoid": keras.activations.sigmoid,
    "tanh": keras.activations.tanh,
    "softplus": activations.softplus,
    "softsign": activations.softsign,
    "swish": keras.activations.swish,
    "silu": keras.activations.swish,
    "softmax": keras.activations.softmax,
}
_LEAKY_SLOPE = 0.3  # the default of the layer in Keras 2 and 3
_LEAKY_ACTIVATION_SLOPE = 0.2  # the default of the activation in Keras 3
_EPSILON = 1e-7  # Keras's: the smallest deviation that a normalization divides by


@dataclass(frozen=True)
class BuiltLayer:
    """One layer that is called in place of a described one.

    Attributes:
        layer: Keras's layer, not called yet.
        weights: Number of the described layer's weights that it uses.
    """

    layer: keras.layers.Layer
    weights: int = 0


@dataclass(frozen=True)
class Made:
    """Layers that are built for a described layer.

    Attributes:
        parts: The layers, each called on the output of the previous one.
        shapes: The shapes that its weights must have, in the order in which Keras writes them.
    """

    parts: tuple[BuiltLayer, ...]
    shapes: tuple[Shape, ...] = field(default=())


def make_layer(  # noqa: C901, PLR0911, PLR0912 - one case for each kind
    layer: described.Layer, names: Callable[[str], str], name: str, inputs: Sequence[Shape]
) -> Made:
    """Make a layer of any kind except the input.

    Args:
        layer: Description of the layer: its kind and parameters.
        names: Function that returns an unused name: its argument, or another one if that is in use. It names layers
            that the file does not name.
        name: The layer's name.
        inputs: The shapes of its inputs, without the batch.

    Raises:
        InvalidInputError: A parameter does not fit the shapes.
    """
    taken = inputs[0]
    match layer:
        case described.Rescaling():
            return _one(_keras.Rescaling(_plain(layer.scale), _plain(layer.offset), name=name))
        case described.Conv2D():
            return _convolution(layer, names, name, taken)
        case described.DepthwiseConv2D():
            return _depthwise(layer, names, name, taken)
        case described.SeparableConv2D():
            return _separable(layer, names, name, taken)
        case described.Dense():
            return _dense(layer, names, name, taken)
        case described.BatchNormalization():
            return _batch_normalization(layer, name, taken)
        case described.ActivationLayer():
            return _one(activation(layer.activation, name))
        case described.ReLU() | described.LeakyReLU():
            return _one(activation(layer, name))
        case described.PReLU():
            shared = layer.shared_axes or ()
            shape = tuple(1 if axis in shared else side for axis, side in enumerate(taken, start=1))
            return Made((BuiltLayer(_keras.PReLU(shared_axes=list(shared) or None, name=name), weights=1),), (shape,))
        case described.ELU():
            return _one(activation("elu", name))
        case described.Softmax():
            axis = _axis(layer.axis, taken, name)
            last = axis == len(taken)
            return _one(activation("softmax", name) if last else _keras.Softmax(axis=axis, name=name))
        case described.MaxPooling2D():
            return _one(_keras.MaxPooling2D(layer.pool_size, layer.strides, layer.padding, name=name))
        case described.AveragePooling2D():
            return _one(_keras.AveragePooling2D(layer.pool_size, layer.strides, layer.padding, name=name))
        case described.GlobalAveragePooling2D():
            return _one(_keras.GlobalAveragePooling2D(keepdims=layer.keepdims, name=name))
        case described.GlobalMaxPooling2D():
            return _one(_keras.GlobalMaxPooling2D(keepdims=layer.keepdims, name=name))
        case described.ZeroPadding2D():
            return _one(_keras.ZeroPadding2D(layer.padding, name=name))
        case described.Cropping2D():
            return _one(_keras.Cropping2D(layer.cropping, name=name))
        case described.Flatten():
            return _one(_keras.Flatten(name=name))
        case described.Reshape():
            return _one(_keras.Reshape(layer.target_shape, name=name))
        case described.Dropout():
            return _one(_keras.Dropout(layer.rate, noise_shape=layer.noise_shape, name=name))
        case described.SpatialDropout2D():
            return _one(_keras.SpatialDropout2D(layer.rate, name=name))
        case described.Add():
            return _one(_keras.Add(name=name))
        case described.Multiply():
            return _one(_keras.Multiply(name=name))
        case described.Concatenate():
            return _one(_keras.Concatenate(axis=_axis(layer.axis, taken, name), name=name))
        case described.Normalization():
            return _normalization(layer, name, taken)
        case described.LeftOut() | described.Input():
            raise AssertionError(f"a layer of kind {layer.kind} is not made")


def activation(function: described.ActivationOf, name: str) -> keras.layers.Layer:
    """Return a layer that only applies a function to its input."""
    match function:
        case described.ReLU():
            return _keras.ReLU(function.max_value, function.negative_slope, function.threshold, name=name)
        case described.LeakyReLU():
            slopes = [slope for slope in (function.negative_slope, function.alpha) if slope is not None]
            return _keras.LeakyReLU(slopes[0] if slopes else _LEAKY_SLOPE, name=name)
        case "relu6":
            return _keras.ReLU(6.0, name=name)
        case "leaky_relu":
            return _keras.LeakyReLU(_LEAKY_ACTIVATION_SLOPE, name=name)
        case _:
            return _keras.Activation(_FUNCTIONS[function], name=name)


def constant_normalization(mean: Iterable[float], variance: Iterable[float], name: str) -> keras.layers.Layer:
    """Return a layer of constants that subtracts the mean and divides by the deviation, by channel."""
    scales = [1 / max(math.sqrt(each), _EPSILON) for each in variance]
    return _keras.Rescaling(scales, [-each * scale for each, scale in zip(mean, scales, strict=True)], name=name)


def _one(layer: keras.layers.Layer) -> Made:
    return Made((BuiltLayer(layer),))


def _convolution(layer: described.Conv2D, names: Callable[[str], str], name: str, taken: Shape) -> Made:
    made = _keras.Conv2D(
        layer.filters,
        layer.kernel_size,
        layer.strides,
        layer.padding,
        dilation_rate=layer.dilation_rate,
        use_bias=layer.use_bias,
        name=name,
    )
    shapes = _with_bias((*layer.kernel_size, taken[-1], layer.filters), layer.filters, used=layer.use_bias)
    return Made((BuiltLayer(made, len(shapes)), *_following(layer.activation, names, name)), shapes)


def _depthwise(layer: described.DepthwiseConv2D, names: Callable[[str], str], name: str, taken: Shape) -> Made:
    made = _depthwise_layer(layer, name, use_bias=layer.use_bias)
    kernel = (*layer.kernel_size, taken[-1], layer.depth_multiplier)
    shapes = _with_bias(kernel, taken[-1] * layer.depth_multiplier, used=layer.use_bias)
    return Made((BuiltLayer(made, len(shapes)), *_following(layer.activation, names, name)), shapes)


def _separable(layer: described.SeparableConv2D, names: Callable[[str], str], name: str, taken: Shape) -> Made:
    channels = taken[-1] * layer.depth_multiplier
    depthwise = _depthwise_layer(layer, names(f"{name}_depthwise"), use_bias=False)
    pointwise = _keras.Conv2D(layer.filters, 1, use_bias=layer.use_bias, name=name)
    of_pointwise = _with_bias((1, 1, channels, layer.filters), layer.filters, used=layer.use_bias)
    shapes = ((*layer.kernel_size, taken[-1], layer.depth_multiplier), *of_pointwise)
    parts = (BuiltLayer(depthwise, 1), BuiltLayer(pointwise, len(of_pointwise)))
    return Made((*parts, *_following(layer.activation, names, name)), shapes)


def _depthwise_layer(
    layer: described.DepthwiseConv2D | described.SeparableConv2D, name: str, *, use_bias: bool
) -> keras.layers.Layer:
    return _keras.DepthwiseConv2D(
        layer.kernel_size,
        layer.strides,
        layer.padding,
        layer.depth_multiplier,
        dilation_rate=layer.dilation_rate,
        use_bias=use_bias,
        name=name,
    )


def _dense(layer: described.Dense, names: Callable[[str], str], name: str, taken: Shape) -> Made:
    made = _keras.Dense(layer.units, use_bias=layer.use_bias, name=name)
    shapes = _with_bias((taken[-1], layer.units), layer.units, used=layer.use_bias)
    return Made((BuiltLayer(made, len(shapes)), *_following(layer.activation, names, name)), shapes)


def _batch_normalization(layer: described.BatchNormalization, name: str, taken: Shape) -> Made:
    _check_last(layer.axis, taken, name)
    made = _keras.BatchNormalization(
        axis=-1, momentum=layer.momentum, epsilon=layer.epsilon, center=layer.center, scale=layer.scale, name=name
    )
    shapes = ((taken[-1],),) * (2 + layer.center + layer.scale)
    return Made((BuiltLayer(made, len(shapes)),), shapes)


def _normalization(layer: described.Normalization, name: str, taken: Shape) -> Made:
    """Return a normalization by constants; without parts if the constants are weights, which `building` reads later."""
    _check_last(layer.axis, taken, name)
    if layer.mean is None or layer.variance is None:
        return Made((), ((taken[-1],),) * 2)
    mean, variance = (np.broadcast_to(each, taken[-1:]) for each in (layer.mean, layer.variance))
    return _one(constant_normalization(mean, variance, name))


def _axis(axis: int, taken: Shape, name: str) -> int:
    """Return the axis counted from the batch, which is axis 0."""
    rank = len(taken) + 1
    positive = axis + rank if axis < 0 else axis
    if not 1 <= positive < rank:
        raise InvalidInputError(f"layer {name!r} works along axis {axis} of {rank}; accepted: 1 to {rank - 1}, or -1")
    return positive


def _check_last(axis: int, taken: Shape, name: str) -> None:
    if axis not in {-1, len(taken)}:
        raise InvalidInputError(f"layer {name!r} normalizes over axis {axis}; accepted: the last, by channel")


def _following(
    function: described.ActivationOf | None, names: Callable[[str], str], name: str
) -> tuple[BuiltLayer, ...]:
    if function is None or function == "linear":
        return ()
    suffix = function if isinstance(function, str) else function.kind.lower()
    return (BuiltLayer(activation(function, names(f"{name}_{suffix}"))),)


def _with_bias(kernel: Shape, channels: int, *, used: bool) -> tuple[Shape, ...]:
    return (kernel, (channels,)) if used else (kernel,)


def _plain(value: float | tuple[float, ...]) -> float | list[float]:
    return list(value) if isinstance(value, tuple) else value
