"""What a network's softmax makes probabilities of: where a temperature has its place."""

import numpy as np

from edgepress_worker.keras_environment import keras, tf

_LEAST = np.finfo(np.float32).tiny  # a probability that has become 0 has no logarithm


def logits_of(network: keras.Model) -> tf.Tensor:
    """The tensor of the network's logits, float32 ``(batch, classes)``, to make a functional model of.

    It is whatever goes into the last layer, if that is a softmax and no more: what a classifier gives, or what
    quantization-aware training has rounded it to. If the softmax is a part of the last layer, it is the logarithm of
    the probabilities: the logits less a number of each image's own, which no softmax sees.
    """
    last = network.get_layer(network.output_names[0])
    if isinstance(last, keras.layers.Softmax) or _is_softmax_activation(last):
        return last.input
    return tf.math.log(tf.maximum(network.output, _LEAST))


def _is_softmax_activation(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.softmax
