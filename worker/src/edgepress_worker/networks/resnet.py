"""Narrow ResNets, a ResNet18 whose normalizations all follow a convolution, and the small ResNet-8.

image-classifiers' ResNets are pre-activation: ten normalizations of a ResNet18 stand before a ReLU. No convolution can
absorb these; they stay multiplications and additions of whole activations. The original ResNet normalizes after each
convolution (He et al. 2015, arXiv:1512.03385), so that a converter can fold all normalizations into the convolutions.
"""

from classification_models.tfkeras import Classifiers

from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_graph import Layer, copy_of

_CHANNELS = (64, 128, 256, 512)  # of the four stages of ResNet18 and ResNet34, table 1 of the paper
_SMALL_CHANNELS = (16, 32, 64)  # of ResNet-8
_UNITS = 2  # of each stage of ResNet18


def preactivation_resnet(name: str, inputs: tf.Tensor, width: float) -> keras.Model:
    """Return a ResNet of image-classifiers without a classifier, with ``width`` times as many channels."""
    build, _ = Classifiers.get(name)
    network = build(input_tensor=inputs, include_top=False, weights=None)
    if width == 1:
        return network

    def narrowed(layer: Layer) -> Layer:
        if not isinstance(layer, keras.layers.Conv2D):
            return copy_of(layer)
        return layer.__class__.from_config(layer.get_config() | {"filters": _scaled(layer.filters, width)})

    return keras.models.clone_model(network, input_tensors=inputs, clone_function=narrowed)


def resnet8(inputs: tf.Tensor, width: float) -> keras.Model:
    """Return the ResNet-8 of MLPerf Tiny (Banbury et al. 2021, arXiv:2106.07597) without a classifier.

    Three stages of one unit each. The reference has biases instead of a normalization in its shortcuts; a converter
    folds both into the same operators.
    """
    flow = _relu(_convolution(inputs, _scaled(_SMALL_CHANNELS[0], width), "stem"), "stem")
    for stage, channels in enumerate(_SMALL_CHANNELS, start=1):
        flow = _unit(flow, _scaled(channels, width), f"stage{stage}_unit1", 2 if stage > 1 else 1)
    return keras.Model(keras.utils.get_source_inputs(inputs), flow)


def postactivation_resnet18(inputs: tf.Tensor, width: float) -> keras.Model:
    """Return a ResNet18 without a classifier, with a normalization behind each convolution and none elsewhere."""
    stem = _scaled(_CHANNELS[0], width)
    flow = _relu(_convolution(inputs, stem, "stem", kernel_size=7, strides=2), "stem")
    flow = keras.layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pooling")(flow)
    for stage, channels in enumerate(_CHANNELS, start=1):
        for unit in range(1, _UNITS + 1):
            strides = 2 if stage > 1 and unit == 1 else 1
            flow = _unit(flow, _scaled(channels, width), f"stage{stage}_unit{unit}", strides)
    return keras.Model(keras.utils.get_source_inputs(inputs), flow)


def _unit(flow: tf.Tensor, channels: int, name: str, strides: int) -> tf.Tensor:
    """Return two convolutions with a shortcut, which is a 1x1 convolution where the shape changes (option B)."""
    shortcut = flow
    if strides > 1 or flow.shape[-1] != channels:
        shortcut = _convolution(flow, channels, f"{name}_sc", kernel_size=1, strides=strides)
    inner = _relu(_convolution(flow, channels, f"{name}_conv1", strides=strides), f"{name}_conv1")
    outer = _convolution(inner, channels, f"{name}_conv2")
    return _relu(keras.layers.Add(name=f"{name}_add")([outer, shortcut]), name)


def _convolution(flow: tf.Tensor, channels: int, name: str, *, kernel_size: int = 3, strides: int = 1) -> tf.Tensor:
    convolution = keras.layers.Conv2D(
        channels,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,  # the normalization has one
        kernel_initializer="he_normal",
        name=name,
    )
    return keras.layers.BatchNormalization(name=f"{name}_bn")(convolution(flow))


def _relu(flow: tf.Tensor, name: str) -> tf.Tensor:
    return keras.layers.Activation("relu", name=f"{name}_relu")(flow)


def _scaled(channels: int, width: float) -> int:
    """Return a width's number of channels: a whole number at every width of the catalogue."""
    return round(channels * width)
