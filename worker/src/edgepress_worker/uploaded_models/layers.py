"""How each kind of layer is made, and the shapes that its weights must have.

What a convolution or dense layer does with its output is made a layer of its own, so that the network is put together
like those of the catalogue: what prunes, clusters and quantizes then finds what it expects.
"""

from collections.abc import Callable
from dataclasses import dataclass

from edgepress_common.uploaded_models import layers as described
from edgepress_worker.keras_environment import keras

_keras = keras.layers
Shape = tuple[int, ...]

# From the names that Keras writes to functions of Keras's: no name is looked up anywhere else.
_FUNCTIONS: dict[described.Activation, Callable[..., object]] = {
    "linear": keras.activations.linear,
    "relu": keras.activations.relu,
    "elu": keras.activations.elu,
    "selu": keras.activations.selu,
    "gelu": keras.activations.gelu,
    "sigmoid": keras.activations.sigmoid,
    "tanh": keras.activations.tanh,
    "softplus": keras.activations.softplus,
    "softsign": keras.activations.softsign,
    "swish": keras.activations.swish,
    "silu": keras.activations.swish,
    "softmax": keras.activations.softmax,
}
_LEAKY_SLOPE = 0.3  # what Keras 2 and 3 take where nothing is said


@dataclass(frozen=True)
class Made:
    """A layer, not called yet.

    Attributes:
        layer: Keras's; None for one that does nothing once training is over.
        weights: Given the shape of what it is called on, without the batch, the shapes of its weights in the order that
            Keras writes them.
        then: What follows it: an activation that its description has inside.
    """

    layer: keras.layers.Layer | None
    weights: Callable[[Shape], tuple[Shape, ...]] = lambda _shape: ()
    then: keras.layers.Layer | None = None


def make_layer(layer: described.Layer, name: str) -> Made:  # noqa: C901, PLR0911, PLR0912 - one case for each kind
    """Makes a layer of that name; not for the input."""
    match layer:
        case described.Rescaling():
            return Made(_keras.Rescaling(_plain(layer.scale), _plain(layer.offset), name=name))
        case described.Conv2D():
            return _convolution(layer, name)
        case described.DepthwiseConv2D():
            return _depthwise(layer, name)
        case described.Dense():
            return _dense(layer, name)
        case described.BatchNormalization():
            return _normalization(layer, name)
        case described.ActivationLayer():
            return Made(activation(layer.activation, name))
        case described.ReLU():
            return Made(_keras.ReLU(layer.max_value, layer.negative_slope, layer.threshold, name=name))
        case described.LeakyReLU():
            slopes = [slope for slope in (layer.negative_slope, layer.alpha) if slope is not None]
            return Made(_keras.LeakyReLU(slopes[0] if slopes else _LEAKY_SLOPE, name=name))
        case described.Softmax():
            return Made(activation("softmax", name))
        case described.MaxPooling2D():
            return Made(_keras.MaxPooling2D(layer.pool_size, layer.strides, layer.padding, name=name))
        case described.AveragePooling2D():
            return Made(_keras.AveragePooling2D(layer.pool_size, layer.strides, layer.padding, name=name))
        case described.GlobalAveragePooling2D():
            return Made(_keras.GlobalAveragePooling2D(keepdims=layer.keepdims, name=name))
        case described.GlobalMaxPooling2D():
            return Made(_keras.GlobalMaxPooling2D(keepdims=layer.keepdims, name=name))
        case described.ZeroPadding2D():
            return Made(_keras.ZeroPadding2D(layer.padding, name=name))
        case described.Cropping2D():
            return Made(_keras.Cropping2D(layer.cropping, name=name))
        case described.Flatten():
            return Made(_keras.Flatten(name=name))
        case described.Reshape():
            return Made(_keras.Reshape(layer.target_shape, name=name))
        case described.Dropout():
            return Made(_keras.Dropout(layer.rate, name=name))
        case described.SpatialDropout2D():
            return Made(_keras.SpatialDropout2D(layer.rate, name=name))
        case described.Add():
            return Made(_keras.Add(name=name))
        case described.Multiply():
            return Made(_keras.Multiply(name=name))
        case described.Concatenate():
            return Made(_keras.Concatenate(axis=-1, name=name))
        case described.LeftOut():
            return Made(None)
        case described.Input():
            raise AssertionError("an input is made, not called")


def activation(function: described.Activation, name: str) -> keras.layers.Layer:
    """A layer that does no more than that."""
    return _keras.ReLU(6.0, name=name) if function == "relu6" else _keras.Activation(_FUNCTIONS[function], name=name)


def _convolution(layer: described.Conv2D, name: str) -> Made:
    def weights(shape: Shape) -> tuple[Shape, ...]:
        return _with_bias((*layer.kernel_size, shape[-1], layer.filters), layer.filters, used=layer.use_bias)

    made = _keras.Conv2D(
        layer.filters,
        layer.kernel_size,
        layer.strides,
        layer.padding,
        dilation_rate=layer.dilation_rate,
        use_bias=layer.use_bias,
        name=name,
    )
    return Made(made, weights, _following(layer.activation, name))


def _depthwise(layer: described.DepthwiseConv2D, name: str) -> Made:
    def weights(shape: Shape) -> tuple[Shape, ...]:
        kernel = (*layer.kernel_size, shape[-1], layer.depth_multiplier)
        return _with_bias(kernel, shape[-1] * layer.depth_multiplier, used=layer.use_bias)

    made = _keras.DepthwiseConv2D(
        layer.kernel_size,
        layer.strides,
        layer.padding,
        layer.depth_multiplier,
        dilation_rate=layer.dilation_rate,
        use_bias=layer.use_bias,
        name=name,
    )
    return Made(made, weights, _following(layer.activation, name))


def _dense(layer: described.Dense, name: str) -> Made:
    def weights(shape: Shape) -> tuple[Shape, ...]:
        return _with_bias((shape[-1], layer.units), layer.units, used=layer.use_bias)

    made = _keras.Dense(layer.units, use_bias=layer.use_bias, name=name)
    return Made(made, weights, _following(layer.activation, name))


def _normalization(layer: described.BatchNormalization, name: str) -> Made:
    def weights(shape: Shape) -> tuple[Shape, ...]:
        return ((shape[-1],),) * (2 + layer.center + layer.scale)

    made = _keras.BatchNormalization(
        axis=-1, momentum=layer.momentum, epsilon=layer.epsilon, center=layer.center, scale=layer.scale, name=name
    )
    return Made(made, weights)


def _following(function: described.Activation | None, name: str) -> keras.layers.Layer | None:
    return None if function in {None, "linear"} else activation(function, f"{name}_{function}")


def _with_bias(kernel: Shape, channels: int, *, used: bool) -> tuple[Shape, ...]:
    return (kernel, (channels,)) if used else (kernel,)


def _plain(value: float | tuple[float, ...]) -> float | list[float]:
    return list(value) if isinstance(value, tuple) else value
