"""The logits of a network, the input of its softmax, which a temperature divides."""

import numpy as np

from edgepress_worker.keras_environment import keras, tf

_LEAST = np.finfo(np.float32).tiny  # avoids the logarithm of a probability that was rounded to 0


def logits_of(network: keras.Model) -> tf.Tensor:
    """Return the tensor of the network's logits, float32 ``(batch, classes)``, for a functional model.

    If the last layer is only a softmax, the logits are its input: the output of a classifier, or its value after the
    rounding of quantization-aware training. If the softmax is part of the last layer, the logits are the logarithm of
    the probabilities. They differ from the true ones by a constant per image, which has no effect on a softmax.
    """
    last = network.get_layer(network.output_names[0])
    if isinstance(last, keras.layers.Softmax) or _is_softmax_activation(last):
        return last.input
    return tf.math.log(tf.maximum(network.output, _LEAST))


def _is_softmax_activation(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.softmax
