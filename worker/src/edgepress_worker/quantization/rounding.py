"""AdaRound: chooses for each weight whether it is rounded up or down, so that an output changes least.

The nearest code is the best choice for a weight alone, but not for a sum of hundreds of products (Nagel et al. 2020,
Up or Down? Adaptive Rounding for Post-Training Quantization, arXiv:2004.10568). For weights W with the scale s, inputs
x of the quantized network and outputs y of the float network:

1. W~ = s clip(floor(W / s) + h(V), lowest, largest code) with h(V) = clip(1.2 sigmoid(V) - 0.1, 0, 1), equation 22.
   V starts where h(V) is the fraction that rounding removes.
2. Adam minimises the squared error of the output, summed over the channels, plus 0.01 sum(1 - |2 h(V) - 1|^beta). beta
   falls from 20 to 2, which drives h(V) to 0 or 1; the second term is left out of the first fifth of the steps.
3. Each weight is rounded up where h(V) is at least one half. Weights that are zero stay zero.

The output is that of a layer, or that of a block with several layers, whose weights are then chosen together (Li et al.
2021, BRECQ, arXiv:2102.05426, section 3.2; all outputs count the same here, without the paper's Fisher information).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class ToRound:
    """The weights of a layer, and their grid.

    Attributes:
        kernel: The weights, of any shape.
        scale: Their scales, broadcastable to the kernel.
        codes: The lowest and the largest code.
    """

    kernel: Values
    scale: Values
    codes: tuple[int, int]

    @property
    def below(self) -> Values:
        """The codes below the weights."""
        return np.floor(self.kernel / self.scale)

    def first_choice(self) -> Values:
        """Return the V with which h(V) is the fraction that rounding removes."""
        fraction = np.clip(self.kernel / self.scale - self.below, 1e-4, 1 - 1e-4)
        return np.asarray(-np.log(_STRETCH / (fraction - _OFFSET) - 1), np.float32)

    def soft(self, up: tf.Tensor) -> tf.Tensor:
        """Return the weights with each code between the one below and the one above."""
        codes = tf.clip_by_value(self.below + up, *map(float, self.codes))
        return tf.where(self.kernel != 0, self.scale * codes, 0.0)

    def decided(self, choice: Values) -> Values:
        """Return the rounded weights."""
        up = _STRETCH / (1 + np.exp(-choice)) + _OFFSET >= 1 / 2
        rounded = self.scale * np.clip(self.below + up, *self.codes)
        return np.asarray(np.where(self.kernel == 0, 0, rounded), np.float32)


def adaptively_rounded(
    weights: Sequence[ToRound],
    outputs_of: Callable[[tf.Tensor, Sequence[tf.Tensor]], tf.Tensor],
    examples: tuple[Values, Values],
    *,
    steps: int,
    seed: int,
) -> list[Values]:
    """Return the rounded weights of a layer or a block.

    Args:
        weights: The weights of each layer.
        outputs_of: Function that returns the output for inputs ``(batch, ...)`` and the weights of each layer.
        examples: Inputs and wanted outputs, ``(n, ...)`` each.
        steps: Number of optimization steps.
        seed: Seed that chooses the examples of each step.
    """
    choices = [tf.Variable(each.first_choice()) for each in weights]
    optimizer = keras.optimizers.Adam(_LEARNING_RATE)
    optimizer.build(choices)

    @tf.function(autograph=False)  # nothing in it needs converting
    def step(inputs: tf.Tensor, wanted: tf.Tensor, exponent: tf.Tensor, weight: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            ups = [tf.clip_by_value(_STRETCH * tf.sigmoid(choice) + _OFFSET, 0.0, 1.0) for choice in choices]
            found = outputs_of(inputs, [each.soft(up) for each, up in zip(weights, ups, strict=True)])
            error = tf.reduce_mean(tf.reduce_sum((found - wanted) ** 2, axis=-1))
            undecided = tf.add_n([tf.reduce_sum(1 - tf.abs(2 * up - 1) ** exponent) for up in ups])
            loss = error + weight * undecided
        optimizer.apply_gradients(zip(tape.gradient(loss, choices), choices, strict=True))

    random = np.random.default_rng(seed)
    inputs, wanted = examples
    for number in range(steps):
        chosen = random.choice(len(inputs), min(_BATCH, len(inputs)), replace=False)
        progress = max(0.0, (number / steps - _WARMUP) / (1 - _WARMUP))
        exponent = _LAST_EXPONENT + (_FIRST_EXPONENT - _LAST_EXPONENT) * (1 + np.cos(np.pi * progress)) / 2
        weight = _REGULARIZATION if number >= _WARMUP * steps else 0.0
        step(inputs[chosen], wanted[chosen], tf.constant(exponent, tf.float32), tf.constant(weight, tf.float32))
    return [each.decided(choice.numpy()) for each, choice in zip(weights, choices, strict=True)]
