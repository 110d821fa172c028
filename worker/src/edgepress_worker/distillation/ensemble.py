"""Several teachers as one: the mean of their predicted probabilities.

The mean is that of the probabilities at the temperature T of the lesson, p = mean softmax(t_k / T), written as logits
T log p, so that every loss that divides logits by T sees exactly p (Hinton et al. 2015, arXiv:1503.02531, section 2:
the arithmetic mean of the individual predictive distributions).
"""

import math
from collections.abc import Sequence

from edgepress_worker.distillation.hints import outputs_of
from edgepress_worker.distillation.logits import logits_of
from edgepress_worker.keras_environment import keras, tf


def teacher_of(networks: Sequence[keras.Model], temperature: float, hinted: Sequence[str] = ()) -> keras.Model:
    """Return a model from pixels to the logits of the networks; of one network, they are its own.

    Args:
        networks: Networks from pixels of one size to probabilities of the same classes.
        temperature: T, 1 or more.
        hinted: Names of layers of a single network, whose outputs follow the logits.
    """
    if hinted:
        (network,) = networks
        return keras.Model(network.inputs, [logits_of(network), *outputs_of(network, hinted, "teacher")])
    teachers = [
        keras.Model(network.inputs, logits_of(network), name=f"teacher_{number}")
        for number, network in enumerate(networks, start=1)
    ]
    if len(teachers) == 1:
        return teachers[0]
    pixels = keras.Input(networks[0].input_shape[1:])
    return keras.Model(pixels, averaged([teacher(pixels) for teacher in teachers], temperature))


def averaged(logits: Sequence[tf.Tensor], temperature: float) -> tf.Tensor:
    """Return the logits of the mean probabilities, float32 ``(batch, classes)``; see the module."""
    softened = tf.stack([tf.nn.log_softmax(each / temperature) for each in logits])
    return temperature * (tf.reduce_logsumexp(softened, axis=0) - math.log(len(logits)))
