"""EfficientNet without the scaling that keras.applications builds into it.

Its ``Normalization`` stores mean and variance as weights that only take effect when they are loaded from a file. Copied
from one model to another, they would silently have no effect. In addition, the two scaling layers result in ImageNet's
standardization only with a third one, which the library inserts for its own weights. One layer of constants therefore
replaces both.
"""

from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.networks.scaling import STANDARDIZED


def efficientnet_b0(inputs: tf.Tensor, _width: float) -> keras.Model:
    """Return EfficientNet-B0 without a classifier, for pixels from 0 to 255, with random weights."""
    original = keras.applications.EfficientNetB0(input_tensor=inputs, include_top=False, weights=None)

    def with_constants(layer: keras.layers.Layer) -> keras.layers.Layer:
        match layer:
            case keras.layers.Rescaling():
                return STANDARDIZED.layer()
            case keras.layers.Normalization():
                return keras.layers.Activation("linear", name="scaled")
            case _:
                return layer.__class__.from_config(layer.get_config())

    return keras.models.clone_model(original, clone_function=with_constants)
