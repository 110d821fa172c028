"""The kinds of layer that an uploaded model can have, each with its parameters as plain values.

To accept another kind of layer: its class here, and how it is built in the worker's ``uploaded_models/layers.py``. It
must be one that every export and every stage can deal with.
"""

import math
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from edgepress_common.frozen import Frozen

Activation = Literal[
    "linear", "relu", "relu6", "elu", "selu", "gelu", "sigmoid", "tanh", "softplus", "softsign", "swish", "silu",
    "softmax",
]  # fmt: skip
Padding = Literal["valid", "same"]

_Size = Annotated[int, Field(ge=1, le=1024)]
_Channels = Annotated[int, Field(ge=1, le=65_536)]
_Pair = tuple[_Size, _Size]
_Edge = Annotated[int, Field(ge=0, le=1024)]
_Edges = tuple[tuple[_Edge, _Edge], tuple[_Edge, _Edge]]
_Share = Annotated[float, Field(ge=0, lt=1)]


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no finite number")
    return value


_Number = Annotated[float, AfterValidator(_finite)]
_PerChannel = _Number | Annotated[tuple[_Number, ...], Field(min_length=1, max_length=3)]


def _last_axis(value: object) -> object:
    """Keras 2 writes the one axis as a list."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


_Axis = Annotated[int, BeforeValidator(_last_axis), Field(ge=-4, le=4)]


class _Layer(Frozen):
    """A layer's settings.

    Attributes:
        group: What Keras calls the weights of such a layer; None if it has none.
    """

    group: ClassVar[str | None] = None


class _ChannelsLast(_Layer):
    data_format: Literal["channels_last"] | None = "channels_last"


class Input(_Layer):
    """What comes in: height and width in pixels, None for any; channels."""

    kind: Literal["InputLayer"] = "InputLayer"
    shape: tuple[int | None, int | None, int]


class Rescaling(_Layer):
    """Times ``scale``, plus ``offset``; each one number, or one for each channel."""

    kind: Literal["Rescaling"] = "Rescaling"
    scale: _PerChannel
    offset: _PerChannel = 0.0


class _Convolution(_ChannelsLast):
    kernel_size: _Pair
    strides: _Pair = (1, 1)
    padding: Padding = "valid"
    dilation_rate: _Pair = (1, 1)
    activation: Activation | None = None
    use_bias: bool = True


class Conv2D(_Convolution):
    """A convolution."""

    group = "conv2d"
    kind: Literal["Conv2D"] = "Conv2D"
    filters: _Channels
    groups: Literal[1] = 1


class DepthwiseConv2D(_Convolution):
    """A convolution of each channel by itself."""

    group = "depthwise_conv2d"
    kind: Literal["DepthwiseConv2D"] = "DepthwiseConv2D"
    depth_multiplier: _Size = 1
    groups: int | None = None  # Keras 2 writes it, and nothing depends on it
    filters: None = None


class Dense(_Layer):
    """A dense layer."""

    group = "dense"
    kind: Literal["Dense"] = "Dense"
    units: _Channels
    activation: Activation | None = None
    use_bias: bool = True


class BatchNormalization(_Layer):
    """Normalization over a batch."""

    group = "batch_normalization"
    kind: Literal["BatchNormalization"] = "BatchNormalization"
    axis: _Axis = -1
    momentum: Annotated[float, Field(ge=0, le=1)] = 0.99
    epsilon: Annotated[float, Field(gt=0, le=1)] = 1e-3
    center: bool = True
    scale: bool = True
    renorm: Literal[False] = False
    synchronized: bool = False


class ActivationLayer(_Layer):
    """A function of each value."""

    kind: Literal["Activation"] = "Activation"
    activation: Activation


class ReLU(_Layer):
    """A rectifier, with a limit or without."""

    kind: Literal["ReLU"] = "ReLU"
    max_value: Annotated[_Number, Field(ge=0)] | None = None
    negative_slope: Annotated[_Number, Field(ge=0)] = 0.0
    threshold: Annotated[_Number, Field(ge=0)] = 0.0


class LeakyReLU(_Layer):
    """A rectifier with a slope; Keras 2 calls it ``alpha``."""

    kind: Literal["LeakyReLU"] = "LeakyReLU"
    negative_slope: Annotated[_Number, Field(ge=0)] | None = None
    alpha: Annotated[_Number, Field(ge=0)] | None = None


class Softmax(_Layer):
    """Probabilities of logits."""

    kind: Literal["Softmax"] = "Softmax"
    axis: Annotated[Literal[-1, 1], BeforeValidator(_last_axis)] = -1


class _Pooling(_ChannelsLast):
    pool_size: _Pair = (2, 2)
    strides: _Pair | None = None
    padding: Padding = "valid"


class MaxPooling2D(_Pooling):
    """The largest of each window."""

    kind: Literal["MaxPooling2D"] = "MaxPooling2D"


class AveragePooling2D(_Pooling):
    """The mean of each window."""

    kind: Literal["AveragePooling2D"] = "AveragePooling2D"


class _GlobalPooling(_ChannelsLast):
    keepdims: bool = False


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of each channel."""

    kind: Literal["GlobalAveragePooling2D"] = "GlobalAveragePooling2D"


class GlobalMaxPooling2D(_GlobalPooling):
    """The largest of each channel."""

    kind: Literal["GlobalMaxPooling2D"] = "GlobalMaxPooling2D"


class ZeroPadding2D(_ChannelsLast):
    """Zeros around it."""

    kind: Literal["ZeroPadding2D"] = "ZeroPadding2D"
    padding: _Edges


class Cropping2D(_ChannelsLast):
    """Edges cut off."""

    kind: Literal["Cropping2D"] = "Cropping2D"
    cropping: _Edges


class Flatten(_ChannelsLast):
    """All values in a row."""

    kind: Literal["Flatten"] = "Flatten"


class Reshape(_Layer):
    """The same values in another shape; one side may be -1."""

    kind: Literal["Reshape"] = "Reshape"
    target_shape: Annotated[tuple[Annotated[int, Field(ge=-1, le=1 << 24)], ...], Field(min_length=1, max_length=3)]


class Dropout(_Layer):
    """Values left out while training. A seed of its own is left out: the spec has one."""

    kind: Literal["Dropout"] = "Dropout"
    rate: _Share
    noise_shape: None = None
    seed: int | None = None


class SpatialDropout2D(_ChannelsLast):
    """Channels left out while training."""

    kind: Literal["SpatialDropout2D"] = "SpatialDropout2D"
    rate: _Share
    seed: int | None = None
    noise_shape: None = None


class Add(_Layer):
    """The sum of its inputs."""

    kind: Literal["Add"] = "Add"


class Multiply(_Layer):
    """The product of its inputs."""

    kind: Literal["Multiply"] = "Multiply"


class Concatenate(_Layer):
    """Its inputs side by side, by channel."""

    kind: Literal["Concatenate"] = "Concatenate"
    axis: Annotated[Literal[-1, 3], BeforeValidator(_last_axis)] = -1


class LeftOut(_Layer):
    """What only changes training images: the spec's ``augmentation`` is for that."""

    kind: Literal["RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom", "RandomContrast"]


Layer = (
    Input | Rescaling | Conv2D | DepthwiseConv2D | Dense | BatchNormalization | ActivationLayer | ReLU | LeakyReLU
    | Softmax | MaxPooling2D | AveragePooling2D | GlobalAveragePooling2D | GlobalMaxPooling2D | ZeroPadding2D
    | Cropping2D | Flatten | Reshape | Dropout | SpatialDropout2D | Add | Multiply | Concatenate | LeftOut
)  # fmt: skip
