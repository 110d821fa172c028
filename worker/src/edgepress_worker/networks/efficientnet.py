"""EfficientNet without the scaling that keras.applications builds into it, and EfficientNet-Lite.

Its ``Normalization`` stores mean and variance as weights that only take effect when they are loaded from a file. Copied
from one model to another, they would silently have no effect. In addition, the two scaling layers result in ImageNet's
standardization only with a third one, which the library inserts for its own weights. One layer of constants therefore
replaces both.

EfficientNet-Lite (TensorFlow's TPU models, ``efficientnet/lite``) is EfficientNet without squeeze-and-excite and with
ReLU6 instead of swish: all of it is fast in int8. At scale 0 its other differences (a stem and a head that are not
scaled) have no effect.
"""

from tf_keras.src.applications import efficientnet  # tf_keras exports neither the builder nor the blocks

from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.keras_graph import Layer, copy_of
from edgepress_worker.networks.scaling import STANDARDIZED, Scaling

# Lite's pixels: minus 127, divided by 128 (MEAN_RGB and STDDEV_RGB of its source code).
_LITE = Scaling(factor=(1 / 128, 1 / 128, 1 / 128), offset=(-127 / 128, -127 / 128, -127 / 128))


def efficientnet_b0(inputs: tf.Tensor, _width: float) -> keras.Model:
    """Return EfficientNet-B0 without a classifier, for pixels from 0 to 255, with random weights."""
    original = keras.applications.EfficientNetB0(input_tensor=inputs, include_top=False, weights=None)
    return keras.models.clone_model(original, clone_function=lambda layer: _with_constants(layer, STANDARDIZED))


def efficientnet_lite0(inputs: tf.Tensor, _width: float) -> keras.Model:
    """Return EfficientNet-Lite0 without a classifier, for pixels from 0 to 255, with random weights."""
    original = efficientnet.EfficientNet(
        1.0,  # width
        1.0,  # depth
        224,
        blocks_args=[block | {"se_ratio": 0.0} for block in efficientnet.DEFAULT_BLOCKS_ARGS],
        model_name="efficientnet_lite0",
        include_top=False,
        weights=None,
        input_tensor=inputs,
    )

    def with_relu6(layer: Layer) -> Layer:
        if isinstance(layer, keras.layers.Activation):
            return keras.layers.ReLU(6.0, name=layer.name)
        return _with_constants(layer, _LITE)

    return keras.models.clone_model(original, clone_function=with_relu6)


def _with_constants(layer: Layer, scaling: Scaling) -> Layer:
    match layer:
        case keras.layers.Rescaling():
            return scaling.layer()
        case keras.layers.Normalization():
            return keras.layers.Activation("linear", name="scaled")
        case _:
            return copy_of(layer)
