"""AdaRound: chooses for each weight whether it is rounded up or down, so that the layer's output changes least.

The nearest code is the best choice for a weight alone, but not for a sum of hundreds of products (Nagel et al. 2020,
Up or Down? Adaptive Rounding for Post-Training Quantization, arXiv:2004.10568). For weights W with the scale s, inputs
x of the quantized network and outputs y of the float network:

1. W~ = s clip(floor(W / s) + h(V), lowest, largest code) with h(V) = clip(1.2 sigmoid(V) - 0.1, 0, 1), equation 22.
   V starts where h(V) is the fraction that rounding removes.
2. Adam minimises the squared error of the output, summed over the channels, plus 0.01 sum(1 - |2 h(V) - 1|^beta). beta
   falls from 20 to 2, which drives h(V) to 0 or 1; the second term is left out of the first fifth of the steps.
3. Each weight is rounded up where h(V) is at least one half. Weights that are zero stay zero.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from edgepress_worker.keras_environment import keras, tf

Values = npt.NDArray[np.float32]

# From the paper (section 5) and the authors' code: 1,000 steps instead of 10,000 need a rate of 0.01.
_STRETCH, _OFFSET = 1.2, -0.1
_REGULARIZATION = 0.01
_FIRST_EXPONENT, _LAST_EXPONENT = 20.0, 2.0
_WARMUP = 0.2
_LEARNING_RATE = 0.01
_BATCH = 32


def adaptively_rounded(
    kernel: Values,
    scale: Values,
    codes: tuple[int, int],
    outputs_of: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    examples: tuple[Values, Values],
    *,
    steps: int,
    seed: int,
) -> Values:
    """Return the rounded weights of a layer.

    Args:
        kernel: The weights, of any shape.
        scale: Their scales, broadcastable to the kernel.
        codes: The lowest and the largest code.
        outputs_of: Function that returns the layer's output for inputs ``(batch, ...)`` and a kernel.
        examples: Inputs and wanted outputs of the layer, ``(n, ...)`` each.
        steps: Number of optimization steps.
        seed: Seed that chooses the examples of each step.
    """
    below = np.floor(kernel / scale)
    fraction = np.clip(kernel / scale - below, 1e-4, 1 - 1e-4)
    first = -np.log(_STRETCH / (fraction - _OFFSET) - 1)
    choice = tf.Variable(first.astype(np.float32))
    optimizer = keras.optimizers.Adam(_LEARNING_RATE)
    optimizer.build([choice])
    kept = tf.constant(kernel != 0)

    def soft(up: tf.Tensor) -> tf.Tensor:
        return tf.where(kept, scale * tf.clip_by_value(below + up, *map(float, codes)), 0.0)

    @tf.function(autograph=False)  # nothing in it needs converting
    def step(inputs: tf.Tensor, wanted: tf.Tensor, exponent: tf.Tensor, weight: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            up = tf.clip_by_value(_STRETCH * tf.sigmoid(choice) + _OFFSET, 0.0, 1.0)
            error = tf.reduce_mean(tf.reduce_sum((outputs_of(inputs, soft(up)) - wanted) ** 2, axis=-1))
            undecided = tf.reduce_sum(1 - tf.abs(2 * up - 1) ** exponent)
            loss = error + weight * undecided
        optimizer.apply_gradients([(tape.gradient(loss, choice), choice)])

    random = np.random.default_rng(seed)
    inputs, wanted = examples
    for number in range(steps):
        chosen = random.choice(len(inputs), min(_BATCH, len(inputs)), replace=False)
        progress = max(0.0, (number / steps - _WARMUP) / (1 - _WARMUP))
        exponent = _LAST_EXPONENT + (_FIRST_EXPONENT - _LAST_EXPONENT) * (1 + np.cos(np.pi * progress)) / 2
        weight = _REGULARIZATION if number >= _WARMUP * steps else 0.0
        step(inputs[chosen], wanted[chosen], tf.constant(exponent, tf.float32), tf.constant(weight, tf.float32))
    up = _STRETCH / (1 + np.exp(-choice.numpy())) + _OFFSET >= 1 / 2
    return np.asarray(np.where(kernel == 0, 0, scale * np.clip(below + up, *codes)), np.float32)
