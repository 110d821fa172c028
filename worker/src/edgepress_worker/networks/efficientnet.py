"""EfficientNet without the scaling that keras.applications builds into it.

Its ``Normalization`` keeps mean and variance as weights that only take effect when they are loaded from a file: copied
from one model to another, they would be lost without a word. And the two layers add up to ImageNet's standardization
only together with a third that the library inserts for its own download. So both give way to one layer of constants.
"""

from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.networks.scaling import STANDARDIZED


def efficientnet_b0(inputs: tf.Tensor, _width: float) -> keras.Model:
    """EfficientNet-B0 without a classifier, from pixels 0 to 255, with random weights."""
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
