"""The kinds of layer that an uploaded model can have, with their parameters as plain values.

To accept another kind of layer: add its class here, and how it is built in the worker's ``uploaded_models/layers.py``.
Every export and every stage must support it, int8 included: ``tests/unit/worker/test_uploaded_layers.py`` compares each
layer and parameter with Keras, and converts each activation to each kind of file.
"""

import math
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from edgepress_common.frozen import Frozen

Activation = Literal[
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "hard_sigmoid", "tanh", "softplus",
    "softsign", "mish", "swish", "silu", "hard_swish", "hard_silu", "softmax",
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
        raise ValueError("is not finite; accepted: a finite number")
    return value


def _constant(value: object) -> object:
    """Return the numbers of a serialized tensor or array; axes of length 1 in front are dropped."""
    if isinstance(value, dict) and value.get("class_name") in {"__tensor__", "__numpy__"}:
        config = value.get("config")
        value = config.get("value") if isinstance(config, dict) else None
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value


_Number = Annotated[float, BeforeValidator(_constant), AfterValidator(_finite)]
PerChannel = Annotated[
    _Number | Annotated[tuple[_Number, ...], Field(min_length=1, max_length=65_536)], BeforeValidator(_constant)
]


def _last_axis(value: object) -> object:
    """Return the axis; Keras 2 writes a single axis as a list."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


_Axis = Annotated[int, BeforeValidator(_last_axis), Field(ge=-4, le=4)]


class _Layer(Frozen):
    """The settings of a layer.

    Attributes:
        group: Name that Keras gives the weights of such a layer; None if it has no weights.
    """

    group: ClassVar[str | None] = None


class _ChannelsLast(_Layer):
    data_format: Literal["channels_last"] | None = "channels_last"


class Input(_Layer):
    """The input: height and width in pixels, None for any size; channels."""

    kind: Literal["InputLayer"] = "InputLayer"
    shape: tuple[int | None, int | None, int]


class Rescaling(_Layer):
    """Multiply by ``scale``, then add ``offset``; each is one number, or one per channel."""

    kind: Literal["Rescaling"] = "Rescaling"
    scale: PerChannel
    offset: PerChannel = 0.0


class Normalization(_Layer):
    """Minus the mean, divided by the deviation, by channel; numbers, or weights if there are none."""

    group = "normalization"
    kind: Literal["Normalization"] = "Normalization"
    axis: _Axis = -1
    invert: Literal[False] = False
    mean: PerChannel | None = None
    variance: PerChannel | None = None

    @model_validator(mode="after")
    def _check_both(self) -> Self:
        if (self.mean is None) != (self.variance is None):
            raise ValueError("has mean or variance alone; accepted: both, or neither")
        return self


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


ActivationOf = Activation | ReLU | LeakyReLU
"""The activation of a layer's output: a function by its name, or one of two layers."""


class _Convolution(_ChannelsLast):
    _equal_strides: ClassVar[bool] = True  # what TensorFlow needs where each channel has a kernel of its own
    kernel_size: _Pair
    strides: _Pair = (1, 1)
    padding: Padding = "valid"
    dilation_rate: _Pair = (1, 1)
    activation: ActivationOf | None = None
    use_bias: bool = True

    @model_validator(mode="after")
    def _check_steps(self) -> Self:
        if self.strides != (1, 1) and self.dilation_rate != (1, 1):
            raise ValueError("strides and dilation_rate can't both be larger than 1; accepted: 1 for one of them")
        if self._equal_strides and self.strides[0] != self.strides[1]:
            raise ValueError("has unequal strides; accepted: the same for height and width, as TensorFlow requires")
        return self


class Conv2D(_Convolution):
    """A convolution."""

    _equal_strides = False
    group = "conv2d"
    kind: Literal["Conv2D"] = "Conv2D"
    filters: _Channels
    groups: Literal[1] = 1


class DepthwiseConv2D(_Convolution):
    """A convolution of each channel separately."""

    group = "depthwise_conv2d"
    kind: Literal["DepthwiseConv2D"] = "DepthwiseConv2D"
    depth_multiplier: _Size = 1
    groups: int | None = None  # Keras 2 writes it, but it has no effect
    filters: None = None


class SeparableConv2D(_Convolution):
    """A convolution of each channel separately, followed by a 1 x 1 convolution."""

    group = "separable_conv2d"
    kind: Literal["SeparableConv2D"] = "SeparableConv2D"
    filters: _Channels
    depth_multiplier: _Size = 1
    groups: Literal[1] = 1


class Dense(_Layer):
    """A dense layer."""

    group = "dense"
    kind: Literal["Dense"] = "Dense"
    units: _Channels
    activation: ActivationOf | None = None
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
    """An activation function."""

    kind: Literal["Activation"] = "Activation"
    activation: ActivationOf


class PReLU(_Layer):
    """A rectifier whose slope is learned: one number for each value, or shared along some axes."""

    group = "p_re_lu"
    kind: Literal["PReLU"] = "PReLU"
    shared_axes: tuple[Annotated[int, Field(ge=1, le=3)], ...] | None = None


class ELU(_Layer):
    """An exponential linear unit."""

    kind: Literal["ELU"] = "ELU"
    alpha: Literal[1] | Annotated[float, Field(ge=1, le=1)] = 1


class Softmax(_Layer):
    """Exponentials that sum to 1 along one axis."""

    kind: Literal["Softmax"] = "Softmax"
    axis: _Axis = -1


class _Pooling(_ChannelsLast):
    pool_size: _Pair = (2, 2)
    strides: _Pair | None = None
    padding: Padding = "valid"


class MaxPooling2D(_Pooling):
    """The maximum of each window."""

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
    """The maximum of each channel."""

    kind: Literal["GlobalMaxPooling2D"] = "GlobalMaxPooling2D"


class ZeroPadding2D(_ChannelsLast):
    """Padding of the edges with zeros."""

    kind: Literal["ZeroPadding2D"] = "ZeroPadding2D"
    padding: _Edges


class Cropping2D(_ChannelsLast):
    """Removal of the edges."""

    kind: Literal["Cropping2D"] = "Cropping2D"
    cropping: _Edges


class Flatten(_ChannelsLast):
    """Conversion of all values to one dimension."""

    kind: Literal["Flatten"] = "Flatten"


class Reshape(_Layer):
    """The same values in another shape; one side may be -1."""

    kind: Literal["Reshape"] = "Reshape"
    target_shape: Annotated[tuple[Annotated[int, Field(ge=-1, le=1 << 24)], ...], Field(min_length=1, max_length=3)]


class Dropout(_Layer):
    """Values dropped during training. The layer's seed is ignored, because the spec has one."""

    kind: Literal["Dropout"] = "Dropout"
    rate: _Share
    noise_shape: Annotated[tuple[Annotated[int, Field(ge=1)] | None, ...], Field(max_length=4)] | None = None
    seed: int | None = None


class SpatialDropout2D(_ChannelsLast):
    """Channels dropped during training."""

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
    """Its inputs side by side along one axis."""

    kind: Literal["Concatenate"] = "Concatenate"
    axis: _Axis = -1


class LeftOut(_Layer):
    """A layer that has an effect in training alone, or none (`Identity`). The spec's ``augmentation`` is for images.

    ``RandomCrop`` is missing: Keras crops to the center, or resizes, at inference. ``AutoContrast`` acts always.
    """

    kind: Literal[
        "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomElasticTransform",
        "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert",
        "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness",
        "RandomShear", "RandomTranslation", "RandomZoom", "AugMix", "CutMix", "MixUp", "RandAugment",
        "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization", "Identity",
    ]  # fmt: skip


Layer = (
    Input | Rescaling | Normalization | Conv2D | DepthwiseConv2D | SeparableConv2D | Dense | BatchNormalization
    | ActivationLayer | ReLU | LeakyReLU | PReLU | ELU | Softmax | MaxPooling2D | AveragePooling2D
    | GlobalAveragePooling2D | GlobalMaxPooling2D | ZeroPadding2D | Cropping2D | Flatten | Reshape | Dropout
    | SpatialDropout2D | Add | Multiply | Concatenate | LeftOut
)  # fmt: skip
